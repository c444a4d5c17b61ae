"""Django system checks that name the cure. Celery's settings are read under the usual prefix `CELERY_`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from healthcheck import conf
from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.types import ConfigurationError
from healthcheck.models.group import MAX_DEADLINE_SECONDS
from healthcheck.pipeline.dispatch import LEASE_MARGIN

# They replace sockets and threads by their own; the engine runs its event loop on a real thread.
_REFUSED_POOLS = ("gevent", "eventlet")
_REDIS_SCHEMES = ("redis", "sentinel")


@register("healthcheck")
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [*_check_unknown(), *_check_addresses(), *_check_time(), *_check_sqlite(), *_check_urls()]


@register("healthcheck")
def check_celery(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [*_check_pool(), *_check_broker(), *_check_visibility(), *_check_channel_errors()]


def _check_unknown() -> Iterator[CheckMessage]:
    for key in conf.unknown_settings():
        yield CheckWarning(
            f"HEALTHCHECK['{key}'] is not a setting.",
            hint="Remove it or correct its spelling; docs/settings.md lists them all.",
            id="healthcheck.W001",
        )


def _check_addresses() -> Iterator[CheckMessage]:
    try:
        loaded = conf.get_settings()
    except ImproperlyConfigured as error:
        yield Error(str(error), hint="Correct it; “private” is the default.", id="healthcheck.E002")
        return
    for key, networks in (("ADDRESS_ALLOW", loaded.address_allow), ("ADDRESS_DENY", loaded.address_deny)):
        if isinstance(networks, str):
            hint = f"Write a list, such as ['{networks}']."
            yield Error(f"HEALTHCHECK['{key}'] is a text, not a list.", hint=hint, id="healthcheck.E003")
            return
    try:
        AddressPolicy(loaded.address_rules)
    except ConfigurationError as error:
        yield Error(
            f"HEALTHCHECK['ADDRESS_{error.field.upper()}']: {error.sentence}",
            hint="Until it is corrected no endpoint can be checked.",
            id="healthcheck.E003",
        )


def _check_time() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield Error("USE_TZ is off.", hint="Set USE_TZ = True: slots are instants in UTC.", id="healthcheck.E001")


def _check_sqlite() -> Iterator[CheckMessage]:
    database = settings.DATABASES["default"]
    mode = database.get("OPTIONS", {}).get("transaction_mode") or ""
    if database["ENGINE"].endswith("sqlite3") and mode.upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield CheckWarning(
            "SQLite's transactions are deferred: they fail with “database is locked” beside a worker.",
            hint="Set DATABASES['default']['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
            id="healthcheck.W003",
        )


def _check_urls() -> Iterator[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    try:
        reverse("healthcheck:status")
    except NoReverseMatch:
        yield CheckWarning(
            "The pages of healthcheck have no address: its URLs are not included.",
            hint="Add path('health/', include('healthcheck.urls')) to the urlpatterns of ROOT_URLCONF.",
            id="healthcheck.W006",
        )


def _check_pool() -> Iterator[CheckMessage]:
    pool = str(getattr(settings, "CELERY_WORKER_POOL", ""))
    if any(refused in pool for refused in _REFUSED_POOLS):
        yield Error(
            f"The Celery pool “{pool}” cannot run health checks.",
            hint="Set CELERY_WORKER_POOL = 'threads', or run a worker of its own for them with --pool=threads.",
            id="healthcheck.E004",
        )


def _check_broker() -> Iterator[CheckMessage]:
    if not current_app.conf.broker_url:
        yield CheckWarning(
            "Celery has no broker: no worker would ever hear of a run.",
            hint="Set CELERY_BROKER_URL, and import your Celery app in the package of your settings (__init__.py).",
            id="healthcheck.W005",
        )
    if str(getattr(settings, "CELERY_BROKER_URL", "")).startswith("memory:"):
        yield CheckWarning(
            "The broker memory:// reaches no other process: no worker would ever hear of a run.",
            hint="Set CELERY_BROKER_URL to a Redis or Valkey server.",
            id="healthcheck.W002",
        )


def _check_visibility() -> Iterator[CheckMessage]:
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    longest_lease = MAX_DEADLINE_SECONDS + LEASE_MARGIN.total_seconds()
    visibility = options.get("visibility_timeout")
    if visibility is not None and visibility <= longest_lease:
        yield Error(
            f"The broker's visibility_timeout of {visibility} s is not longer than the longest lease of a run,"
            f" {longest_lease:g} s.",
            hint="Set CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout'] = 900, or leave it out.",
            id="healthcheck.E005",
        )


def _check_channel_errors() -> Iterator[CheckMessage]:
    is_redis = str(getattr(settings, "CELERY_BROKER_URL", "")).startswith(_REDIS_SCHEMES)
    if is_redis and not getattr(settings, "CELERY_BROKER_CHANNEL_ERROR_RETRY", False):
        yield CheckWarning(
            "A Redis that answers with an error, as during a failover, ends every worker.",
            hint="Set CELERY_BROKER_CHANNEL_ERROR_RETRY = True.",
            id="healthcheck.W004",
        )
