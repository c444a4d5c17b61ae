"""What the children of `up` are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from project.embedded.data_directory import DataDirectory
from project.embedded.environment import KEY_VARIABLES, build_environment


def build(tmp_path: Path) -> dict[str, str]:
    address = "http://127.0.0.1:8000/"
    return build_environment(DataDirectory(tmp_path), broker=None, allowed_hosts=[], address=address)


def test_children_get_the_keys_of_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    given = build(tmp_path)["HEALTHCHECK_ENCRYPTION_KEYS"]
    assert given == DataDirectory(tmp_path).read_encryption_keys()
    assert len(given) == 44


def test_children_spool_in_the_data_directory_unless_the_caller_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEALTHCHECK_SPOOL_DIR", raising=False)
    assert build(tmp_path)["HEALTHCHECK_SPOOL_DIR"] == str(tmp_path / "spool")
    monkeypatch.setenv("HEALTHCHECK_SPOOL_DIR", "/elsewhere")
    assert build(tmp_path)["HEALTHCHECK_SPOOL_DIR"] == "/elsewhere"


def test_links_in_messages_lead_to_the_pages_unless_the_caller_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEALTHCHECK_BASE_URL", raising=False)
    assert build(tmp_path)["HEALTHCHECK_BASE_URL"] == "http://127.0.0.1:8000"
    monkeypatch.setenv("HEALTHCHECK_BASE_URL", "https://status.example.org")
    assert build(tmp_path)["HEALTHCHECK_BASE_URL"] == "https://status.example.org"


@pytest.mark.parametrize("name", KEY_VARIABLES)
def test_keys_of_the_caller_stand(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in KEY_VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "the caller's")
    environment = build(tmp_path)
    assert {key: environment.get(key) for key in KEY_VARIABLES} == dict.fromkeys(KEY_VARIABLES) | {name: "the caller's"}
    assert not (tmp_path / "encryption-key").exists()
