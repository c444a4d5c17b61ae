"""What others install: the wheel holds the app, all of it, and nothing of the deployment."""

from __future__ import annotations

import zipfile
from email.parser import Parser

import pytest

from tests.wheel import ROOT, build_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel")))


def test_wheel_holds_every_file_of_the_app_and_no_other(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (path for path in (ROOT / "healthcheck").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}


def test_wheel_holds_more_than_code(wheel: zipfile.ZipFile) -> None:
    expected = {
        "healthcheck/py.typed",
        "healthcheck/migrations/0001_initial.py",
        "healthcheck/templates/healthcheck/status.html",
        "healthcheck/static/healthcheck/status.css",
        "healthcheck/management/commands/scheduler.py",
    }
    assert expected - set(wheel.namelist()) == set()


def test_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Name"] == "django-endpoint-healthcheck"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())
