"""Placeholders: which there are, what they become, and that nothing else in braces changes."""

from __future__ import annotations

import asyncio
import re
import time
import uuid

from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes.http_placeholders import Fresh, has_placeholder
from tests.engine.conftest import Attempt, Run
from tests.hostile import BEHAVIOURS, HostileServer, redirect_to

RANDOM = re.compile(r"[0-9a-f]{16}")


def test_placeholders_become_what_they_say() -> None:
    fresh = Fresh()
    identity, instant, digits = (fresh.fill(each) for each in ("{uuid}", "{timestamp}", "{random}"))
    assert uuid.UUID(identity).version == 4
    assert 0 <= time.time() - int(instant) < 60
    assert RANDOM.fullmatch(digits)
    assert set(fresh.values) == {identity, instant, digits}


def test_placeholder_is_the_same_within_one_attempt_and_another_in_the_next() -> None:
    first, second = Fresh(), Fresh()
    assert first.fill("{uuid}{uuid}") == first.fill("{uuid}") * 2
    assert first.fill("{uuid}") != second.fill("{uuid}")


def test_other_braces_stay() -> None:
    for text in ("{", "}", "{}", "{UUID}", "{ uuid }", "{uuid", "uuid}", "{0}", "%7Buuid%7D", '{"a": {"b": 1}}'):
        assert (Fresh().fill(text), has_placeholder([text])) == (text, False)


def test_double_braces_are_the_placeholder_itself() -> None:
    assert Fresh().fill("{{uuid}} {{random}}{{timestamp}}") == "{uuid} {random}{timestamp}"
    assert Fresh().fill("{{{random}}}") == "{{random}}"


@given(st.text() | st.lists(st.sampled_from(["{", "}", "{uuid}", "{random}", "x"])).map("".join))
def test_text_is_filled_whatever_it_is(text: str) -> None:
    fresh = Fresh()
    filled = fresh.fill(text)
    assert filled == text or has_placeholder([text])


def test_http_fills_the_whole_request(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('echo')}/{{random}}/{{x}}?a={{random}}&b={{{{random}}}}#{{random}}"
    options = {
        "method": "POST",
        "query": [["c", "{random}"], ["{random}", "d"]],
        "headers": {"X-Id": "id-{random}"},
        "body": "e={random}",
        "body_type": "form",
    }
    first, second = (run(Attempt(url, options=options).observe()).body.decode() for _ in range(2))
    [value] = set(RANDOM.findall(first))
    line = f"POST /{value}/%7Bx%7D?a={value}&b={{random}}&c={value}&%7Brandom%7D=d HTTP/1.1\r\n"
    assert first.startswith(line)
    assert f"\r\nX-Id: id-{value}\r\n" in first
    assert first.endswith(f"\r\n\r\ne={value}")
    assert value not in second


def test_http_keeps_what_it_filled_over_a_chain(hostile: HostileServer, run: Run) -> None:
    steps = iter((redirect_to("/{random}"), BEHAVIOURS["echo"]))

    async def take_a_step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(steps)(reader, writer)

    url = f"http://127.0.0.1:{hostile.listen(take_a_step)}/"
    seen = run(Attempt(url, options={"headers": {"X-Id": "{random}"}}).observe()).body
    assert RANDOM.search(seen.decode())
    # What a target writes is not for us to fill.
    assert seen.startswith(b"GET /%7Brandom%7D ")
