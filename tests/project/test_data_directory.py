from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from project.embedded.data_directory import MAX_SOCKET_PATH_BYTES, DataDirectory, find_data_directory


def test_secret_key_is_made_once(tmp_path: Path) -> None:
    key = DataDirectory(tmp_path).read_secret_key()
    assert len(key) == 64
    assert DataDirectory(tmp_path).read_secret_key() == key
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret-key"]


def test_secret_key_that_was_never_written_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()
    assert len(DataDirectory(tmp_path).read_secret_key()) == 64


def test_broker_lives_in_the_data_directory(tmp_path: Path) -> None:
    assert DataDirectory(tmp_path).choose_broker_directory() == tmp_path / "broker"
    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["with space", "umläut", "x" * 100, "a#b", "a%41b", "a?b", "a\x07b"])
def test_broker_lives_elsewhere_where_its_path_would_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = tmp_path / name
    data.mkdir()
    # The folders that the tests themselves are given are too deep already.
    with tempfile.TemporaryDirectory(prefix="hc", dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        assert_that_the_broker_moves(data, Path(short))


def assert_that_the_broker_moves(data: Path, elsewhere: Path) -> None:
    chosen = DataDirectory(data).choose_broker_directory()
    assert chosen.parent == elsewhere
    assert len(str(chosen / "broker.sock")) <= MAX_SOCKET_PATH_BYTES
    assert chosen == DataDirectory(data).choose_broker_directory()
    (chosen / "broker.sock").touch()
    DataDirectory(data).remove_foreign_broker_directory()
    assert list(elsewhere.iterdir()) == []


def test_broker_refuses_a_folder_that_others_can_enter(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker").chmod(0o755)
    with pytest.raises(CommandError, match="is not a private folder of yours; remove it and start again"):
        DataDirectory(tmp_path).choose_broker_directory()


def test_data_directory_may_be_given_in_any_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("here")
    spelt = [find_data_directory(given).path for given in ("~/here", "here", "elsewhere/../here", "link")]
    assert spelt == [tmp_path / "here"] * 4


@pytest.fixture
def _umask() -> Iterator[None]:
    """`prepare` is meant for a process of its own."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_folder_that_was_there_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataDirectory(tmp_path).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("_umask")
def test_folder_that_is_there_for_everybody_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(CommandError) as refused:
        DataDirectory(tmp_path).prepare()
    assert str(refused.value) == (
        f"Others can look into the data directory {tmp_path}, and it is not yours alone to close; choose another with "
        "--data."
    )
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.usefixtures("_umask")
@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder away")
def test_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(CommandError, match="Others can look into the data directory"):
        DataDirectory(tmp_path).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_broker_in_the_data_directory_keeps_its_folder(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    chosen = data.choose_broker_directory()
    data.remove_foreign_broker_directory()
    assert chosen.is_dir()


def test_secret_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="secret-key holds no key but something else; remove it and start again"):
        DataDirectory(tmp_path).read_secret_key()


def test_encryption_keys_are_made_once_and_may_be_rotated(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    made = data.read_encryption_keys()
    assert data.read_encryption_keys() == made
    file = tmp_path / "encryption-key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(f"new-key\n{made},\n")
    assert data.read_encryption_keys() == f"new-key,{made}"


def test_encryption_keys_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "encryption-key").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="the secrets of all credentials have to be entered again"):
        DataDirectory(tmp_path).read_encryption_keys()


def test_home_of_nobody_is_refused() -> None:
    with pytest.raises(CommandError) as refused:
        find_data_directory("~nosuch/x")
    assert str(refused.value) == "Nobody knows whose home ~nosuch/x is; choose another folder with --data."
