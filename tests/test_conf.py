from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from healthcheck.conf import Settings, get_settings, unknown_settings
from healthcheck.engine.types import AddressMode, AddressRules


@override_settings(HEALTHCHECK={})
def test_settings_have_defaults_for_everything() -> None:
    assert get_settings() == Settings()
    assert get_settings().address_rules == AddressRules(AddressMode.PRIVATE)


def test_settings_follow_an_override_and_its_end() -> None:
    before = get_settings()
    with override_settings(HEALTHCHECK={"RETENTION_DAYS": 3, "QUEUE": "checks"}):
        assert get_settings() == Settings(retention_days=3, queue="checks")
    assert get_settings() == before


def test_settings_are_read_once() -> None:
    assert get_settings() is get_settings()


def test_settings_turn_lists_of_networks_into_rules() -> None:
    configured = {"ADDRESS_MODE": "public", "ADDRESS_ALLOW": ["10.0.0.0/8"], "ADDRESS_DENY": ["10.1.0.0/16"]}
    with override_settings(HEALTHCHECK=configured):
        rules = get_settings().address_rules
    assert rules == AddressRules(AddressMode.PUBLIC, allow=("10.0.0.0/8",), deny=("10.1.0.0/16",))


@override_settings(HEALTHCHECK={"RETENTION_DAYS": 3, "RETENTION_DAY": 4, "ADDRESSES": ()})
def test_unknown_settings_are_named_and_do_no_harm() -> None:
    assert unknown_settings() == ["ADDRESSES", "RETENTION_DAY"]
    assert get_settings() == Settings(retention_days=3)


@override_settings(HEALTHCHECK={"ADDRESS_MODE": "open"})
def test_settings_refuse_an_address_mode_that_does_not_exist() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        get_settings()
    assert str(refused.value) == "HEALTHCHECK['ADDRESS_MODE'] must be one of everything, private, public."


def test_settings_are_under_twenty_five() -> None:
    assert len(Settings.__dataclass_fields__) < 25
