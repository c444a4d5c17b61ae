"""The steps of a dialogue over TCP as people write them, one per line, refused early with line and cure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import Condition
from healthcheck.engine.assertions.operands import TEXTS, require_condition
from healthcheck.engine.assertions.patterns import Pattern, compile_pattern
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import ConfigurationError

MAX_STEPS = 50
MAX_DIALOGUE_CHARS = 10_000
MAX_REPLY_RANGES = 10

_KIND = re.compile(r"(?:line|hex|reply)(?!\w)")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}(?!\w)")
_CODES = re.compile(r"(\d{3})(?:-(\d{3}))?(?!\w)")
_COMMA = re.compile(",")
_PLACEHOLDER = re.compile(r"\$\{([a-z][a-z0-9_]{0,29})\}")
_MATCHES = re.compile(r"matches(?!\w)")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to send. `text` may hold `${name}`, in whose place comes what was captured under that name."""

    text: str
    data: bytes = b""

    def encode(self, captured: Mapping[str, str]) -> bytes:
        return self.data or _PLACEHOLDER.sub(lambda found: captured[found[1]], self.text).encode()

    def list_parts(self) -> list[str]:
        """Return what stands between the placeholders."""
        return _PLACEHOLDER.split(self.text)[::2]


@dataclass(frozen=True, slots=True)
class Expect:
    """Bytes, or what a pattern matches, somewhere in what comes; everything up to its end is taken."""

    data: bytes = b""
    pattern: Pattern | None = None

    def find_end(self, unread: bytes) -> int | None:
        """Return where it ends, or None. Raises TooMuchToSearchError."""
        if self.pattern is not None:
            span = self.pattern.find(unread)
            return span[1] if span else None
        start = unread.find(self.data)
        return None if start < 0 else start + len(self.data)


@dataclass(frozen=True, slots=True)
class ExpectLine:
    """The next line, for which the condition must hold; with `skips`, the next one for which it does."""

    condition: Condition
    skips: bool = False


@dataclass(frozen=True, slots=True)
class ExpectReply:
    """A reply of one or several lines that begin with a code (RFC 5321, 4.2.1; RFC 959, 4.2); inclusive ranges."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on what was taken last."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Capture:
    """What the pattern's first group, or all of it, matches in what was taken last, kept under a name."""

    name: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class StartTls:
    """From here on the connection is encrypted."""


Step = Send | Expect | ExpectLine | ExpectReply | Check | Capture | StartTls

# By name, for `use smtp`; `use smtp starttls` where there is a second one.
READY_MADE: Mapping[str, tuple[str, ...]] = {
    "smtp": ("expect reply 220", 'send line "EHLO localhost"', "expect reply 250", 'send line "QUIT"'),
    "smtp starttls": (
        "expect reply 220",
        'send line "EHLO localhost"',
        "expect reply 250",
        'send line "STARTTLS"',
        "expect reply 220",
        "starttls",
        'send line "EHLO localhost"',
        "expect reply 250",
        'send line "QUIT"',
    ),
    "imap": (
        'expect line matches "^\\\\* (OK|PREAUTH)"',
        'send line "a1 CAPABILITY"',
        'until line matches "^a1 "',
        'check matches "^a1 OK"',
        'send line "a2 LOGOUT"',
    ),
    "imap starttls": (
        'expect line matches "^\\\\* (OK|PREAUTH)"',
        'send line "a1 STARTTLS"',
        'until line matches "^a1 "',
        'check matches "^a1 OK"',
        "starttls",
        'send line "a2 CAPABILITY"',
        'until line matches "^a2 "',
        'check matches "^a2 OK"',
        'send line "a3 LOGOUT"',
    ),
    "pop3": ('expect line matches "^\\\\+OK"', 'send line "QUIT"', 'expect line matches "^\\\\+OK"'),
    "pop3 starttls": (
        'expect line matches "^\\\\+OK"',
        'send line "STLS"',
        'expect line matches "^\\\\+OK"',
        "starttls",
        'send line "QUIT"',
        'expect line matches "^\\\\+OK"',
    ),
    "ftp": ("expect reply 220", 'send line "QUIT"', "expect reply 221"),
    "ftp starttls": (
        "expect reply 220",
        'send line "AUTH TLS"',
        "expect reply 234",
        "starttls",
        'send line "QUIT"',
        "expect reply 221",
    ),
    "ssh": ('expect line matches "^SSH-2\\\\.0-"',),
    # A server that wants a password answers, too, and says so.
    "redis": ('send line "PING"', 'expect line matches "^(\\\\+PONG|-NOAUTH )"'),
    "memcached": ('send line "version"', 'expect line matches "^VERSION "', 'send line "quit"'),
}


def parse_steps(text: str) -> tuple[Step, ...]:
    """Parse one step per line; empty lines are left out. Raises ConfigurationError that names line and cure."""
    if len(text) > MAX_DIALOGUE_CHARS:
        raise ConfigurationError(f"The dialogue is longer than {MAX_DIALOGUE_CHARS} characters; shorten it.")
    steps: list[Step] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            steps += _parse_line(line, steps)
        except ConfigurationError as error:
            raise ConfigurationError(f"Line {number}: {error.sentence}") from None
        if len(steps) > MAX_STEPS:
            raise ConfigurationError(f"Line {number}: use at most {MAX_STEPS} steps.")
    return tuple(steps)


def _parse_line(line: str, before: list[Step]) -> list[Step]:
    scanner = Scanner(line.rstrip())
    if scanner.is_at_end:
        return []
    verb = scanner.take_word()
    if verb == "use":
        return _take_ready_made(scanner)
    parse = _VERBS.get(verb)
    if parse is None:
        scanner.fail(f"Begin with one of: {', '.join(_VERBS)}, use.")
    step = parse(scanner)
    if not scanner.is_at_end:
        scanner.fail("Nothing may follow here; write one step per line.")
    known = {each.name for each in before if isinstance(each, Capture)}
    if isinstance(step, Send) and (unknown := set(_PLACEHOLDER.findall(step.text)) - known):
        scanner.fail(f"Nothing is captured as “{min(unknown)}” before this line.")
    return [step]


def _take_ready_made(scanner: Scanner) -> list[Step]:
    name = " ".join(scanner.text[scanner.position :].split())
    lines = READY_MADE.get(name)
    if lines is None:
        scanner.fail(f"There is no dialogue of that name; there are: {', '.join(READY_MADE)}.")
    return [step for line in lines for step in _parse_line(line, [])]


def _parse_send(scanner: Scanner) -> Step:
    kind = scanner.take(_KIND)
    if kind == "hex":
        return Send("", _take_hex(scanner))
    if kind == "reply":
        scanner.fail('Write what is sent, for example: send line "PING".')
    text = scanner.take_quoted()
    return Send(text + "\r\n" if kind == "line" else text)


def _parse_expect(scanner: Scanner) -> Step:
    kind = scanner.take(_KIND)
    if kind == "hex":
        return Expect(_take_hex(scanner))
    if kind == "reply":
        return ExpectReply(_take_ranges(scanner))
    if kind == "line":
        return ExpectLine(_take_condition(scanner))
    if scanner.take(_MATCHES):
        return Expect(pattern=_take_pattern(scanner))
    text = scanner.take_quoted()
    if not text:
        scanner.fail("Write what is expected between the quotes.")
    return Expect(text.encode())


def _parse_until(scanner: Scanner) -> Step:
    if scanner.take(_KIND) != "line":
        scanner.fail('Write which line is waited for, for example: until line contains "ready".')
    return ExpectLine(_take_condition(scanner), skips=True)


def _parse_check(scanner: Scanner) -> Step:
    return Check(_take_condition(scanner))


def _parse_capture(scanner: Scanner) -> Step:
    name = scanner.take(_NAME)
    if name is None:
        scanner.fail('Write a name and an expression, for example: capture token "id=([0-9]+)".')
    return Capture(name, _take_pattern(scanner, captures=True))


def _parse_starttls(_scanner: Scanner) -> Step:
    return StartTls()


def _take_condition(scanner: Scanner) -> Condition:
    return require_condition(scanner, TEXTS)


def _take_pattern(scanner: Scanner, *, captures: bool = False) -> Pattern:
    start = scanner.position
    return compile_pattern(scanner.take_quoted(), position=start, captures=captures)


def _take_hex(scanner: Scanner) -> bytes:
    start = scanner.position
    digits = scanner.take_quoted()
    if not _HEX.fullmatch(digits):
        scanner.fail('Write bytes as pairs of hexadecimal digits, for example: hex "0d 0a".', position=start)
    return bytes.fromhex(digits)


def _take_ranges(scanner: Scanner) -> tuple[tuple[int, int], ...]:
    ranges = [_take_codes(scanner)]
    while scanner.take(_COMMA):
        if len(ranges) >= MAX_REPLY_RANGES:
            scanner.fail(f"Use at most {MAX_REPLY_RANGES} ranges.")
        ranges.append(_take_codes(scanner))
    return tuple(ranges)


def _take_codes(scanner: Scanner) -> tuple[int, int]:
    found = _CODES.match(scanner.text, scanner.position)
    if found is None or int(found[1]) > int(found[2] or found[1]):
        scanner.fail("Write codes of three digits and ranges of them, for example: expect reply 220, 250-259.")
    scanner.take(_CODES)
    return int(found[1]), int(found[2] or found[1])


def describe_step(step: Step) -> str:
    """Return what a step waits for, as a person would write it; empty for one that waits for nothing."""
    if isinstance(step, ExpectReply):
        return "reply " + ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in step.ranges)
    if isinstance(step, ExpectLine):
        return f"line {step.condition}"
    if isinstance(step, Check):
        return str(step.condition)
    if isinstance(step, (Expect, Capture)) and step.pattern is not None:
        return f"matches {json.dumps(step.pattern.text, ensure_ascii=False)}"
    if isinstance(step, Expect):
        return json.dumps(step.data.decode("utf-8", "replace"), ensure_ascii=False)
    return ""


_VERBS: Mapping[str, Callable[[Scanner], Step]] = {
    "send": _parse_send,
    "expect": _parse_expect,
    "until": _parse_until,
    "check": _parse_check,
    "capture": _parse_capture,
    "starttls": _parse_starttls,
}
