"""The desk as its template needs it, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from healthcheck.admin.desk.desk import Desk, Trouble, load_desk
from healthcheck.admin.desk.desk_channels import describe_stuck_channels
from healthcheck.admin.desk.desk_incidents import describe_open_incidents
from healthcheck.admin.desk.desk_processes import Process
from healthcheck.admin.desk.first_steps import Step, describe_silence, list_steps
from healthcheck.admin.look.badges import WORST_FIRST, draw_paused, draw_state
from healthcheck.admin.look.words import describe_age, describe_instant, describe_moment
from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Version, VersionAction
from healthcheck.models.clock import read_database_clock

_APP = "healthcheck"
# What has versions, and with it the permission to see that it changed.
_KINDS = ("endpointgroup", "endpoint", "statuspage", "credential", "location", "tag")


def may_see_desk(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person may see groups and endpoints, which is what the desk is about."""
    return all(_may_see(user, kind) for kind in ("endpointgroup", "endpoint"))


def describe_desk(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the desk's template."""
    now = read_database_clock()
    desk = load_desk(now, kinds=[kind for kind in _KINDS if _may_see(request.user, kind)])
    site = getattr(request, "current_app", None) or "admin"
    return {
        "desk": desk,
        "at": describe_instant(now),
        "alarms": [*(describe_silence(desk) if desk.total else ()), *describe_stuck_channels(request, site, now)],
        "headline": _describe_headline(desk),
        "counts": [(state.word, draw_state(state, count=desk.counts[state])) for state in WORST_FIRST],
        "paused": draw_paused(_("%(count)s paused") % {"count": desk.paused_count}) if desk.paused_count else "",
        "steps": [_describe_step(step, site) for step in list_steps(desk)],
        "wrong": [_describe_trouble(each, desk, site) for each in desk.wrong],
        "more_wrong": max(0, desk.counts[State.DOWN] + desk.counts[State.DEGRADED] - len(desk.wrong)),
        "unknown": [_describe_trouble(each, desk, site) for each in desk.unknown],
        "more_unknown": max(0, desk.counts[State.UNKNOWN] - len(desk.unknown)),
        "shows_locations": len(desk.processes.locations) > 1,
        "slots": _describe_slots(desk),
        "newest_lost": [_describe_lost(run) for run in desk.slots.newest],
        "schedulers": [_describe_process(each, desk) for each in desk.processes.schedulers],
        "workers": [_describe_process(each, desk) for each in desk.processes.workers],
        "waited": describe_age((now - desk.queue.oldest_at).total_seconds()) if desk.queue.oldest_at else "",
        "changes": [_describe_change(version, site) for version in desk.changes],
        **describe_open_incidents(request, site, now),
    }


def _may_see(user: AbstractBaseUser | AnonymousUser, kind: str) -> bool:
    has_perm = user.has_perm if hasattr(user, "has_perm") else None
    return has_perm is not None and any(has_perm(f"{_APP}.{verb}_{kind}") for verb in ("view", "change"))


def _describe_headline(desk: Desk) -> str:
    down, degraded, unknown = (desk.counts[state] for state in (State.DOWN, State.DEGRADED, State.UNKNOWN))
    if not desk.total:
        return _("Nothing is checked yet.")
    if down or degraded:
        return _("Something is wrong.")
    if unknown:
        return _("Nothing is known to be wrong, but not everything is known.")
    return _("Everything is up.") if desk.counts[State.UP] else _("Everything is paused.")


def _describe_step(step: Step, site: str) -> Mapping[str, Any]:
    return {"step": step, "url": _find_page(site, step.view, *([] if step.about is None else [step.about]))}


def _describe_trouble(trouble: Trouble, desk: Desk, site: str) -> Mapping[str, Any]:
    endpoint = trouble.endpoint
    explained = _find_page(site, "healthcheck_endpoint_result", endpoint.pk, trouble.run_id) if trouble.run_id else ""
    return {
        "endpoint": endpoint,
        "group": endpoint.group,
        "badge": draw_state(trouble.state),
        "since": describe_moment(trouble.since),
        "age": describe_age((desk.now - trouble.since).total_seconds()) if trouble.since else "",
        "sentence": trouble.sentence or (_("Not checked yet.") if not trouble.observed_at else _("No fresh result.")),
        "observed": describe_moment(trouble.observed_at),
        "url": explained or _find_page(site, "healthcheck_endpoint_results", endpoint.pk),
        "location": trouble.location,
    }


def _describe_slots(desk: Desk) -> Mapping[str, Any]:
    slots = desk.slots
    return {
        "lost": [(each.reason.label if each.reason else each.status.label, each.hour, each.day) for each in slots.lost],
        "is_capped": slots.is_capped,
        "begun": slots.begun,
        "late": slots.late,
        "mean": _("%(number)s s") % {"number": f"{slots.mean_lateness.total_seconds():.2f}"},
        "worst": _("%(number)s s") % {"number": f"{slots.worst_lateness.total_seconds():.2f}"},
    }


def _describe_lost(run: CheckRun) -> Mapping[str, Any]:
    return {"run": run, "slot": describe_moment(run.scheduled_for), "until": describe_moment(run.gap_until)}


def _describe_process(process: Process, desk: Desk) -> Mapping[str, Any]:
    return {
        "process": process,
        "seen": describe_age((desk.now - process.at).total_seconds()),
        "started": describe_moment(process.started_at),
        "spooled_since": describe_moment(process.spooled_since),
    }


def _describe_change(version: Version, site: str) -> Mapping[str, Any]:
    is_gone = version.action == VersionAction.DELETED
    return {
        "version": version,
        "at": describe_moment(version.at),
        "action": VersionAction(version.action).label,
        "url": "" if is_gone else _find_page(site, f"{_APP}_{version.kind}_change", version.object_id),
    }


def _find_page(site: str, view: str, *about: int) -> str:
    """Return the address, or nothing where this site has no such page."""
    try:
        return reverse(f"admin:{view}", args=about, current_app=site) if view else ""
    except NoReverseMatch:
        return ""
