"""Rolling up and pruning by hand: what they say."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from healthcheck.models import CheckResult, Rollup
from healthcheck.models.clock import read_database_clock
from tests.factories import make_endpoint, make_location, make_result, make_run, make_transition

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def call(*arguments: str) -> list[str]:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


def test_roll_up_says_how_far_it_has_come_and_prune_waits_for_it() -> None:
    make_location()
    endpoint, at = make_endpoint(), read_database_clock() - timedelta(days=20)
    make_transition(endpoint, at=at)
    make_result(make_run(endpoint.group, at=at), endpoint)
    assert call("prune") == [
        "Removed 0 results, 0 runs, 0 hours, 0 endpoints and 0 groups.",
    ]
    first, *_more, last = call("roll_up", "--seconds", "60")
    assert re.fullmatch(r"Rolled up to 20..-..-.. ..:00 UTC: (479|480) hours of groups to go, 0 marks.", first)
    assert re.fullmatch(r"Wrote \d+ rollups.", last)
    assert Rollup.objects.hours().count() in {479, 480}
    assert call("prune") == ["Removed 1 results, 1 runs, 0 hours, 0 endpoints and 0 groups."]
    assert not CheckResult.objects.exists()


def test_prune_says_what_is_not_rolled_up_yet() -> None:
    make_location()
    make_transition(make_endpoint(), at=read_database_clock() - timedelta(days=20))
    said = call("roll_up", "--seconds", "0.000001")
    assert said[-1] == "The time was over first; run it again to go on."
    assert call("prune")[-1] == "Not everything is rolled up, and what is not stays: see `manage.py roll_up`."


def test_roll_up_refuses_no_time_at_all() -> None:
    with pytest.raises(CommandError, match="more than 0"):
        call("roll_up", "--seconds", "0")
