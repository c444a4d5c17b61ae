"""Probes from the web process, for a person who waits: bounded in time and in number, and nothing is stored."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from healthcheck.engine.credentials import EngineCredential, UnusableCredential
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Endpoint
from healthcheck.pipeline.credentials import load_credential
from healthcheck.pipeline.explain import Explanation, probe_now

# Half of the threads that a web process of ours has: the other half goes on showing pages.
MAX_PROBES = 2
# What a person waits for; a longer timeout of the endpoint is cut to this.
MAX_SECONDS = 10.0

_places = threading.BoundedSemaphore(MAX_PROBES)


class NotProbedError(Exception):
    """Nothing was sent. The text is one sentence for the person and names the cure."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe saw. `is_cut` says that it had less time than a run would give it."""

    explanation: Explanation
    timeout_seconds: float
    is_cut: bool = False


def probe_endpoint(endpoint: Endpoint, assertions: Sequence[str], *, now: datetime) -> Probed:
    """Probe an endpoint as it stands in memory, saved or not. Raises NotProbedError."""
    timeout_seconds = min(endpoint.timeout_seconds, MAX_SECONDS)
    credential = open_credential(endpoint)
    if isinstance(credential, UnusableCredential):
        raise NotProbedError(credential.sentence)
    if not _places.acquire(blocking=False):
        raise NotProbedError(
            _("%(count)s other checks are being tried right now, as many as are allowed. Try again in a few seconds.")
            % {"count": MAX_PROBES}
        )
    try:
        explanation = probe_now(
            endpoint.kind,
            endpoint.address,
            endpoint.options,
            now=now,
            assertions=assertions,
            timeout_seconds=timeout_seconds,
            credential=credential,
        )
    except ConfigurationError as error:
        raise NotProbedError(error.sentence) from error
    finally:
        _places.release()
    return Probed(explanation, timeout_seconds, is_cut=timeout_seconds < endpoint.timeout_seconds)


def open_credential(endpoint: Endpoint) -> EngineCredential | UnusableCredential | None:
    """Return the endpoint's credential as a run would use it; one that cannot be opened is a value, too."""
    row = endpoint.credential
    if row is None:
        return None
    return load_credential(row.pk, kind=row.kind, details=json.dumps(row.details), sealed=row.sealed)
