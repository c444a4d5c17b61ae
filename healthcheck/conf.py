"""Every setting of ours, in one table. A project overrides them in the dictionary `HEALTHCHECK` of its settings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from healthcheck.engine.types import AddressMode, AddressRules


@dataclass(frozen=True, slots=True)
class Settings:
    """Names as in the dictionary, in lower case. Durations in seconds."""

    # Which addresses may be connected to: everything, private (loopback, link-local and metadata refused) or public.
    address_mode: str = AddressMode.PRIVATE
    # Networks in CIDR form that overrule the mode; deny beats allow.
    address_allow: tuple[str, ...] = ()
    address_deny: tuple[str, ...] = ()
    # Checks of one group under way at once in a process: bounds sockets and memory, not the group's size.
    concurrency_per_group: int = 256
    # Checks against one address and port at once in a process: a health check must not be a load test.
    concurrency_per_address: int = 32
    # Threads per worker process that talk to the database, each with its own connection.
    database_threads: int = 4
    # A name that a working resolver answers for; asked only when another name got no answer at all.
    control_name: str = "example.com"
    # Raw rows older than this are pruned.
    retention_days: int = 14
    # Rollups per hour older than this are pruned; those per day stay.
    hour_retention_days: int = 100
    # The status page says that the checker is behind once the clock has been silent for so long.
    stale_after_seconds: float = 15.0
    # Networks of the proxies whose X-Forwarded-For is believed when guesses of a page's password are counted, and when
    # jobs report.
    trusted_proxies: tuple[str, ...] = ()
    # Scheme and host that people reach the pages at, such as https://status.example.org; empty means that messages hold
    # no links.
    base_url: str = ""
    # Called after so many good slots of a worker process: who expects it notices that the checker has stopped. Empty
    # means nobody. Hidden from every repr.
    watchdog_url: str = field(default="", repr=False)
    watchdog_slots: int = 10
    # The Celery queue of the tasks; empty means the project's default queue.
    queue: str = ""
    # The folder of this machine where results wait while the database is away; empty means that they are lost then.
    spool_dir: str = ""
    # Fernet keys for credentials at rest, newest first: the first seals, all open. Hidden from every repr.
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def address_rules(self) -> AddressRules:
        return AddressRules(
            mode=AddressMode(self.address_mode), allow=tuple(self.address_allow), deny=tuple(self.address_deny)
        )


def unknown_settings() -> list[str]:
    """Return the keys of `HEALTHCHECK` that nothing reads, sorted."""
    known = {field.name.upper() for field in dataclasses.fields(Settings)}
    return sorted(set(_configured()) - known)


@cache
def get_settings() -> Settings:
    """Return the settings in force. Raises ImproperlyConfigured for an address mode that does not exist."""
    known = {field.name for field in dataclasses.fields(Settings)}
    values = {key.lower(): value for key, value in _configured().items() if key.lower() in known}
    if not isinstance(values.get("encryption_keys", ()), str):
        values["encryption_keys"] = tuple(values.get("encryption_keys", ()))
    loaded = Settings(**values)
    if loaded.address_mode not in set(AddressMode):
        raise ImproperlyConfigured(f"HEALTHCHECK['ADDRESS_MODE'] must be one of {', '.join(AddressMode)}.")
    return loaded


def reload_settings(*, setting: str = "", **_: Any) -> None:
    """Forget what was read, so that `override_settings` works."""
    if setting == "HEALTHCHECK":
        get_settings.cache_clear()


def _configured() -> dict[str, Any]:
    configured: dict[str, Any] = getattr(django_settings, "HEALTHCHECK", {})
    return configured
