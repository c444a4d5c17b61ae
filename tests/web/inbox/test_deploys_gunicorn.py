"""The script that people are given, run as it is against the server of production."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from healthcheck.admin.deploy_call import write_call
from healthcheck.models import DeployHook, DeployWindow, MaintenanceWindow
from healthcheck.notifiers.signatures import make_secret
from tests.deploys import KEY, sign_call, write_body, write_headers
from tests.factories import SIGNING, make_deploy_hook
from tests.figures.deployment import wait_until
from tests.web.inbox.test_signals_gunicorn import WAIT_SECONDS, Web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEALTHCHECK_ENCRYPTION_KEYS", KEY)
        started = Web(tmp_path_factory.mktemp("web"))
    with started.child:
        assert wait_until(started.answers, seconds=WAIT_SECONDS)
        yield started


@pytest.fixture
def hook(settings: Any, transactional_db: None) -> DeployHook:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    return make_deploy_hook()


def run_script(script: str, secret: str = SIGNING) -> tuple[int, list[str]]:
    """Run it as a step of CI does; return its status and what it says."""
    environment = {**os.environ, "DEPLOY_SECRET": secret}
    done = subprocess.run(
        ["sh", "-eu"], input=script, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )
    return done.returncode, done.stdout.splitlines()


def test_script_opens_a_deploy_and_closes_it(web: Web, hook: DeployHook) -> None:
    status, [opened, closed] = run_script(write_call(f"{web.url}/deploys/{hook.public_id}"))
    assert (status, opened[:30], closed) == (0, "deploy build-42 is open until ", "deploy build-42 is finished")
    [deploy] = DeployWindow.objects.all()
    assert deploy.closed_at is not None
    assert deploy.closed_at == deploy.window.ended_at


@pytest.mark.parametrize("length", [24, 31, 64])
def test_script_reads_a_secret_of_any_length(web: Web, settings: Any, transactional_db: None, length: int) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    secret = "whsec_" + subprocess.check_output(["openssl", "rand", "-base64", str(length)], text=True).replace(
        "\n", ""
    )
    hook = make_deploy_hook(secrets={"secret": secret})
    assert run_script(write_call(f"{web.url}/deploys/{hook.public_id}"), secret)[0] == 0


def test_script_with_a_wrong_secret_fails_and_says_so(web: Web, hook: DeployHook) -> None:
    status, said = run_script(write_call(f"{web.url}/deploys/{hook.public_id}"), make_secret())
    assert (status, said) == (22, ["no such hook, or not signed with its secret"])
    assert not DeployWindow.objects.exists()


def test_log_of_the_server_holds_no_secret_and_no_traceback(web: Web, hook: DeployHook) -> None:
    run_script(write_call(f"{web.url}/deploys/{hook.public_id}"))
    log = Path(web.log).read_text()
    assert ("/deploys/" in log, SIGNING[6:] in log, "Traceback" in log) == (True, False, False)


def test_eight_starts_of_one_name_at_once_open_one(web: Web, hook: DeployHook) -> None:
    def start(_: int) -> int:
        body = write_body("started")
        headers = write_headers(sign_call(hook, body, at=timezone.now()))
        return httpx.post(f"{web.url}/deploys/{hook.public_id}", content=body, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(start, range(8))) == {200}
    assert (DeployWindow.objects.count(), MaintenanceWindow.objects.count()) == (1, 1)
