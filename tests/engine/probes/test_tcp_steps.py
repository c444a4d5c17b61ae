"""The lines of a dialogue: each is read, or refused with its line and cure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes.tcp_steps import (
    MAX_STEPS,
    READY_MADE,
    Capture,
    Expect,
    ExpectLine,
    ExpectReply,
    Send,
    StartTls,
    parse_steps,
)
from healthcheck.engine.types import ConfigurationError

CODES = "Line 1: Write codes of three digits and ranges of them, for example: expect reply 220, 250-259."
PIECES = ['send line "a"', "expect", "line", '"x"', "until", "reply 220", "use smtp", "\n", "hex", "capture a"]


def refuse(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_steps(text)
    return caught.value.sentence


def test_steps_are_read_in_order_without_empty_lines() -> None:
    steps = parse_steps(
        'expect line contains "ready"\n\nsend line "HELLO"\nsend "raw\\n"\nsend hex "00 ff"\nexpect hex "0a"\n'
        'expect "ok"\nexpect reply 220, 250-259\nstarttls\ncapture token "id=([0-9]+)"\nsend "${token}"'
    )
    assert [type(step) for step in steps] == [
        *(ExpectLine, Send, Send, Send, Expect, Expect, ExpectReply, StartTls, Capture, Send),
    ]
    assert [step.encode({"token": "7"}) for step in steps if isinstance(step, Send)] == [
        b"HELLO\r\n",
        b"raw\n",
        b"\x00\xff",
        b"7",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "Line 1: Begin with one of: send, expect, until, check, capture, starttls, use."),
        ('send line "a"\nsend', 'Line 2: Put the text in double quotes, for example "ready".'),
        ("send reply 220", 'Line 1: Write what is sent, for example: send line "PING".'),
        ('send hex "0"', 'Line 1: Write bytes as pairs of hexadecimal digits, for example: hex "0d 0a".'),
        ('send "a" b', "Line 1: Nothing may follow here; write one step per line."),
        ('send "${token}"', "Line 1: Nothing is captured as “token” before this line."),
        ('expect ""', "Line 1: Write what is expected between the quotes."),
        (
            "expect reply",
            "Line 1: Write codes of three digits and ranges of them, for example: expect reply 220, 250-259.",
        ),
        (
            "expect reply 299-200",
            "Line 1: Write codes of three digits and ranges of them, for example: expect reply 220, 250-259.",
        ),
        (
            "expect line",
            "Line 1: Compare with one of: ==, !=, contains, not contains, matches, not matches, one of, not one of.",
        ),
        ("until reply 220", 'Line 1: Write which line is waited for, for example: until line contains "ready".'),
        ('capture "a"', 'Line 1: Write a name and an expression, for example: capture token "id=([0-9]+)".'),
        ("use gopher", f"Line 1: There is no dialogue of that name; there are: {', '.join(READY_MADE)}."),
        ("\n".join(["starttls"] * (MAX_STEPS + 1)), "Line 51: use at most 50 steps."),
        ("x" * 10_001, "The dialogue is longer than 10000 characters; shorten it."),
    ],
)
def test_mistake_is_named_with_its_line_and_cure(text: str, sentence: str) -> None:
    assert refuse(text) == sentence


@pytest.mark.parametrize("name", READY_MADE)
def test_ready_made_dialogue_is_made_of_lines_that_anyone_could_write(name: str) -> None:
    assert parse_steps(f"use {name}") == parse_steps("\n".join(READY_MADE[name]))


@given(
    st.lists(
        st.sampled_from(
            ['send line "a"', "expect", "line", '"x"', "until", "reply 220", "use smtp", "\n", "hex", "capture a"]
        )
    ).map(" ".join)
    | st.text(max_size=60)
)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    refusal = None
    try:
        steps = parse_steps(text)
    except ConfigurationError as error:
        refusal = error
    assert refusal.sentence if refusal is not None else len(steps) <= MAX_STEPS
