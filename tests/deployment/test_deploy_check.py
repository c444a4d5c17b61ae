"""`check --deploy` under exactly the environment that the file gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deployment.compose import load_services, read_compose_file, use_secret_files
from tests.deployment.dockerfile import read_dockerfile, read_environment
from tests.deployment.test_compose import OURS, SECRETS
from tests.project.running import run_manage

CHECK = ("check", "--deploy", "--fail-level", "WARNING")


@pytest.mark.parametrize("name", OURS)
def test_environment_passes_the_deploy_check(name: str) -> None:
    service = load_services(read_compose_file(), SECRETS | {"ALLOWED_HOSTS": "status.example.org"})[name]
    checked = run_manage(*CHECK, **(read_environment(read_dockerfile()) | dict(service.environment)))
    assert (checked.returncode, checked.stderr) == (0, "")


def test_environment_with_secrets_in_files_passes_the_deploy_check(tmp_path: Path) -> None:
    service = load_services(use_secret_files(read_compose_file()), {})["web"]
    values = ("SECRET_KEY", "POSTGRES_PASSWORD", "HEALTHCHECK_ENCRYPTION_KEYS")
    for secret, variable in zip(service.definition["secrets"], values, strict=True):
        (tmp_path / secret).write_text(f"{SECRETS[variable]}\n")
    own = {key: re.sub(r"^/run/secrets", str(tmp_path), value) for key, value in service.environment.items()}
    environment = read_environment(read_dockerfile()) | own
    checked = run_manage(*CHECK, **environment)
    assert (checked.returncode, checked.stderr) == (0, "")
    (tmp_path / "secret_key").unlink()
    checked = run_manage(*CHECK, **environment)
    assert checked.returncode == 1
    assert checked.stderr == (
        f"Error: SECRET_KEY_FILE names {tmp_path}/secret_key, which cannot be read (No such file or directory); "
        "correct the path, or let the user that runs this read the file.\n"
    )
