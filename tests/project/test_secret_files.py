from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.secret_files import FileAwareEnv, FileVariables


def read(name: str, **variables: str) -> str:
    """Read a secret as the settings do."""
    value: str = FileVariables(variables).get(name, "")
    return value


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_is_the_value_without_its_last_line_feed(tmp_path: Path, end: str) -> None:
    (tmp_path / "key").write_bytes(f" a$b {end}".encode())
    assert read("KEY", KEY_FILE=str(tmp_path / "key")) == " a$b "


def test_file_wins_over_the_variable_unless_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("file")
    assert read("KEY", KEY="plain", KEY_FILE=str(tmp_path / "key")) == "file"
    assert read("KEY", KEY="plain", KEY_FILE="") == "plain"
    assert read("KEY") == ""


def refusal(name: str, file: Path) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(name, **{f"{name}_FILE": str(file)})
    return str(refused.value)


def test_unusable_file_is_refused_with_a_sentence_that_holds_nothing_of_it(tmp_path: Path) -> None:
    missing, binary, empty = tmp_path / "missing", tmp_path / "binary", tmp_path / "empty"
    binary.write_bytes(b"secret\xff")
    empty.write_text("\n")
    assert refusal("KEY", missing) == (
        f"KEY_FILE names {missing}, which cannot be read (No such file or directory); correct the path, or let the "
        "user that runs this read the file."
    )
    assert refusal("KEY", tmp_path).startswith(f"KEY_FILE names {tmp_path}, which cannot be read (Is a directory); ")
    assert refusal("KEY", binary) == f"KEY_FILE names {binary}, which is no text in UTF-8; write it anew."
    assert refusal("KEY", empty) == f"KEY_FILE names {empty}, which is empty; write the value into it."


def test_secret_that_begins_with_a_dollar_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "$HOME")
    assert FileAwareEnv().secret("KEY") == "$HOME"
