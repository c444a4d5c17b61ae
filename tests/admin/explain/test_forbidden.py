"""Whoever may change endpoints reaches no forbidden address from the pages that probe, by whatever option. Counted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.admin.conftest import endpoint_fields, make_person
from tests.factories import make_endpoint, make_group
from tests.hostile import HostileServer, redirect_to

pytestmark = pytest.mark.django_db

FORBIDDEN = "127.0.0.9"
LIST = "/admin/healthcheck/endpoint/"


@dataclass(frozen=True)
class Trap:
    """Listens at the forbidden address, by TCP and by UDP on one port."""

    port: int
    tcp: socket.socket
    udp: socket.socket

    def count(self) -> int:
        """Return how many connections and datagrams came since the last time."""
        found = 0
        with suppress(BlockingIOError):
            while True:
                self.tcp.accept()[0].close()
                found += 1
        with suppress(BlockingIOError):
            while True:
                self.udp.recv(512)
                found += 1
        return found


@pytest.fixture
def trap() -> Iterator[Trap]:
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.socket())
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        tcp.bind((FORBIDDEN, 0))
        udp.bind((FORBIDDEN, tcp.getsockname()[1]))
        tcp.listen()
        for each in (tcp, udp):
            each.setblocking(False)
        yield Trap(tcp.getsockname()[1], tcp, udp)


@pytest.fixture(autouse=True)
def policy(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "ADDRESS_DENY": [f"{FORBIDDEN}/32"], "CONTROL_NAME": ""}


@pytest.fixture
def editor() -> Client:
    return make_person("view_endpointgroup", "add_endpoint", "change_endpoint", "view_endpoint")


def list_attempts(place: str, good: int, redirecting: int) -> dict[str, dict[str, Any]]:
    url = f"http://127.0.0.1:{good}/"
    return {
        "http": {"address": f"http://{place}/"},
        "https": {"address": f"https://{place}/", "verify": "off"},
        "mapped": {"address": f"http://{place.replace(FORBIDDEN, '[::ffff:127.0.0.9]')}/"},
        "every address": {"address": f"http://{place}/", "addresses": "all"},
        "proxy": {"address": url, "proxy": f"http://{place}"},
        "over a proxy": {"address": f"http://{place}/", "proxy": f"http://127.0.0.1:{good}"},
        "tunnel": {"address": f"https://{place}/", "proxy": f"http://127.0.0.1:{good}"},
        "resolver": {"address": "http://name.test/", "resolver": place},
        "host": {"address": f"https://{place}/", "host": "127.0.0.1", "server_name": "localhost"},
        "redirect": {"address": f"http://127.0.0.1:{redirecting}/"},
        "tcp": {"kind": "tcp", "address": place},
        "tls": {"kind": "tls", "address": place, "verify": "off"},
        "dns": {"kind": "dns", "address": "a.test", "server": place},
        "dns by tcp": {"kind": "dns", "address": "a.test", "server": f"tcp://{place}"},
        "dns by tls": {"kind": "dns", "address": "a.test", "server": f"tls://{place}", "verify": "off"},
        "tcp resolver": {"kind": "tcp", "address": "name.test:80", "resolver": place},
    }


def test_trial_of_a_form_reaches_nothing_forbidden(editor: Client, trap: Trap, hostile: HostileServer) -> None:
    group, place = make_group(), f"{FORBIDDEN}:{trap.port}"
    redirecting = hostile.listen(redirect_to(f"http://{place}/"))
    reached = {}
    for name, fields in list_attempts(place, hostile.listen("good"), redirecting).items():
        posted = endpoint_fields(group=group.pk, timeout_seconds="2.0", **fields) | {"_try": "1"}
        answer = editor.post(f"{LIST}add/", posted)
        context = answer.context
        assert not context["adminform"].form.errors, (name, context["adminform"].form.errors)
        assert "tried" in context, name
        reached[name] = trap.count(), context["tried"].sentence
    assert {name for name, (count, _) in reached.items() if count} == set()
    assert {sentence for _, sentence in reached.values()} == {"The address policy does not allow checking it."}


@pytest.mark.parametrize("scheme", ["http", "https", "tcp", "tls"])
def test_adding_by_url_reaches_nothing_forbidden(editor: Client, trap: Trap, scheme: str) -> None:
    group = make_group()
    fields = {"address": f"{scheme}://{FORBIDDEN}:{trap.port}", "group": group.pk, "_probe": "1"}
    assert editor.post(f"{LIST}add-by-url/", fields).status_code == 200
    assert trap.count() == 0


def test_stored_definition_that_is_tried_reaches_nothing_forbidden(editor: Client, trap: Trap) -> None:
    endpoint = make_endpoint(address=f"http://{FORBIDDEN}:{trap.port}/")
    posted = endpoint_fields(name=endpoint.name, address=endpoint.address) | {"_try": "1"}
    assert "tried" in editor.post(f"{LIST}{endpoint.pk}/change/", posted).context
    assert trap.count() == 0
