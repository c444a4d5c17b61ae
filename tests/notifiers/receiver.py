"""A receiver of messages on loopback: it keeps what it is told, and answers as the test says."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from healthcheck.engine.types import AddressMode, AddressRules
from healthcheck.notifiers.contract import Reach
from tests.hostile import HostileServer, answer

REACH = Reach(AddressRules(AddressMode.EVERYTHING), 5.0)
# Loopback is refused there.
STRICT = Reach(AddressRules(AddressMode.PRIVATE), 5.0)

Script = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
OK = answer("HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 2", body=b"ok")


def say(status: str, *headers: str, body: str = "") -> bytes:
    """Return an answer with a text of its own."""
    encoded = body.encode()
    return answer(f"HTTP/1.1 {status}", f"Content-Length: {len(encoded)}", *headers, body=encoded)


@dataclass(frozen=True)
class Told:
    """One request as it arrived; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers the scripts in their order, and the last one from then on."""

    def __init__(self, server: HostileServer, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts or (OK,))
        self.told: list[Told] = []
        self.port = server.listen(self._behave, tls=tls)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, *scripts: Script) -> None:
        """Answer these from now on."""
        self._scripts = list(scripts)

    async def _behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.told.append(Told(first.split(" ")[1], headers, body))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        if isinstance(script, bytes):
            writer.write(script)
            await writer.drain()
        else:
            await script(writer)
