"""The address policy has no hole: whatever an address is spelled like, and whoever says it, nothing connects to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from healthcheck.engine.probes import PROBES
from tests.golden.namespace import find_obstacle, run_inside
from tests.golden.reach import ALLOWED, Report, list_direct

PATIENCE_SECONDS = 180.0
MIN_SPELLINGS = 250


@pytest.fixture(scope="module")
def reports() -> Iterator[Mapping[str, Report]]:
    obstacle = find_obstacle()
    if obstacle:
        pytest.skip(f"no network of the table's own: {obstacle}")
    with run_inside("tests.golden.reach", "few") as process:
        output, complaints = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, complaints) == (0, "")
        yield {report.mode: report for report in (Report(**json.loads(line)) for line in output.splitlines())}


@pytest.mark.parametrize("mode", ["private", "public"])
def test_nothing_connects_to_what_the_policy_forbids(mode: str, reports: Mapping[str, Report]) -> None:
    report = reports[mode]
    assert set(report.reached) == {ALLOWED}
    # Connections that nobody accepted are counted as well: the kernel began none but these.
    assert report.opened == report.reached[ALLOWED]
    assert report.echoes == 0


@pytest.mark.parametrize("mode", ["private", "public"])
def test_only_who_leads_to_an_allowed_address_is_up(mode: str, reports: Mapping[str, Report]) -> None:
    ways = {name.partition(":")[0] for name in reports[mode].up}
    assert ways == {"mixed", "rebinding after the lookup"}


@pytest.mark.parametrize("mode", ["private", "public"])
def test_nothing_forbidden_is_called_down_for_the_want_of_a_connection(
    mode: str, reports: Mapping[str, Report]
) -> None:
    kinds = {outcome.rpartition(": ")[2] for outcome in reports[mode].outcomes}
    # A proxy whose name cannot be found is what we lack.
    unknown = {"unknown blocked", "unknown credential", "unknown capacity"}
    assert kinds == {"up", *unknown, "down dns", "down redirect", "down protocol"}


@pytest.mark.parametrize("mode", ["private", "public"])
def test_spellings_are_many(mode: str, reports: Mapping[str, Report]) -> None:
    assert reports[mode].spellings >= MIN_SPELLINGS
    assert set(reports[mode].attempts) == {
        "direct",
        "token server",
        "resolver",
        "proxy",
        "by a proxy",
        "by a proxy, mixed",
        "redirect by a proxy",
        "own resolver",
        "own resolver, alias",
        "own resolver, between hops",
        "redirect",
        "redirect to a name",
        "name",
        "alias",
        "mixed",
        "mixed, every address",
        "rebinding after the lookup",
        "rebinding between hops",
        "rebinding between attempts",
        "rebinding back",
    }


def test_names_lead_there_without_a_policy(reports: Mapping[str, Report]) -> None:
    report = reports["everything"]
    assert len(set(report.reached) - {ALLOWED}) > report.answers * 3 / 4
    # Datagrams are counted beside what was opened.
    assert sum(report.reached.values()) > report.opened


def test_every_kind_is_led_astray() -> None:
    assert {attempt.kind for attempt in list_direct({"plain": "127.0.0.1"})} == set(PROBES)
