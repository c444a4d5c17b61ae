from __future__ import annotations

import io

import pytest

from healthcheck.engine.types import State
from healthcheck.management.screen import PlainScreen, Span, name_state, open_screen
from tests.management.conftest import Terminal

HOSTILE = "\x1b[31mred\x1b[0m\u202eevil\x07\r\n\tname [bold]x[/bold] :boom:"


def test_plain_lines_have_no_colour_and_no_trailing_space() -> None:
    stream = io.StringIO()
    open_screen(stream).write(name_state(State.DOWN), Span("  site "), Span("", "quiet"))
    assert stream.getvalue() == "down  site\n"


def test_plain_table_aligns_also_wide_and_combining_characters() -> None:
    stream = io.StringIO()
    PlainScreen(stream).write_table(("A", "B"), [[Span("漢字"), Span("1")], [Span("e\u0301"), Span("2")]])
    assert stream.getvalue() == "A     B\n漢字  1\ne\u0301     2\n"


def test_table_may_have_no_header() -> None:
    for stream in (io.StringIO(), Terminal()):
        open_screen(stream).write_table((), [[Span("a"), Span("b")]])
        assert stream.getvalue().split() == ["a", "b"]


def test_progress_in_a_pipe_says_nothing() -> None:
    stream = io.StringIO()
    with open_screen(stream).watch("Web", 2) as progress:
        progress.add(Span("a"))
    assert stream.getvalue() == ""


def test_terminal_has_colours() -> None:
    stream = Terminal()
    open_screen(stream).write(name_state(State.DOWN))
    assert stream.getvalue() == "\x1b[1;31mdown\x1b[0m\n"


@pytest.mark.parametrize("value", ["1", "yes"])
def test_no_color_is_honoured(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    stream = Terminal()
    open_screen(stream).write(name_state(State.DOWN), name_state(State.UP))
    assert stream.getvalue() == "\x1b[1mdown\x1b[0mup\n"


def test_wish_for_no_colour_is_honoured() -> None:
    stream = Terminal()
    open_screen(stream, may_colour=False).write(name_state(State.UP))
    assert stream.getvalue() == "up\n"


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(open_screen(Terminal()), PlainScreen)


def test_terminal_shows_what_came_in_and_takes_it_away() -> None:
    stream = Terminal()
    with open_screen(stream).watch("Web [x]", 2) as progress:
        progress.add(name_state(State.UP), Span("  first"))
        progress.add(name_state(State.DOWN), Span("  second"))
    shown = stream.getvalue()
    assert "Web [x]" in shown
    assert "first" in shown
    assert "2/2" in shown
    # The cursor is shown again, and the lines are erased.
    assert "\x1b[?25h" in shown
    assert shown.endswith("\x1b[2K")


@pytest.mark.parametrize("stream_class", [io.StringIO, Terminal])
def test_hostile_text_never_drives_a_terminal(stream_class: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = stream_class()
    screen = open_screen(stream)
    screen.write(Span(HOSTILE))
    screen.write_table(("A",), [[Span(HOSTILE)]])
    with screen.watch(HOSTILE, 1) as progress:
        progress.add(Span(HOSTILE))
    shown = stream.getvalue()
    for forbidden in ("\x1b[31m", "\u202e", "\x07", "\t", "\x1b[0mevil"):
        assert forbidden not in shown
    assert "[bold]x[/bold] :boom:" in shown
