"""Django system checks that name the cure. Celery's settings are read under the usual prefix `CELERY_`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.urls import NoReverseMatch, reverse

from healthcheck import conf
from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.probes import list_third_party
from healthcheck.engine.probes.plugins import PluginFault
from healthcheck.engine.types import AddressMode, ConfigurationError
from healthcheck.models.credential import Credential
from healthcheck.models.group import MAX_DEADLINE_SECONDS, MAX_RETENTION_DAYS
from healthcheck.models.secrets import SecretsError, load_keys
from healthcheck.pipeline.dispatch import LEASE_MARGIN

# They replace sockets and threads by their own; the engine runs its event loop on a real thread.
_REFUSED_POOLS = ("gevent", "eventlet")
_REDIS_SCHEMES = ("redis", "sentinel")
# Credentials that are opened by way of trial, and how many of those that do not open are named.
MAX_CHECKED, MAX_NAMED = 1000, 10
# Days: the newest rows are what pages show, and a day is summed from its hours until it is over.
MIN_RETENTION_DAYS = {"RETENTION_DAYS": 1, "HOUR_RETENTION_DAYS": 2}


@register("healthcheck")
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [*_check_unknown(), *_check_addresses(), *_check_proxies(), *_check_time(), *_check_sqlite(), *_check_urls()]


@register("healthcheck")
def check_spool(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    folder = conf.get_settings().spool_dir if _has_readable_settings() else ""
    if folder and not Path(folder).is_absolute():
        yield Error(
            f"HEALTHCHECK['SPOOL_DIR'] is “{folder}”, which depends on where a worker is started.",
            hint="Write the whole path of a folder, such as /var/spool/healthcheck.",
            id="healthcheck.E008",
        )


@register("healthcheck")
def check_retention(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    if not _has_readable_settings():
        return
    loaded = conf.get_settings()
    days = {"RETENTION_DAYS": loaded.retention_days, "HOUR_RETENTION_DAYS": loaded.hour_retention_days}
    for key, value in days.items():
        if not isinstance(value, int) or not MIN_RETENTION_DAYS[key] <= value <= MAX_RETENTION_DAYS:
            yield Error(
                f"HEALTHCHECK['{key}'] is {value!r}.",
                hint=f"Set a whole number of days from {MIN_RETENTION_DAYS[key]} to {MAX_RETENTION_DAYS}.",
                id="healthcheck.E009",
            )
            return
    if loaded.hour_retention_days < loaded.retention_days:
        yield Error(
            f"HEALTHCHECK['HOUR_RETENTION_DAYS'] is {loaded.hour_retention_days}, less than the"
            f" {loaded.retention_days} of RETENTION_DAYS.",
            hint="Keep hours at least as long as raw results; 100 is the default.",
            id="healthcheck.E009",
        )


@register("healthcheck")
def check_base_url(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    base = conf.get_settings().base_url if _has_readable_settings() else ""
    if base and not _is_base(base):
        yield Error(
            f"HEALTHCHECK['BASE_URL'] is “{base}”, which links in messages cannot begin with.",
            hint="Write scheme and host, such as https://status.example.org.",
            id="healthcheck.E010",
        )


@register("healthcheck")
def check_watchdog(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    if not _has_readable_settings():
        return
    loaded = conf.get_settings()
    if loaded.watchdog_url and urlsplit(loaded.watchdog_url).scheme not in ("http", "https"):
        yield Error(
            "HEALTHCHECK['WATCHDOG_URL'] is no address of the web.",
            hint="Write a whole URL, such as https://watch.example.org/a-token, or leave it empty.",
            id="healthcheck.E011",
        )
    if not isinstance(loaded.watchdog_slots, int) or loaded.watchdog_slots < 1:
        yield Error(
            f"HEALTHCHECK['WATCHDOG_SLOTS'] is {loaded.watchdog_slots!r}.",
            hint="Set a whole number of slots from 1; 10 is the default.",
            id="healthcheck.E011",
        )


def _is_base(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and "@" not in parts.netloc and not parts.query and not parts.fragment and text.isprintable()


@register("healthcheck", deploy=True)
def check_spool_is_there(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    if _has_readable_settings() and not conf.get_settings().spool_dir:
        yield CheckWarning(
            "HEALTHCHECK['SPOOL_DIR'] names no folder: what is measured while the database is away is lost.",
            hint="Name a private folder on a disk of each worker's machine, such as /var/spool/healthcheck.",
            id="healthcheck.W011",
        )


@register("healthcheck")
def check_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    keys = conf.get_settings().encryption_keys if _has_readable_settings() else ()
    try:
        if keys:
            load_keys(keys)
    except SecretsError as error:
        hint = "Separate several keys by commas in the environment, or write them as a list; each ends in “=”."
        yield Error(str(error), hint=hint, id="healthcheck.E006")


@register(Tags.database)
def check_credentials(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> Iterator[CheckMessage]:
    """Say which credentials no key opens; only where the database may be asked, as `check --database default` does."""
    if DEFAULT_DB_ALIAS in (databases or ()) and _has_readable_settings():
        yield from _check_sealed()


def _check_sealed() -> Iterator[CheckMessage]:
    try:
        sealed = list(Credential.objects.exclude(sealed="").order_by("name")[:MAX_CHECKED])
    except DatabaseError:
        # Before the first migration there is no table, and whether the database is there is for others to say.
        return
    if sealed and not conf.get_settings().encryption_keys:
        yield CheckWarning(
            "There are credentials, but HEALTHCHECK['ENCRYPTION_KEYS'] holds no key: their endpoints are not checked.",
            hint="Set the key that sealed them, such as HEALTHCHECK_ENCRYPTION_KEYS in the environment.",
            id="healthcheck.W007",
        )
        return
    if locked := [f"“{credential.name}”" for credential in sealed if not _opens(credential)]:
        # A warning, because an error would keep `migrate` from running, and one lost key is no reason for that.
        yield CheckWarning(
            f"No key in HEALTHCHECK['ENCRYPTION_KEYS'] opens these credentials: {', '.join(locked[:MAX_NAMED])}.",
            hint="Add the key that sealed them at the end of the list, or enter their secrets again.",
            id="healthcheck.W008",
        )


def _opens(credential: Credential) -> bool:
    try:
        credential.open_secrets()
    except SecretsError:
        return False
    return True


def _has_readable_settings() -> bool:
    """Whether they can be read; what keeps them from it has a message of its own."""
    try:
        conf.get_settings()
    except ImproperlyConfigured:
        return False
    return True


@register("healthcheck")
def check_celery(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [*_check_pool(), *_check_broker(), *_check_visibility(), *_check_channel_errors()]


@register("healthcheck")
def check_kinds(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[CheckMessage]:
    installed = list_third_party()
    for each in installed:
        if isinstance(each, PluginFault):
            # A warning, because an error would keep the scheduler from running, and one kind is no reason for that.
            yield CheckWarning(
                f"The kind “{each.kind}” of the distribution {each.distribution} cannot be used. {each.sentence}",
                hint="Until that is corrected its endpoints are unknown; remove the distribution, or tell its authors.",
                id="healthcheck.W010",
            )
    sound = [each for each in installed if not isinstance(each, PluginFault) and not each.uses_dialer]
    if sound and _has_readable_settings() and conf.get_settings().address_rules.mode is AddressMode.PUBLIC:
        kinds = ", ".join(f"“{each.kind}” of {each.distribution}" for each in sound)
        yield CheckWarning(
            f"These kinds connect past the address policy, which is “public”: {kinds}.",
            hint="Only superusers may set up endpoints of them; see docs/kinds.md.",
            id="healthcheck.W009",
        )


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


def _check_proxies() -> Iterator[CheckMessage]:
    if not _has_readable_settings():
        return
    proxies = conf.get_settings().trusted_proxies
    if isinstance(proxies, str):
        hint = f"Write a list, such as ['{proxies}']."
        yield Error("HEALTHCHECK['TRUSTED_PROXIES'] is a text, not a list.", hint=hint, id="healthcheck.E007")
        return
    for network in proxies:
        try:
            ip_network(network, strict=False)
        except ValueError:
            yield Error(
                f"HEALTHCHECK['TRUSTED_PROXIES'] holds “{network}”, which is no network.",
                hint="Write networks in CIDR form, such as 10.0.0.0/8.",
                id="healthcheck.E007",
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
