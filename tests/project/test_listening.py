from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError

from project.embedded.listening import choose_allowed_hosts, describe_address, is_loopback, open_listener


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with open_listener("127.0.0.1", 0) as opened:
        yield opened


def test_listener_on_loopback_is_known_by_its_names_alone(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert is_loopback(listener)
    assert describe_address(listener, "127.0.0.1") == f"http://127.0.0.1:{port}/"
    assert choose_allowed_hosts(listener, "127.0.0.1") == ["127.0.0.1", "[::1]", "localhost"]


def test_listener_on_every_address_is_known_by_the_name_of_the_machine() -> None:
    with open_listener("0.0.0.0", 0) as opened:
        assert not is_loopback(opened)
        assert socket.gethostname().lower() in choose_allowed_hosts(opened, "0.0.0.0")
        assert "0.0.0.0" not in choose_allowed_hosts(opened, "0.0.0.0")
        assert "0.0.0.0" not in describe_address(opened, "0.0.0.0")


@pytest.mark.parametrize("host", ["no such host", "", "x" * 300, "a..b"])
def test_listener_refuses_what_is_no_address(host: str) -> None:
    with pytest.raises(CommandError, match=rf"^“{host}” is not an address \(.+\); correct --host\.$"):
        open_listener(host, 0)


def test_listener_refuses_what_is_no_address_of_this_machine() -> None:
    with pytest.raises(CommandError) as refused:
        open_listener("203.0.113.77", 0)
    assert str(refused.value) == "203.0.113.77 is not an address of this machine; correct --host."
