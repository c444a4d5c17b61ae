"""Options of every kind there is: any value is refused with a sentence, or comes back from JSON as it went."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes import JUDGED, PROBES, load_kind
from healthcheck.engine.probes.tcp_steps import MAX_STEPS, READY_MADE, Send, describe_step, parse_steps
from healthcheck.engine.types import ConfigurationError
from tests.fuzz.test_policy import HOSTS, TAILS, VALUES

# What fits somewhere; the rest is anything.
FITTING = st.sampled_from(
    [
        "GET",
        "POST",
        "on",
        "off",
        "custom",
        "ipv4",
        "any",
        "1.2",
        "A",
        "example.com",
        "127.0.0.1",
        "",
        "x",
        "53",
        "*/5 8-18 * * 1-5",
        "0 0 30 2 *",
        "Europe/Berlin",
        "../etc/passwd",
        "share",
        "SHA256:00",
        0,
        1,
        5,
        10,
        100,
        2**31,
        -1,
        0.5,
        True,
        False,
        None,
        [],
        {},
        [["X", "y"]],
        ["a"],
        [1],
        {"a": "b"},
    ]
)


@pytest.mark.parametrize("kind", [*PROBES, *JUDGED])
@given(data=st.data())
def test_any_options_are_refused_or_come_back_from_json(kind: str, data: st.DataObject) -> None:
    probe = load_kind(kind)
    names = st.sampled_from([*probe.defaults, "unknown"])
    own = [st.just(value) for value in probe.defaults.values()]
    options = data.draw(st.dictionaries(names, st.one_of(*own, FITTING, VALUES), max_size=3))
    hosts = HOSTS | st.sampled_from(["127.0.0.1", "example.com", "[::1]"])
    addresses = st.builds("{}://{}{}".format, st.sampled_from([kind, "http"]), hosts, TAILS)
    # Those that ask nobody have none.
    address = data.draw(st.just("") | st.text(max_size=3) if kind in JUDGED else addresses)
    refusal, parsed = None, None
    try:
        parsed = probe.parse(address, options)
    except ConfigurationError as error:
        refusal = error
    if parsed is None:
        assert refusal is not None
        assert refusal.sentence
        assert refusal.field
        return
    written = json.loads(json.dumps(parsed.to_dict()))
    assert probe.parse(address, written) == parsed
    # Nothing of it may keep a row from being stored.
    json.dumps(written, ensure_ascii=False).encode()


LINES = st.one_of(
    st.builds('{} "{}"'.format, st.sampled_from(["send", "send line", "expect", "send hex", "expect hex"]), st.text()),
    st.builds(
        "{} {}".format, st.sampled_from(["expect reply", "until line", "check", "capture a"]), st.text(max_size=20)
    ),
    st.builds("expect reply {}-{}".format, st.integers(0, 1200), st.integers(0, 1200)),
    st.sampled_from(
        [*(f"use {name}" for name in READY_MADE), "starttls", 'capture a "x(.)"', 'send "${a}"', 'send "${b}"']
    ),
    st.sampled_from(
        ['send "\\ud800"', 'send "\\u0000"', 'expect matches "("', 'expect matches "(?i)a{1000}"', '"', "use"]
    ),
    st.text(max_size=30),
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_dialogue_can_be_said_and_described_or_is_refused(text: str) -> None:
    with suppress(ConfigurationError):
        steps = parse_steps(text)
        assert len(steps) <= MAX_STEPS
        described: list[Any] = [describe_step(step) for step in steps]
        sent = [step.encode({"a": "\N{SNOWMAN}"}) for step in steps if isinstance(step, Send)]
        assert all(isinstance(each, str) for each in described)
        assert all(isinstance(each, bytes) for each in sent)
