"""Every system check has an id and a hint that names the cure."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, run_checks
from django.test import override_settings

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}


def run() -> list[CheckMessage]:
    return run_checks(tags=["healthcheck"])


def test_checks_are_silent_about_the_deployment() -> None:
    assert run() == []


@pytest.mark.parametrize(
    ("changed", "expected", "hint"),
    [
        ({"HEALTHCHECK": {"RETENTION_DAY": 3}}, "healthcheck.W001", "spelling"),
        ({"HEALTHCHECK": {"ADDRESS_MODE": "open"}}, "healthcheck.E002", "private"),
        ({"HEALTHCHECK": {"ADDRESS_ALLOW": ["10.0.0.1/8"]}}, "healthcheck.E003", "corrected"),
        ({"HEALTHCHECK": {"ADDRESS_DENY": ["example.com"]}}, "healthcheck.E003", "corrected"),
        ({"HEALTHCHECK": {"ADDRESS_DENY": "10.0.0.0/8"}}, "healthcheck.E003", "['10.0.0.0/8']"),
        ({"HEALTHCHECK": {"ENCRYPTION_KEYS": ["short"]}}, "healthcheck.E006", "commas"),
        ({"HEALTHCHECK": {"ENCRYPTION_KEYS": "one-text"}}, "healthcheck.E006", "as a list"),
        ({"HEALTHCHECK": {"TRUSTED_PROXIES": ["proxy.example"]}}, "healthcheck.E007", "10.0.0.0/8"),
        ({"HEALTHCHECK": {"TRUSTED_PROXIES": "10.0.0.0/8"}}, "healthcheck.E007", "['10.0.0.0/8']"),
        ({"HEALTHCHECK": {"SPOOL_DIR": "spool"}}, "healthcheck.E008", "/var/spool/healthcheck"),
        ({"HEALTHCHECK": {"RETENTION_DAYS": 0}}, "healthcheck.E009", "from 1 to 3650"),
        ({"HEALTHCHECK": {"RETENTION_DAYS": "14"}}, "healthcheck.E009", "whole number"),
        ({"HEALTHCHECK": {"HOUR_RETENTION_DAYS": 1}}, "healthcheck.E009", "from 2 to 3650"),
        ({"HEALTHCHECK": {"RETENTION_DAYS": 101}}, "healthcheck.E009", "at least as long"),
        ({"HEALTHCHECK": {"BASE_URL": "status.example.org"}}, "healthcheck.E010", "https://status.example.org"),
        ({"HEALTHCHECK": {"BASE_URL": "https://name:word@status.example.org"}}, "healthcheck.E010", "scheme and host"),
        ({"HEALTHCHECK": {"BASE_URL": "https://[status"}}, "healthcheck.E010", "scheme and host"),
        ({"HEALTHCHECK": {"WATCHDOG_URL": "watch.example.org"}}, "healthcheck.E011", "https://watch.example.org"),
        ({"HEALTHCHECK": {"WATCHDOG_SLOTS": 0}}, "healthcheck.E011", "from 1"),
        ({"CELERY_WORKER_POOL": "gevent"}, "healthcheck.E004", "threads"),
        ({"CELERY_WORKER_POOL": "celery.concurrency.eventlet:TaskPool"}, "healthcheck.E004", "threads"),
        ({"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 605}}, "healthcheck.E005", "900"),
        ({"CELERY_BROKER_URL": "memory://"}, "healthcheck.W002", "Redis"),
        ({"CELERY_BROKER_CHANNEL_ERROR_RETRY": False}, "healthcheck.W004", "CELERY_BROKER_CHANNEL_ERROR_RETRY = True"),
        ({"DATABASES": {"default": SQLITE}}, "healthcheck.W003", "IMMEDIATE"),
        ({"ROOT_URLCONF": "django.contrib.auth.urls"}, "healthcheck.W006", "include('healthcheck.urls')"),
    ],
)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES:UserWarning")
def test_check_names_the_cure(changed: dict[str, Any], expected: str, hint: str) -> None:
    with override_settings(**changed):
        [message] = run()
    assert message.id == expected
    assert hint in str(message.hint)


@override_settings(HEALTHCHECK={})
def test_check_of_a_deployment_without_a_spool_names_the_cure() -> None:
    checks = run_checks(tags=["healthcheck"], include_deployment_checks=True)
    [message] = [each for each in checks if each.id == "healthcheck.W011"]
    assert "/var/spool/healthcheck" in str(message.hint)


def test_check_of_the_time_zone_support_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by override_settings: its signal would change the time zone of open connections.
    monkeypatch.setattr(settings, "USE_TZ", False)
    [message] = run()
    assert (message.id, "USE_TZ = True" in str(message.hint)) == ("healthcheck.E001", True)


def test_check_of_a_project_without_a_broker_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", None)
    [message] = run()
    assert (message.id, "CELERY_BROKER_URL" in str(message.hint)) == ("healthcheck.W005", True)


@pytest.mark.parametrize(
    "changed",
    [
        {"CELERY_WORKER_POOL": "threads"},
        {"CELERY_WORKER_POOL": "prefork"},
        {"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 606}},
        {"CELERY_BROKER_TRANSPORT_OPTIONS": {}},
        {"CELERY_BROKER_URL": "amqp://rabbit//", "CELERY_BROKER_CHANNEL_ERROR_RETRY": False},
        {"HEALTHCHECK": {"ADDRESS_ALLOW": ["127.0.0.0/8", "::1/128"], "ADDRESS_DENY": ["10.0.0.7"]}},
        {"HEALTHCHECK": {}},
    ],
)
def test_check_lets_pass_what_works(changed: dict[str, Any]) -> None:
    with override_settings(**changed):
        assert run() == []


def test_check_of_a_network_names_the_setting_and_the_text() -> None:
    with override_settings(HEALTHCHECK={"ADDRESS_DENY": ["10.0.0.1/8"]}):
        [message] = run()
    assert message == Error(
        "HEALTHCHECK['ADDRESS_DENY']: “10.0.0.1/8” is not a network; write it like 10.0.0.0/8, with no bits set after"
        " the prefix.",
        hint="Until it is corrected no endpoint can be checked.",
        id="healthcheck.E003",
    )


def test_check_names_every_unknown_setting() -> None:
    with override_settings(HEALTHCHECK={"B": 1, "A": 2}):
        assert [message.msg for message in run()] == [
            "HEALTHCHECK['A'] is not a setting.",
            "HEALTHCHECK['B'] is not a setting.",
        ]
