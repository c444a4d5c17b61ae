from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.assertions.instants import read_instant

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02T03:04:05Z",
        " 2026-01-02 03:04:05 ",
        "2026-01-02T04:04:05+01:00",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 -0000",
        1767323045,
        "1767323045",
        "1767323045.0",
        1767323045000,
    ],
)
def test_instant_is_read_in_every_spelling(value: object) -> None:
    assert read_instant(value) == AT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "12:30",
        [],
        {},
        -1,
        float("inf"),
        1e300,
        "9" * 64,
        "2026-13-01",
        "x" * 1000,
        "٣",
        "1.2.3",
    ],
)
def test_what_names_no_instant_is_none(value: object) -> None:
    assert read_instant(value) is None


@given(
    st.text(max_size=70)
    | st.text("0123456789-:+TZ., GMTJanFri", max_size=40)
    | st.floats(allow_nan=False)
    | st.integers()
    | st.integers(300, 4000).map(lambda digits: 10**digits)
)
def test_any_value_is_an_aware_instant_or_none(value: object) -> None:
    found = read_instant(value)
    assert found is None or found.utcoffset() is not None
