"""`python -m tests.figures.villains FILE`: targets that answer and targets that do not, in a process of their own.

Writes the addresses to FILE, as JSON of two lists, once all of them listen.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from tests.dns_server import DnsServer, Reply
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer

GOOD = ("good", "chunked", "gzip", "until_close", "early_hints", "http_1_0")
BAD = (
    *("cut_header", "cut_body", "cut_chunk", "huge_header", "many_headers", "lengths_conflict", "chunk_size_garbage"),
    *("chunk_size_huge", "http_0_9", "random", "ssh_banner", "status_999", "switching_protocols", "nul_in_header"),
    *("gzip_cut", "gzip_not", "encodings_500", "redirect_loop", "redirect_broken", "redirect_file", "close_at_once"),
    *("reset_before_headers", "reset_in_body", "greet_unasked", "endless_continue", "endless_headers", "endless_body"),
    *("endless_trailers", "silent", "header_drip", "body_drip"),
)
NAMES = {"fails.test": Reply(rcode="SERVFAIL"), "silent.test": Reply(is_silent=True), "empty.test": Reply()}


def main() -> None:
    with HostileServer() as server, DnsServer(port=53) as dns:
        dns.add("example.com", "A 93.184.216.34")
        for name, reply in NAMES.items():
            dns.play(name, reply)
        good = [f"http://127.0.0.1:{server.listen(behaviour)}/" for behaviour in GOOD]
        bad = [f"http://127.0.0.1:{server.listen(behaviour)}/" for behaviour in BAD]
        closed, plain = find_free_ports(2)
        bad += [f"http://127.0.0.1:{closed}/", f"tcp://127.0.0.1:{plain}"]
        bad += [f"https://{good[0].removeprefix('http://')}", *(f"http://{name}/" for name in (*NAMES, "none.test"))]
        written = Path(sys.argv[1]).with_suffix(".part")
        written.write_text(json.dumps([good, bad]))
        written.rename(sys.argv[1])
        threading.Event().wait()


if __name__ == "__main__":
    main()
