"""Control targets as people write them: a host and a port in a line, or a sentence that names the line and the cure."""

from __future__ import annotations

import pytest

from healthcheck.engine.probes.control_targets import MAX_CONTROL_TARGETS, parse_control_targets
from healthcheck.engine.types import ConfigurationError


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []),
        (" \r\n\n", []),
        ("192.0.2.1:443", [("192.0.2.1", 443)]),
        ("  192.0.2.1:443 \r\n\r\n[2001:db8::1]:53\n", [("192.0.2.1", 443), ("2001:db8::1", 53)]),
        ("example.com:80\nEXAMPLE.com:80", [("example.com", 80)]),
        ("bücher.example:443", [("xn--bcher-kva.example", 443)]),
        ("\n".join(f"192.0.2.{n}:443" for n in range(5)), [(f"192.0.2.{n}", 443) for n in range(5)]),
    ],
)
def test_lines_become_places(text: str, places: list[tuple[str, int]]) -> None:
    assert list(parse_control_targets(text)) == places


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("192.0.2.1", "Line 1: The address needs a port; write it like tcp://example.com:25."),
        ("a:1\nb:0", "Line 2: The port must lie between 1 and 65535; correct it."),
        ("a:1\nb:x", "Line 2: The address is not a valid URL; check its host and port."),
        ("https://a:1", "Line 1: A control target is a host and a port; write it like 192.0.2.1:443."),
        ("tcp://a:1", "Line 1: A control target is a host and a port; write it like 192.0.2.1:443."),
        ("\n".join(f"a:{n}" for n in range(1, 7)), f"There are 6 control targets; keep at most {MAX_CONTROL_TARGETS}."),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_cure(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_control_targets(text)
    assert (refused.value.sentence, refused.value.field) == (sentence, "control_targets")
