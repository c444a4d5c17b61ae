"""The golden table: what a person may not ask for. Each is refused when it is saved, at its field, with the cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import EndpointGroup

GOOD = "http://example.com/"


@dataclass(frozen=True)
class Refused:
    """What is asked for, and the words of the refusal. `named` is the option's field, empty for assertions."""

    says: str
    named: str
    words: str
    address: str = GOOD
    options: Mapping[str, Any] = field(default_factory=dict)
    assertions: str = ""


def header(name: str, value: str = "x") -> dict[str, Any]:
    return {"headers": [[name, value]]}


def at(address: str, says: str, words: str) -> Refused:
    return Refused(says, "address", words, address=address)


READ_DIFFERENTLY = "a number that programs read differently"
REFUSED = [
    Refused("a line break in a header", "headers", "a line break", options=header("X-A", "a\r\nX-B: c")),
    Refused("NUL in a header", "headers", "a line break or another control character", options=header("X-A", "a\0b")),
    Refused("a header without a name", "headers", "letters, digits and hyphens", options=header("")),
    Refused("a transfer encoding", "headers", "set by the checker itself", options=header("Transfer-Encoding", "gzip")),
    Refused("a length", "headers", "set by the checker itself", options=header("Content-Length", "5")),
    Refused("a method of two lines", "method", "The method", options={"method": "GE\r\nT"}),
    Refused(
        "a pattern of 1,000 alternatives",
        "",
        "use at most 1000 characters",
        assertions=f'body matches "{"|".join(f"word{number}" for number in range(1_000))}"',
    ),
    Refused("a pattern that repeats too much", "", "too large", assertions='body matches "(a{1,500}){1,2}"'),
    Refused("a pattern that looks back", "", "not accepted", assertions=r'body matches "(a)\\1"'),
    Refused("a pattern that looks ahead", "", "not accepted", assertions='body matches "a(?=b)"'),
    Refused("a path that multiplies", "", "more than once", assertions="json $..*..* exists"),
    at("http://2130706433/", "an address as one number", READ_DIFFERENTLY),
    at("http://0x7f.1/", "an address in hexadecimal", READ_DIFFERENTLY),
    at("http://0177.0.0.1/", "an address in octal", READ_DIFFERENTLY),
    at("http://0/", "the address 0", READ_DIFFERENTLY),
    at("http://１２７.０.０.１/", "full-width digits", "look-alike characters"),
    at("http://127。0。0。1/", "ideographic stops", "look-alike characters"),
    at("http://user:password@example.com/", "a password in the address", "user:password@"),
    at("http://example.com:0/", "port 0", "between 1 and 65535"),
    at("http://example.com:-1/", "port -1", "port"),
    at("http://example.com:99999/", "port 99999", "between 1 and 65535"),
    at(f"http://{'a' * 64}.example/", "a label of 64 letters", "not a valid name"),
    at("http://a..example/", "an empty label", "not a valid name"),
    at("http://xn--a-zzzzz99.example/", "punycode that is none", "not a valid name"),
    at("http://[fe80::1%25eth0]/", "a zone", "remove the zone"),
    at("file:///etc/passwd", "a file", "http:// or https://"),
    at("javascript:alert(1)", "a script", "http:// or https://"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.says)
def test_configuration_is_refused(case: Refused) -> None:
    with pytest.raises(ConfigurationError) as caught:
        (load_probe("http").parse(case.address, case.options), parse_assertions(case.assertions))
    assert (caught.value.field, case.words in caught.value.sentence) == (case.named, True), caught.value.sentence


# A linear engine makes this harmless; see the table of bodies for what it costs.
def test_pattern_that_takes_others_exponential_time_is_taken() -> None:
    assert parse_assertions('body matches "(a+)+$"')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("interval", "deadline", "words"),
    [
        (0, 5.0, "Ensure this value is greater than or equal to 1."),
        (10, 20.0, "The deadline must be shorter than the interval of 10 s; lower it."),
    ],
)
def test_schedule_that_cannot_be_held_is_refused(interval: int, deadline: float, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EndpointGroup(name="group", slug="group", interval_seconds=interval, deadline_seconds=deadline).full_clean()
    assert words in caught.value.messages
