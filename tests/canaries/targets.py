"""Servers on loopback that fail in many ways, and say back whatever they were told."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import suppress

import trustme

from tests.hostile import Behaviour, HostileServer


async def _read(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
    for line in head.lower().split("\r\n"):
        if line.startswith("content-length:"):
            head += (await reader.readexactly(int(line.partition(":")[2]))).decode("utf-8", "replace")
    return head


def quoting(status: int, *headers: str) -> Behaviour:
    """Answer with what was asked as the body, and in a header, too."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read(reader)
        said = json.dumps({"error": "invalid_client", "error_description": asked, "asked": asked.split("\r\n")})
        flat = " ".join(asked.split())
        lines = [f"HTTP/1.1 {status} {flat[:500]}", f"X-Asked: {flat}", f"Content-Length: {len(said)}", *headers]
        writer.write("\r\n".join([*lines, "", said]).encode())
        await writer.drain()

    return behave


def redirecting(location: str) -> Behaviour:
    """Lead to another place, with what was asked in the address."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read(reader)
        said = "&".join(line.split(": ")[-1].replace(" ", "+") for line in asked.split("\r\n") if ": " in line)
        writer.write(f"HTTP/1.1 307 X\r\nLocation: {location}?{said}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return behave


async def echo_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say a line back, in a longer one."""
    line = await reader.readline()
    writer.write(b"?" * 75 + b" I heard " + line)
    await writer.drain()


class Recorder:
    """Writes down everything that arrives."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await _read(reader))
        writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")


class TokenGiver:
    """Gives one token to anybody."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.asked = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read(reader)
        self.asked += 1
        said = json.dumps({"access_token": self.token, "token_type": "bearer", "expires_in": 600})
        writer.write(f"HTTP/1.1 200 X\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())
        with suppress(OSError):
            await writer.drain()


class Targets:
    """The addresses by what happens there."""

    def __init__(self, server: HostileServer, authority: trustme.CA, token: str) -> None:
        self.recorder, self.giver = Recorder(), TokenGiver(token)
        demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(demanding)
        elsewhere = f"http://127.0.0.1:{server.listen(self.recorder)}/"
        digest = 'WWW-Authenticate: Digest realm="another realm", nonce="n", qop="auth"'

        def at(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> str:
            scheme = "https://localhost" if tls else "http://127.0.0.1"
            return f"{scheme}:{server.listen(behaviour, tls=tls)}/"

        self.urls = {
            "echo": at(quoting(200)),
            "refusing": at(quoting(401, 'WWW-Authenticate: Basic realm="another realm"')),
            "failing": at(quoting(500)),
            "asking": at(quoting(401, digest)),
            "trap": at(quoting(401, "WWW-Authenticate: Digest realm=x")),
            "away": at(redirecting(elsewhere)),
            "untrusted": at(quoting(200), demanding),
            "tokens": at(self.giver),
            "line": f"tcp://127.0.0.1:{server.listen(echo_line)}",
        }
