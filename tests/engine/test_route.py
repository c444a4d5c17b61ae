"""A network of ours that is lost while a check lasts is our fault, for as long as it is lost and no longer."""

from __future__ import annotations

import json

import pytest

from healthcheck.engine.route import find_lost_route
from tests.golden.namespace import find_obstacle, run_inside

SECONDS = 60


def test_address_of_this_machine_is_reached() -> None:
    assert (find_lost_route("127.0.0.1"), find_lost_route("")) == ("", "")


def lose(scenario: str) -> list[str]:
    """Return verdict, kind and what was found of a check during which the network is lost, in one of our own."""
    if obstacle := find_obstacle():
        pytest.fail(f"there can be no network of its own here: {obstacle}")
    with run_inside("tests.engine.lost_network", scenario) as inside:
        output, errors = inside.communicate(timeout=SECONDS)
    assert inside.returncode == 0, errors
    seen: list[str] = json.loads(output)
    return seen


@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        ("link down", "our network had no route to it (lo is down)"),
        # The address goes with the device.
        ("link down, IPv6", "our network had no route to it (EADDRNOTAVAIL)"),
        ("link down and up again", "our network had no route to it (lo is down)"),
        ("route deleted", "our network had no route to it (ENETUNREACH)"),
    ],
)
def test_check_that_loses_its_network_is_no_data(scenario: str, found: str) -> None:
    assert lose(scenario) == ["unknown", "capacity", found]


def test_check_of_a_silent_target_is_down_where_the_network_is_there() -> None:
    assert lose("nothing lost") == ["down", "timeout", "no end within 1 s"]
