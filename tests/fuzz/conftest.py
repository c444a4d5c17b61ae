"""What the fuzzers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.wire import Wire, open_wire


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with open_wire() as opened:
        yield opened
