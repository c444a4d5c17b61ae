"""Kinds of third parties as they are found and judged. How one works from end to end: `tests/third_party`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from healthcheck.admin.forms.endpoint_forms import EndpointForm
from healthcheck.admin.forms.option_fields import list_option_fields
from healthcheck.admin.forms.versioned_forms import OWN_FIELDS
from healthcheck.engine.probes.plugins import (
    GROUP,
    MAX_KIND_CHARS,
    MAX_OPTIONS,
    RESERVED,
    PluginFault,
    ThirdPartyProbe,
    open_plugin,
    sort_plugins,
)
from healthcheck.models import Endpoint

HERE = "tests.engine.probes.test_plugins"


class Sound:
    kind = "sound"
    uses_credentials = False
    defaults: Mapping[str, Any] = {"depth": 1, "family": "any"}

    def parse(self, address: str, options: Mapping[str, Any]) -> Any: ...
    async def observe(self, target: Any, session: Any) -> Any: ...


class OtherName(Sound):
    kind = "other"


class WithCredentials(Sound):
    uses_credentials = True


class WithoutMethods:
    kind, defaults = "sound", Sound.defaults


class ManyOptions(Sound):
    defaults = {f"option_{number}": 1 for number in range(MAX_OPTIONS + 1)}


class NoOptions(Sound):
    defaults = None  # type: ignore[assignment]


class NoJson(Sound):
    defaults = {"a": {1, 2}}


class NoJsonKey(Sound):
    defaults = {"a": {1: 2}}


class TakesAFieldsName(Sound):
    defaults = {"address": ""}


class BadOption(Sound):
    defaults = {"Ä b": ""}


class OtherDefault(Sound):
    defaults = {"family": "ipv6"}


class Exits(Sound):
    def __init__(self) -> None:
        raise SystemExit(3)


class HasNoWords(Exception):  # noqa: N818 - as somebody else may have named it
    def __str__(self) -> str:
        raise RuntimeError("no words")


class FailsWithoutWords(Sound):
    def __init__(self) -> None:
        raise HasNoWords


class AnswersNoQuestion(Sound):
    @property
    def uses_dialer(self) -> bool:
        raise KeyError("dialer")


def entry(name: str, made: str = "Sound") -> EntryPoint:
    return EntryPoint(name, f"{HERE}:{made}", GROUP)


def judge(made: str) -> str:
    found = open_plugin(entry("sound", made), {"family": "any"})
    assert isinstance(found, PluginFault)
    assert (found.kind, found.distribution) == ("sound", "an unknown distribution")
    return found.sentence


def test_sound_kind_is_opened_and_under_no_policy_until_it_says_so() -> None:
    found = open_plugin(entry("sound"), {"family": "any"})
    assert isinstance(found, ThirdPartyProbe)
    assert (found.kind, found.defaults, found.uses_dialer) == ("sound", {"depth": 1, "family": "any"}, False)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("OtherName", "Its attribute “kind” must be “sound”."),
        (
            "WithCredentials",
            "Kinds of third parties are given no credentials; its attribute “uses_credentials” must be False.",
        ),
        ("WithoutMethods", "It needs the methods “parse” and “observe”."),
        ("ManyOptions", "Its attribute “defaults” must be a mapping of at most 40 options."),
        ("NoOptions", "Its attribute “defaults” must be a mapping of at most 40 options."),
        ("NoJson", "It cannot be loaded: TypeError: Object of type set is not JSON serializable"),
        ("NoJsonKey", "Its defaults must be plain JSON values."),
        (
            "TakesAFieldsName",
            "The option “address” needs another name: lower-case letters, digits and underscores.",
        ),
        ("BadOption", "The option “Ä b” needs another name: lower-case letters, digits and underscores."),
        (
            "OtherDefault",
            "The option “family” has another default elsewhere; those of one name mean the same, so rename it.",
        ),
        ("Exits", "It cannot be loaded: SystemExit: 3"),
        ("FailsWithoutWords", "It cannot be loaded: HasNoWords: "),
        ("AnswersNoQuestion", "It cannot be loaded: KeyError: 'dialer'"),
        ("Nowhere", f"It cannot be loaded: AttributeError: module '{HERE}' has no attribute 'Nowhere'"),
    ],
)
def test_flaw_is_named(made: str, sentence: str) -> None:
    assert judge(made) == sentence


def test_kinds_keep_their_names() -> None:
    entries = [entry("sound"), entry("http"), entry("twice", "Sound"), entry("twice", "OtherName"), entry("Wrong name")]
    found = sort_plugins([*entries, entry("sound")], {"http"})
    assert list(found.kinds) == ["sound"]
    assert {each.kind: each.sentence for each in found.faults} == {
        "http": "There is a kind of this name already, and it stays; the other needs another name.",
        "twice": "Several distributions claim this name, so none of them has it; remove all but one.",
        "Wrong name": "A kind's name is at most 20 lower-case letters, digits and hyphens; rename it.",
    }


def test_names_that_the_form_needs_itself_are_reserved() -> None:
    assert set(EndpointForm.base_fields) - set(list_option_fields()) | OWN_FIELDS == RESERVED
    assert Endpoint._meta.get_field("kind").max_length == MAX_KIND_CHARS
