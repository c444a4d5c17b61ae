"""The name under which we ask."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _name_ourselves() -> str:
    try:
        return f"healthcheck/{version('django-endpoint-healthcheck')}"
    except PackageNotFoundError:
        # A checkout that was never installed.
        return "healthcheck"


USER_AGENT = _name_ourselves()
