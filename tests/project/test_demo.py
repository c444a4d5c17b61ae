from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.utils import timezone

from healthcheck.models import Assertion, Endpoint, EndpointGroup
from project.embedded.data_directory import DataDirectory
from project.embedded.demo.groups import GROUPS
from project.embedded.demo.memory import DemoMemory
from project.embedded.demo.rows import remove_demo
from project.embedded.demo.start import open_demo, wants_demo
from tests.project.running import run_manage

pytestmark = pytest.mark.django_db

REMOVED = "The demo is removed with everything that was recorded about it.\n"
NONE_LEFT = "There is no demo to remove, and `up` loads none by itself.\n"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


def _open(data: DataDirectory) -> DemoMemory:
    memory = DemoMemory.read(data.demo)
    open_demo(data, memory, timezone.now()).close()
    return memory


def _remove(data: DataDirectory) -> bool:
    return remove_demo(DemoMemory.read(data.demo), data.demo, timezone.now())


def _make_group(slug: str = "mine") -> EndpointGroup:
    return EndpointGroup.objects.create(name="Mine", slug=slug)


def test_demo_is_loaded_once(data: DataDirectory) -> None:
    _open(data)
    _open(data)
    assert list(EndpointGroup.objects.order_by("pk").values_list("slug", flat=True)) == [group.slug for group in GROUPS]


def test_demo_addresses_follow_the_ports(data: DataDirectory) -> None:
    memory = _open(data)
    with socket.create_server(("127.0.0.1", memory.http_port)):
        targets = open_demo(data, memory, timezone.now())
    port, _tls_port = targets.ports
    targets.close()
    assert Endpoint.objects.get(name="Catalogue").address == f"http://127.0.0.1:{port}/catalogue"


def test_demo_is_wanted_in_an_empty_database_only(data: DataDirectory) -> None:
    assert wants_demo(DemoMemory())
    _make_group()
    assert not wants_demo(DemoMemory())
    assert wants_demo(_open(data))


def test_demo_removed_leaves_nothing_and_stays_away(data: DataDirectory) -> None:
    _open(data)
    assert _remove(data)
    assert [model.objects.count() for model in (EndpointGroup, Endpoint, Assertion)] == [0, 0, 0]
    assert not wants_demo(DemoMemory.read(data.demo))


def test_demo_removed_keeps_what_people_made(data: DataDirectory) -> None:
    mine = Endpoint.objects.create(group=_make_group(), name="Mine", address="https://example.com/")
    memory = _open(data)
    added = Endpoint.objects.create(
        group=EndpointGroup.objects.get(pk=memory.group_ids[0]), name="Added", address="https://example.com/"
    )
    assert _remove(data)
    assert list(Endpoint.objects.order_by("pk")) == [mine, added]
    assert list(EndpointGroup.objects.existing().order_by("pk")) == [mine.group, added.group]


def test_demo_of_another_database_is_never_removed(data: DataDirectory) -> None:
    memory = _open(data)
    memory.database = "2020-01-01T00:00:00+00:00"
    memory.write(data.demo)
    assert _remove(data)
    assert EndpointGroup.objects.count() == len(GROUPS)


def test_command_removes_the_demo_once_and_then_says_that_there_is_none(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/healthcheck.sqlite3"}
    for command in (["migrate"], ["demo", "--load", "--data", str(tmp_path)]):
        assert run_manage(*command, **database).returncode == 0
    removed, again = (run_manage("demo", "--remove", "--data", str(tmp_path), **database) for _ in range(2))
    assert (removed.returncode, removed.stdout) == (0, REMOVED)
    assert (again.returncode, again.stdout) == (0, NONE_LEFT)
