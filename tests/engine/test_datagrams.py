"""What a peer sends in plenty is read by turns with everything else."""

from __future__ import annotations

import asyncio
import socket
from itertools import count

import dns.message

from healthcheck.engine.datagrams import MAX_READS
from tests.engine.conftest import Attempt, Run

# As many as the buffer of a socket holds; each turn takes some of them.
STRANGERS = 7 * MAX_READS


async def flood_and_answer(server: socket.socket) -> None:
    """Answer one question behind many answers to others, all of which lie there at once."""
    loop, is_asked = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(server, is_asked.set)
    await is_asked.wait()
    loop.remove_reader(server)
    question, asker = server.recvfrom(512)
    answer = dns.message.make_response(dns.message.from_wire(question)).to_wire()
    other = bytes([answer[0] ^ 1]) + answer[1:]
    for wire in [*[other] * STRANGERS, answer]:
        server.sendto(wire, asker)


def test_flood_of_strangers_leaves_the_loop_its_turns(run: Run) -> None:
    async def count_turns() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as server:
            server.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{server.getsockname()[1]}"
            check = asyncio.create_task(Attempt("dns://a.example", {"server": address}, kind="dns").observe())
            await flood_and_answer(server)
            for turns in count():
                if check.done():
                    answer = (await check).dns
                    assert answer is not None
                    assert answer.rcode == "NOERROR"
                    return turns
                await asyncio.sleep(0)
        raise AssertionError

    assert run(count_turns()) >= STRANGERS // MAX_READS
