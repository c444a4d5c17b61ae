"""A resolver of ours that is silent for a while is nobody's outage, however soon it is back."""

from __future__ import annotations

import pytest

from tests.golden.namespace import find_obstacle, run_inside

PATIENCE_SECONDS = 60.0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        # What was lost is asked for again, long before the C library would.
        (0.2, "up "),
        # Asked again in vain, and the resolver is back before the check's time is over.
        (1.0, "unknown our resolver does not answer for any name"),
        (30.0, "unknown our resolver does not answer for any name"),
    ],
)
def test_silence_of_our_resolver_is_no_outage(seconds: float, told: str) -> None:
    obstacle = find_obstacle()
    if obstacle:
        pytest.skip(f"no network of the table's own: {obstacle}")
    process = run_inside("tests.golden.silence", str(seconds))
    output, complaints = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, complaints
    assert output.rstrip("\n") == told
