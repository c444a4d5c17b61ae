"""The wheel inside another project: its own settings, the stock admin, its own Celery app and its own beat."""

from __future__ import annotations

import http.cookiejar
import json
import re
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from healthcheck.engine.types import State
from healthcheck.models import RunStatus
from tests.figures.deployment import wait_until
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer
from tests.reuse.environment import make_environment
from tests.reuse.site import Site
from tests.servers import run_valkey, valkey_url
from tests.wheel import build_wheel

WAIT_SECONDS = 60
PASSWORD = "correct-horse-battery"
POOLS = {"threads": "--pool=threads", "prefork": "--pool=prefork"}
CLOCKS = {"own beat": (), "our scheduler": ("--scheduler", "healthcheck.beat:DatabaseScheduler")}


@pytest.fixture(scope="module")
def target() -> Iterator[int]:
    with HostileServer() as server:
        yield server.listen("good")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("venv"), build_wheel(tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, python: Path, target: int) -> Iterator[Site]:
    with run_valkey() as broker:
        site = Site(tmp_path_factory.mktemp("site"), python, valkey_url(broker))
        site.install_app()
        site.configure()
        site.manage("migrate", "--verbosity=0")
        site.manage("createsuperuser", "--no-input", **superuser())
        site.manage("loaddata", "--format=json", "-", text=define_group(target))
        yield site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    (port,) = find_free_ports(1)
    with site.start("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}", log="web.log"):
        url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: answers(f"{url}/health/healthz"), seconds=WAIT_SECONDS)
        yield url


def superuser() -> dict[str, str]:
    account = {"USERNAME": "chief", "EMAIL": "chief@example.org", "PASSWORD": PASSWORD}
    return {f"DJANGO_SUPERUSER_{name}": value for name, value in account.items()}


def define_group(port: int) -> str:
    group = {"name": "Shop", "slug": "shop", "interval_seconds": 1, "deadline_seconds": 0.9}
    endpoint = {"group": 1, "name": "Basket", "address": f"http://127.0.0.1:{port}/", "timeout_seconds": 0.8}
    rows = [
        {"model": "healthcheck.endpointgroup", "pk": 1, "fields": group},
        {"model": "healthcheck.endpoint", "pk": 1, "fields": endpoint},
    ]
    return json.dumps(rows)


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=10) as response:
        return bool(response.status == 200)
    return False


def query(site: Site, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(site.folder / "db.sqlite3", timeout=20)) as connection:
        return connection.execute(statement, values).fetchall()


def count_good_runs(site: Site) -> int:
    statement = "SELECT count(*) FROM healthcheck_checkrun WHERE status = ? AND up_count = 1"
    return int(query(site, statement, RunStatus.FINISHED.value)[0][0])


def test_environment_holds_the_app_and_neither_the_deployment_nor_the_theme(site: Site) -> None:
    modules = ("healthcheck", "project", "unfold", "tests", "structlog", "environ", "whitenoise", "uvloop")
    find = f"import importlib.util as u; print([name for name in {modules} if u.find_spec(name)])"
    assert site.run("-c", find).strip() == "['healthcheck']"


def test_check_names_a_cure_for_every_setting_that_is_missing(tmp_path: Path, python: Path) -> None:
    site = Site(tmp_path, python, "")
    site.install_app()
    said = site.manage("check")
    assert re.findall(r"healthcheck\.[EW]\d+", said) == ["healthcheck.W003", "healthcheck.W005", "healthcheck.W006"]
    for cure in ("['transaction_mode'] = 'IMMEDIATE'", "include('healthcheck.urls')", "Set CELERY_BROKER_URL"):
        assert cure in said


def test_check_has_nothing_to_say_once_the_documentation_was_followed(site: Site) -> None:
    assert site.manage("check").splitlines()[-1] == "System check identified no issues (0 silenced)."


def test_models_of_the_wheel_have_no_missing_migration(site: Site) -> None:
    assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run", "healthcheck")


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("pool", POOLS)
def test_group_is_checked(site: Site, pool: str, clock: str) -> None:
    already = count_good_runs(site)
    # Its own beat has an entry for the tick; our scheduler needs none.
    ticks = {"SHOP_TICKS": "yes"} if clock == "own beat" else {}
    beat = ("-m", "celery", "-A", "shop", "beat", "--pidfile=", f"--schedule={site.folder / 'beat'}", *CLOCKS[clock])
    worker = ("-m", "celery", "-A", "shop", "worker", POOLS[pool], "--concurrency=4", "-l", "warning")
    with site.start(*worker, log="worker.log") as working, site.start(*beat, log="beat.log", **ticks):
        assert wait_until(lambda: count_good_runs(site) >= already + 3, seconds=WAIT_SECONDS), logs(site)
        working.end()
    assert working.process.returncode == 0, logs(site)
    assert query(site, "SELECT count(*) FROM healthcheck_checkresult WHERE judgement & 3 = ?", State.DOWN) == [(0,)]
    assert "Traceback" not in logs(site)


def logs(site: Site) -> str:
    return "".join(log.read_text() for log in site.folder.glob("*.log"))


def read(opener: urllib.request.OpenerDirector, url: str, **form: str) -> str:
    data = urllib.parse.urlencode(form).encode() if form else None
    with opener.open(url, data, timeout=20) as response:
        text: str = response.read().decode()
    return text


@pytest.mark.parametrize("path", ["", "status/status/", "status.json", "status/status.json"])
def test_status_page_shows_the_group_under_the_prefix_that_the_project_chose(address: str, path: str) -> None:
    assert "Basket" in read(urllib.request.build_opener(), f"{address}/health/{path}")


def test_stock_admin_opens_every_page_of_ours(address: str) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    login = read(opener, f"{address}/admin/login/")
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', login)
    form = {"csrfmiddlewaretoken": token, "username": "chief", "password": PASSWORD, "next": "/admin/"}
    index = read(opener, f"{address}/admin/login/", **form)
    paths = sorted(set(re.findall(r'href="(/admin/healthcheck/[^"?#]*)"', index)))
    assert {"/admin/healthcheck/endpointgroup/", "/admin/healthcheck/endpointgroup/add/"} <= set(paths)
    for path in [*paths, "/admin/healthcheck/endpointgroup/1/change/", "/admin/healthcheck/endpoint/1/change/"]:
        assert "Log out" in read(opener, f"{address}{path}"), path
