"""What went wrong and where, in a few words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from healthcheck.engine.phases import name_phase
from healthcheck.engine.types import ErrorKind, Phase


def describe_error(kind: ErrorKind | None, phase: Phase | None, endpoint_kind: str) -> str:
    """Return the error and where it happened, such as “timeout in connect”; empty without one."""
    if kind is None:
        return ""
    if phase is None or phase is Phase.ASSERT:
        return kind.word
    return _("%(kind)s in %(phase)s") % {"kind": kind.word, "phase": name_phase(phase, endpoint_kind)}
