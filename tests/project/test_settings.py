from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.running import run_manage

SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PRINT = "from django.conf import settings; print({})"


def test_production_passes_the_deploy_check(tmp_path: Path) -> None:
    variables = {"SECRET_KEY": SECRET, "HTTPS": "true", "HEALTHCHECK_SPOOL_DIR": str(tmp_path)}
    checked = run_manage("check", "--deploy", "--fail-level", "WARNING", **variables)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_missing_secret_key_fails_the_deploy_check() -> None:
    checked = run_manage("check", "--deploy", "--fail-level", "WARNING", HTTPS="true")
    assert checked.returncode == 1
    assert "security.W009" in checked.stderr


def test_settings_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "database").write_text("postgres://someone:word@db:5432/checks")
    shown = run_manage(
        "shell",
        "--no-imports",
        "--command",
        PRINT.format("settings.SECRET_KEY, settings.DATABASES['default']['HOST'], settings.DEBUG"),
        SECRET_KEY_FILE=str(tmp_path / "secret"),
        DATABASE_URL_FILE=str(tmp_path / "database"),
    )
    assert (shown.stdout, shown.stderr) == (f"{SECRET} db False\n", "")


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "a b"])
@pytest.mark.parametrize("url", [{}, {"DATABASE_URL": ""}])
def test_database_is_in_the_data_directory_whatever_its_name(tmp_path: Path, name: str, url: dict[str, str]) -> None:
    data = tmp_path / name
    command = PRINT.format("settings.DATABASES['default']['NAME'], settings.DATABASES['default']['OPTIONS']['timeout']")
    shown = run_manage("shell", "--no-imports", "--command", command, HEALTHCHECK_DATA=str(data), **url)
    assert (shown.stdout, shown.stderr) == (f"{data / 'healthcheck.sqlite3'} 20\n", "")


def test_password_of_the_database_is_given_apart_from_its_url() -> None:
    command = PRINT.format("settings.DATABASES['default']['PASSWORD']")
    variables = {"DATABASE_URL": "postgres://someone@db/checks", "DATABASE_PASSWORD": "a/b@c:d#$%41"}
    shown = run_manage("shell", "--no-imports", "--command", command, **variables)
    assert (shown.stdout, shown.stderr) == ("a/b@c:d#$%41\n", "")


def test_encryption_keys_are_listed_newest_first() -> None:
    command = PRINT.format("settings.HEALTHCHECK['ENCRYPTION_KEYS']")
    shown = run_manage("shell", "--no-imports", "--command", command, HEALTHCHECK_ENCRYPTION_KEYS="new=, old=,")
    assert (shown.stdout, shown.stderr) == ("('new=', 'old=')\n", "")


@pytest.mark.parametrize("command", ["check", "up"])
def test_secret_file_that_is_missing_ends_a_command_with_one_sentence(tmp_path: Path, command: str) -> None:
    refused = run_manage(command, SECRET_KEY_FILE=str(tmp_path / "none"))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(f"Error: SECRET_KEY_FILE names {tmp_path}/none, which cannot be read")
