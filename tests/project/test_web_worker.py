"""How long a client may take to send its request: what is cut off, when, and that nothing else is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from project.web_worker import PATIENCE_SECONDS, SHORT_PATIENCE_SECONDS, STARVED_SECONDS, Receptions


@dataclass(eq=False)
class Visitor:
    """Both ends of a connection."""

    sock: socket.socket
    far: socket.socket

    def is_cut(self) -> bool:
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def visitors() -> Iterator[list[Visitor]]:
    pairs = [Visitor(*socket.socketpair()) for _ in range(3)]
    yield pairs
    for visitor in pairs:
        visitor.sock.close()
        visitor.far.close()


def test_a_client_is_cut_off_after_its_time_and_can_still_be_answered(visitors: list[Visitor]) -> None:
    receptions, slow = Receptions(), visitors[0]
    receptions.begin(slow, 100.0)
    receptions.cut(100.0 + PATIENCE_SECONDS - 0.1)
    assert not slow.is_cut()
    receptions.cut(100.0 + PATIENCE_SECONDS)
    slow.sock.sendall(b"answer")
    assert (slow.is_cut(), slow.far.recv(10), receptions.end(slow)) == (True, b"answer", False)


def test_a_client_has_less_time_while_another_one_waits(visitors: list[Visitor]) -> None:
    receptions, (slow, quick, waiting) = Receptions(), visitors
    receptions.begin(slow, 100.0)
    receptions.begin(quick, 102.9)
    receptions.queue(waiting, 103.0 - STARVED_SECONDS)
    receptions.cut(100.0 + SHORT_PATIENCE_SECONDS)
    assert (slow.is_cut(), quick.is_cut(), receptions.end(quick)) == (True, False, True)


def test_a_short_wait_takes_nobodys_time(visitors: list[Visitor]) -> None:
    receptions, (slow, waiting, _) = Receptions(), visitors
    receptions.begin(slow, 100.0)
    receptions.queue(waiting, 110.0)
    receptions.cut(110.0 + STARVED_SECONDS - 0.1)
    receptions.begin(waiting, 111.0)
    receptions.cut(112.0)
    assert (slow.is_cut(), receptions.end(slow)) == (False, True)


def test_what_has_been_answered_is_not_cut_off(visitors: list[Visitor]) -> None:
    receptions, quick = Receptions(), visitors[0]
    receptions.begin(quick, 100.0)
    assert receptions.end(quick)
    receptions.cut(1000.0)
    assert not quick.is_cut()


def test_a_client_that_has_gone_disturbs_nothing(visitors: list[Visitor]) -> None:
    receptions, (gone, slow, _) = Receptions(), visitors
    for visitor in visitors:
        receptions.begin(visitor, 100.0)
    gone.sock.close()
    receptions.cut(1000.0)
    assert slow.is_cut()
