"""Structured logs over the standard library's logging: one line per record on stdout, as JSON or for people.

Whoever logs names rows by id in `extra`; no URL of a target belongs into a log line.
"""

from __future__ import annotations

import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# They log every URL, with the passwords and tokens in it, at INFO. Nothing of ours speaks through them; a kind of
# somebody else's may.
CHATTY = ("httpx", "httpcore")


def drop_request(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Remove Django's request object, whose text holds the whole query string."""
    event.pop("request", None)
    return event


def _is_terminal() -> bool:
    # There is none at all where the shell has closed it, whatever its type says.
    return sys.stdout is not None and sys.stdout.isatty()


def _build_renderer(log_format: str) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The default prints the local variables of every frame, and some of them are secrets.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=_is_terminal(), pad_event_to=0, exception_formatter=plain)]


def build_logging(*, log_format: str, level: str) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`. `log_format` is `console` or `json`."""
    known: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        drop_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_build_renderer(log_format)]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": known,
                "processors": last,
            }
        },
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stdout"}
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Django and gunicorn bring handlers of their own, which would print every line twice.
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            # One line per request or per 404 is for the server in front to keep.
            "django.request": {"level": "ERROR"},
            # Anybody can send a forged Host, as often as they like; it is answered with 400.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # At DEBUG it prints the whole context of a template for each name that is not in it.
            "django.template": {"level": "INFO"},
            # It names the path, and with it the secret of a login link.
            "django.security.csrf": {"level": "ERROR"},
            # Two lines per run otherwise, beside our own one.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # At DEBUG it names the path of every request, and with it the token of a job or of a login link.
            "gunicorn.error": {"handlers": [], "level": "INFO" if level == "DEBUG" else "NOTSET", "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
            **{name: {"level": "WARNING"} for name in CHATTY},
        },
    }
