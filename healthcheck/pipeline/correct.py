"""Corrects what intervals of endpoints were, and takes that back. A correction says what was: the future has windows.

1. The endpoints are locked, so that two who correct the same one come one after the other.
2. Whoever decided by what else stood there is asked again when something else stands there now.
3. The rows and the marks of the hours that they change are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.models import Correction, CorrectionEffect, Endpoint
from healthcheck.pipeline.authors import hold_account
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.marks import mark_hours
from healthcheck.pipeline.text import REPLACEMENT, sanitise

# A year, and the day that some have more: nobody looks further back than the calendar shows.
MAX_LENGTH = timedelta(days=366)
# One outage of one's own cable; more is written in parts, each of them in one transaction.
MAX_ENDPOINTS = 1000
# Each hour of each endpoint and location is a mark, and then an hour that is rolled up again.
MAX_ENDPOINT_HOURS = 100_000
# Of one endpoint: each of them is looked at by every measurement of its time.
MAX_STANDING = 1000
# Nothing here is older, and instants at the edge of time cannot be moved between zones.
OLDEST_AT = datetime(2000, 1, 1, tzinfo=UTC)
MAX_REASON_LENGTH, MAX_NAME_LENGTH = 500, 200

_COLUMNS = (
    "endpoint_id", "starts_at", "ends_at", "effect", "reason", "is_public", "at", "author_id", "author_name",
    "withdrawn_by_name",
)  # fmt: skip
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody says that an interval was, and why."""

    starts_at: datetime
    ends_at: datetime
    effect: CorrectionEffect
    reason: str
    is_public: bool = False


class Author(NamedTuple):
    """Who corrects something: the account, where there is one, and the name that outlives it."""

    name: str
    id: int | None = None


class CorrectionsChangedError(Exception):
    """Other corrections stand in the interval than those that the person has seen; nothing was written."""


def make_corrections(
    endpoint_ids: Sequence[int], proposal: Proposal, *, author: Author, now: datetime, seen: str | None = None
) -> int:
    """Store a correction of each endpoint and return how many. `seen` is what `read_overlaps` said before, if anybody
    decided by that.

    Raises ValidationError with a sentence by field, and CorrectionsChangedError.
    """
    ids = sorted(set(endpoint_ids))
    said = settle_proposal(proposal, count=len(ids), now=now)
    with transaction.atomic():
        _lock_endpoints(ids)
        if seen is not None and seen != read_overlaps(ids, said):
            raise CorrectionsChangedError
        _refuse_too_many(ids)
        held = author._replace(id=hold_account(author.id))
        insert_rows(Correction, _COLUMNS, (_build_row(pk, said, author=held, now=now) for pk in ids))
        mark_hours(ids, None, start=said.starts_at, end=said.ends_at, now=now)
    return len(ids)


def withdraw_corrections(correction_ids: Sequence[int], *, author: Author, now: datetime) -> int:
    """Withdraw those that still stand and return how many that were."""
    with transaction.atomic():
        standing = Correction.objects.standing().filter(pk__in=correction_ids)
        _lock_endpoints(sorted(set(standing.values_list("endpoint_id", flat=True))), needs_all=False)
        # Read again: somebody else may have been here before the lock.
        rows = list(standing.order_by("pk").values_list("pk", "endpoint_id", "starts_at", "ends_at"))
        _refuse_hours(sum((_count_hours(start, end) for _pk, _endpoint, start, end in rows), start=0))
        name = sanitise(author.name, MAX_NAME_LENGTH)
        withdrawn = Correction.objects.filter(pk__in=[row[0] for row in rows])
        withdrawn.update(withdrawn_at=now, withdrawn_by_name=name)
        for (start, end), ids in _group_by_interval(rows).items():
            mark_hours(ids, None, start=start, end=end, now=now)
    return len(rows)


def settle_proposal(proposal: Proposal, *, count: int, now: datetime) -> Proposal:
    """Return the proposal as it is stored. Raises ValidationError for what makes no sense for so many endpoints."""
    refusals: dict[str, str] = {}
    reason = _clean_reason(proposal.reason, refusals)
    _refuse_interval(proposal, refusals, now=now)
    if proposal.effect not in CorrectionEffect.values:
        refusals["effect"] = _("Say what the interval was.")
    if refusals:
        raise ValidationError(refusals)
    if not 0 < count <= MAX_ENDPOINTS:
        sentence = _("Between 1 and %(limit)s endpoints are corrected at once; choose fewer.")
        raise ValidationError(sentence % {"limit": MAX_ENDPOINTS})
    _refuse_hours(count * _count_hours(proposal.starts_at, proposal.ends_at))
    return Proposal(proposal.starts_at, proposal.ends_at, CorrectionEffect(proposal.effect), reason, proposal.is_public)


def read_overlaps(endpoint_ids: Iterable[int], proposal: Proposal) -> str:
    """Return a text that changes whenever other corrections stand in the interval.

    Their number and the newest of them are enough: a new one has a higher id than all before it, and none that was
    withdrawn comes back.
    """
    rows = find_overlaps(endpoint_ids, proposal).aggregate(count=Count("pk"), newest=Max("pk"))
    return f"{rows['count']}.{rows['newest'] or 0}"


def find_overlaps(endpoint_ids: Iterable[int], proposal: Proposal) -> Any:
    """Return the corrections that stand in the interval; the new one counts before all of them."""
    standing = Correction.objects.standing()
    return standing.overlapping(endpoint_ids, start=proposal.starts_at, end=proposal.ends_at)


def _clean_reason(text: str, refusals: dict[str, str]) -> str:
    # One line, wherever it was typed.
    line = " ".join(text.split())
    reason = sanitise(line, max(len(line), 1))
    if not reason.replace(REPLACEMENT, "").strip():
        refusals["reason"] = _("Give a reason: whoever reads the history will ask for it.")
    elif len(reason) > MAX_REASON_LENGTH:
        sentence = _("The reason may have %(limit)s characters, and this one has %(count)s; shorten it.")
        refusals["reason"] = sentence % {"limit": MAX_REASON_LENGTH, "count": len(reason)}
    return reason


def _refuse_interval(proposal: Proposal, refusals: dict[str, str], *, now: datetime) -> None:
    start, end = proposal.starts_at, proposal.ends_at
    if start < OLDEST_AT:
        refusals["starts_at"] = _("Nothing was checked before the year %(year)s; set a later start.") % {
            "year": OLDEST_AT.year
        }
    elif start >= now:
        refusals["starts_at"] = _("It starts in the future; plan a maintenance window for what is still to come.")
    if end <= start:
        refusals["ends_at"] = _("A correction must end after it starts; set a later end.")
    elif end > now and "starts_at" not in refusals:
        refusals["ends_at"] = _(
            "It ends in the future; end it now at the latest, and plan a maintenance window for the rest."
        )
    elif end - start > MAX_LENGTH:
        refusals["ends_at"] = _("A correction covers at most %(days)s days; set an earlier end, and make another.") % {
            "days": MAX_LENGTH.days
        }


def _refuse_hours(hours: int) -> None:
    if hours > MAX_ENDPOINT_HOURS:
        sentence = _(
            "That is %(hours)s hours of endpoints, and at most %(limit)s are corrected at once; choose fewer "
            "endpoints or a shorter interval."
        )
        raise ValidationError(sentence % {"hours": hours, "limit": MAX_ENDPOINT_HOURS})


def _count_hours(start: datetime, end: datetime) -> int:
    return -(-(end - start) // _HOUR)


def _lock_endpoints(ids: Sequence[int], *, needs_all: bool = True) -> None:
    # In one order, like everybody. Not the key: runs that refer to the row are inserted meanwhile. The group is not
    # locked: what is written here goes with the endpoint, whoever deletes that.
    rows = Endpoint.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(rows.values_list("pk", flat=True))
    if not needs_all:
        return
    existing = Endpoint.objects.existing().filter(pk__in=ids, group__deleted_at__isnull=True).count()
    if missing := len(ids) - existing:
        sentence = ngettext(
            "%(count)s of the endpoints was deleted meanwhile, and nothing was corrected; select again.",
            "%(count)s of the endpoints were deleted meanwhile, and nothing was corrected; select again.",
            missing,
        )
        raise ValidationError(sentence % {"count": missing})


def _refuse_too_many(ids: Sequence[int]) -> None:
    standing = Correction.objects.standing().filter(endpoint_id__in=ids).values("endpoint_id")
    if standing.annotate(count=Count("pk")).filter(count__gte=MAX_STANDING).exists():
        sentence = _("An endpoint has at most %(limit)s corrections; withdraw some, or correct a longer interval once.")
        raise ValidationError(sentence % {"limit": MAX_STANDING})


def _build_row(endpoint_id: int, said: Proposal, *, author: Author, now: datetime) -> tuple[Any, ...]:
    name = sanitise(author.name, MAX_NAME_LENGTH)
    interval = (said.starts_at, said.ends_at)
    return (endpoint_id, *interval, said.effect.value, said.reason, said.is_public, now, author.id, name, "")


def _group_by_interval(
    rows: Sequence[tuple[int, int, datetime, datetime]],
) -> dict[tuple[datetime, datetime], list[int]]:
    """Return the endpoints by interval: a correction of many is withdrawn in as few statements as it was made in."""
    grouped: dict[tuple[datetime, datetime], list[int]] = {}
    for _pk, endpoint_id, start, end in rows:
        grouped.setdefault((start, end), []).append(endpoint_id)
    return grouped
