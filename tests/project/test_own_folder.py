"""Commands that are run by hand beside `manage.py up`: they do as its processes do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project.embedded.data_directory import DataDirectory
from project.own_folder import FolderDefaults, read_folder_defaults
from tests.hostile import HostileServer
from tests.project.running import run_manage

PRINT = (
    "from django.conf import settings as s; "
    "print(s.SECRET_KEY, s.HEALTHCHECK['ADDRESS_MODE'], *s.HEALTHCHECK['ENCRYPTION_KEYS'])"
)
ADD_GROUP = """
from healthcheck.models import Credential, EndpointGroup
from healthcheck.models.secrets import seal_secrets
credential = Credential.objects.create(name="door", kind="bearer", sealed=seal_secrets({{"token": "open-sesame"}}))
group = EndpointGroup.objects.create(slug="own", name="Own", interval_seconds=3600, deadline_seconds=30)
group.endpoints.create(name="plain", address="http://127.0.0.1:{port}/")
group.endpoints.create(name="locked", address="http://127.0.0.1:{port}/", credential=credential)
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """A folder with what `up` makes in it before it starts anything."""
    folder = DataDirectory(tmp_path)
    folder.read_secret_key()
    folder.read_encryption_keys()
    return folder


def show_settings(**variables: str) -> list[str]:
    return run_manage("shell", "--no-imports", "--command", PRINT, **variables).stdout.split()


def test_check_group_beside_up_gives_the_true_verdict(data: DataDirectory, hostile: HostileServer) -> None:
    own = {"HEALTHCHECK_DATA": str(data.path)}
    assert run_manage("migrate", "--verbosity", "0", **own).returncode == 0
    added = run_manage("shell", "-v0", "-c", ADD_GROUP.format(port=hostile.listen("good")), **own)
    assert (added.returncode, added.stderr) == (0, "")
    ended = run_manage("check_group", "own", "--json", **own)
    assert json.loads(ended.stdout)["counts"] == {"unknown": 0, "up": 2, "degraded": 0, "down": 0}
    assert ended.returncode == 0


def test_settings_are_those_of_the_folder(data: DataDirectory) -> None:
    shown = show_settings(HEALTHCHECK_DATA=str(data.path))
    assert shown == [data.read_secret_key(), "everything", data.read_encryption_keys()]


def test_what_the_environment_says_stands(data: DataDirectory) -> None:
    said = {"SECRET_KEY": "said", "HEALTHCHECK_ADDRESS_MODE": "public", "HEALTHCHECK_ENCRYPTION_KEYS": "key"}
    assert show_settings(HEALTHCHECK_DATA=str(data.path), **said) == ["said", "public", "key"]


@pytest.mark.parametrize("is_in_file", [False, True])
def test_deployment_with_a_database_elsewhere_is_unaffected(data: DataDirectory, is_in_file: bool) -> None:
    url = f"sqlite:///{data.path}/healthcheck.sqlite3"
    (data.path / "url").write_text(url)
    named = {"DATABASE_URL_FILE": str(data.path / "url")} if is_in_file else {"DATABASE_URL": url}
    key, *rest = show_settings(HEALTHCHECK_DATA=str(data.path), **named)
    assert rest == ["private"]
    assert key != data.read_secret_key()


@pytest.mark.parametrize("missing", ["secret-key", "encryption-key"])
def test_folder_without_both_keys_says_nothing(data: DataDirectory, missing: str) -> None:
    (data.path / missing).unlink()
    assert read_folder_defaults(data.path) == FolderDefaults("private", "", "")


def test_damaged_key_is_left_for_up_to_explain(data: DataDirectory) -> None:
    (data.path / "encryption-key").write_bytes(b"\xff\xfe")
    assert read_folder_defaults(data.path) == FolderDefaults("private", "", "")
