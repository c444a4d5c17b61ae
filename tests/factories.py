"""Rows for tests: plain functions with sensible columns, every one of which a test may override by keyword."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import (
    Assertion,
    CheckResult,
    CheckRun,
    Correction,
    CorrectionEffect,
    Credential,
    DeployHook,
    Endpoint,
    EndpointGroup,
    EndpointMember,
    EndpointState,
    Evidence,
    HeartbeatToken,
    Incident,
    IncidentMember,
    Location,
    MaintenanceSpan,
    MaintenanceWindow,
    NotificationChannel,
    NotificationPolicy,
    PolicyStep,
    RollupProgress,
    RunStatus,
    StatusPage,
    Tag,
    Tick,
    Transition,
    Trigger,
)
from healthcheck.models.deploy import make_public_id
from healthcheck.models.heartbeat import hash_token
from healthcheck.models.heartbeat import make_token as random_token
from healthcheck.models.result import Judgement
from healthcheck.models.secrets import seal_secrets

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
# What deploy hooks of tests sign with.
SIGNING = "whsec_c2lnbmluZyBzZWNyZXQgb2YgdGhlIHRlc3Rz"


def make_location(slug: str = "default", **columns: Any) -> Location:
    """Return the location, made where a transactional test has flushed it."""
    location, _created = Location.objects.get_or_create(slug=slug, defaults={"name": slug.title()} | columns)
    return location


def make_page(slug: str = "status", **columns: Any) -> StatusPage:
    """Return the page with these columns; it shows every group unless told otherwise."""
    defaults = {"title": slug.title(), "shows_all_groups": True} | columns
    page, _created = StatusPage.objects.update_or_create(slug=slug, defaults=defaults)
    return page


def make_group(slug: str = "web", **columns: Any) -> EndpointGroup:
    defaults: dict[str, Any] = {"name": slug.title(), "interval_seconds": 60, "deadline_seconds": 30.0}
    return EndpointGroup.objects.create(slug=slug, **(defaults | columns))


def make_endpoint(group: EndpointGroup | None = None, name: str = "site", **columns: Any) -> Endpoint:
    """Store an endpoint without a probe's opinion on its address; without a group it gets one of its own."""
    owner = group if group is not None else make_group()
    return Endpoint.objects.create(group=owner, name=name, **({"address": "http://127.0.0.1/"} | columns))


def make_member(parent: Endpoint, member: Endpoint, weight: int = 1) -> EndpointMember:
    return EndpointMember.objects.create(parent=parent, member=member, weight=weight)


def make_credential(name: str = "shop", kind: str = "bearer", **columns: Any) -> Credential:
    """Store a credential; `secrets` are sealed by the keys in force, and stay away where there are none."""
    secrets = columns.pop("secrets", {"token": "a-token"})
    sealed = seal_secrets(secrets) if secrets else ""
    return Credential.objects.create(name=name, kind=kind, **({"sealed": sealed} | columns))


def make_assertion(endpoint: Endpoint, text: str = "status 200-299", **columns: Any) -> Assertion:
    return Assertion.objects.create(endpoint=endpoint, text=text, **columns)


def make_state(endpoint: Endpoint, state: State = State.UP, *, now: datetime = NOW, **columns: Any) -> EndpointState:
    """Store what is known: seen a second ago, valid for two minutes, in this state for an hour."""
    defaults: dict[str, Any] = {
        "state": state,
        "known_state": state,
        "since": now - timedelta(hours=1),
        "last_observed_at": now - timedelta(seconds=1),
        "last_verdict": state,
        "last_latency_us": 12_000,
        "evidence_at": now - timedelta(seconds=1),
        "valid_until": now + timedelta(minutes=2),
        "strip": str(state.value) * 60,
    }
    location = columns.pop("location", None) or make_location()
    return EndpointState.objects.create(endpoint=endpoint, location=location, **(defaults | columns))


def make_run(group: EndpointGroup, *, at: datetime = NOW, **columns: Any) -> CheckRun:
    """Store a finished scheduled run of the slot at `at`; override `status` and the rest for any other."""
    defaults: dict[str, Any] = {
        "trigger": Trigger.SCHEDULED,
        "status": RunStatus.FINISHED,
        "scheduled_for": at,
        "open_until": at + timedelta(minutes=1),
        "valid_until": at + timedelta(minutes=3),
    }
    if columns.get("status", RunStatus.FINISHED) == RunStatus.FINISHED:
        defaults |= {"started_at": at, "finished_at": at + timedelta(seconds=1), "token": 1}
    location = columns.pop("location", None) or make_location()
    return CheckRun.objects.create(group=group, location=location, **(defaults | columns))


def make_result(run: CheckRun, endpoint: Endpoint, verdict: State = State.UP, **columns: Any) -> CheckResult:
    defaults: dict[str, Any] = {"latency_us": 12_000, "http_status": 200}
    judged: dict[str, Any] = {}
    if verdict is State.DOWN:
        defaults["http_status"] = 500
        judged = {"error_kind": ErrorKind.STATUS, "phase": Phase.HEADERS}
    judged |= {
        name: columns.pop(name) for name in ("error_kind", "phase", "attempts", "in_maintenance") if name in columns
    }
    packed = Judgement(verdict, **judged).pack()
    return CheckResult.objects.create(run_id=run.pk, endpoint_id=endpoint.pk, judgement=packed, **(defaults | columns))


def make_evidence(run: CheckRun, endpoint: Endpoint, **facts: Any) -> Evidence:
    defaults = {"expected": "status 200-299", "found": "500"}
    return Evidence.objects.create(run_id=run.pk, endpoint_id=endpoint.pk, facts=defaults | facts)


def make_transition(endpoint: Endpoint, *, at: datetime = NOW, **columns: Any) -> Transition:
    defaults: dict[str, Any] = {
        "from_state": State.UP,
        "to_state": State.DOWN,
        "at": at,
        "confirmed_at": at,
    }
    location = columns.pop("location", None) or make_location()
    return Transition.objects.create(endpoint_id=endpoint.pk, location=location, **(defaults | columns))


def make_correction(endpoint: Endpoint, *, start: datetime, end: datetime, **columns: Any) -> Correction:
    """Store a correction that excludes an interval, for a private reason, without a word to the rollups."""
    defaults: dict[str, Any] = {"effect": CorrectionEffect.EXCLUDED, "reason": "our cable", "at": NOW}
    interval = {"starts_at": start, "ends_at": end}
    return Correction.objects.create(endpoint_id=endpoint.pk, **interval, **(defaults | columns))


def make_window(title: str = "Works", *, at: datetime = NOW, **columns: Any) -> MaintenanceWindow:
    """Store a window of an hour from `at` on; `endpoints`, `groups` and `tags` (by name) are what it covers."""
    endpoints, groups, tags = (columns.pop(name, ()) for name in ("endpoints", "groups", "tags"))
    window = MaintenanceWindow.objects.create(title=title, starts_at=at, **({"duration_seconds": 3600} | columns))
    window.endpoints.set(endpoints)
    window.groups.set(groups)
    window.tags.set([Tag.objects.get_or_create(name=name)[0] for name in tags])
    return window


def make_span(endpoint: Endpoint, *, at: datetime = NOW, minutes: float = 60, window_id: int = 1) -> MaintenanceSpan:
    ends_at = at + timedelta(minutes=minutes)
    return MaintenanceSpan.objects.create(endpoint_id=endpoint.pk, window_id=window_id, starts_at=at, ends_at=ends_at)


def make_tick(*, at: datetime = NOW, node: str = "scheduler-1") -> Tick:
    tick, _created = Tick.objects.update_or_create(node=node, defaults={"at": at})
    return tick


def make_heartbeat_endpoint(group: EndpointGroup | None = None, name: str = "job", **columns: Any) -> Endpoint:
    """Store an endpoint whose job is expected every hour, and late ten minutes after."""
    options = {"period_seconds": 3600, "grace_seconds": 600} | columns.pop("options", {})
    return make_endpoint(group, name, **({"kind": "heartbeat", "address": "", "options": options} | columns))


def make_token(endpoint: Endpoint, *, at: datetime = NOW, retires_at: datetime | None = None) -> str:
    """Give the endpoint a token and return it."""
    token = random_token()
    HeartbeatToken.objects.create(endpoint=endpoint, digest=hash_token(token), created_at=at, retires_at=retires_at)
    return token


def make_progress(group: EndpointGroup, *, until: datetime = NOW) -> RollupProgress:
    """Say that a group is rolled up at the default location, up to the hour of this instant."""
    hour = int(until.timestamp()) // 3600
    progress, _created = RollupProgress.objects.update_or_create(
        group_id=group.pk, location_id=make_location().pk, defaults={"next_hour": hour}
    )
    return progress


def make_channel(name: str = "team", kind: str = "webhook", **columns: Any) -> NotificationChannel:
    return NotificationChannel.objects.create(name=name, kind=kind, **columns)


def make_policy(
    name: str = "all", *, steps: Mapping[int, Sequence[NotificationChannel]], **columns: Any
) -> NotificationPolicy:
    """Store a policy for every endpoint, or for `groups` and `tags` (by name); `steps` are channels by minutes."""
    groups, tags = (columns.pop(each, ()) for each in ("groups", "tags"))
    policy = NotificationPolicy.objects.create(name=name, **columns)
    policy.groups.set(groups)
    policy.tags.set([Tag.objects.get_or_create(name=tag)[0] for tag in tags])
    for minutes, channels in steps.items():
        PolicyStep.objects.create(policy=policy, after_minutes=minutes).channels.set(channels)
    return policy


def make_incident(*members: Endpoint, at: datetime = NOW, **columns: Any) -> Incident:
    """Store an open incident of these endpoints at the default location, which broke then."""
    count = len(members)
    defaults: dict[str, Any] = {"open_count": count, "peak_count": count, "checked_count": count}
    if members:
        location = make_location()
        defaults |= {"group_id": members[0].group_id, "location_id": location.pk, "error_kind": ErrorKind.STATUS}
    incident = Incident.objects.create(started_at=at, **(defaults | columns))
    for member in members:
        IncidentMember.objects.create(
            incident=incident,
            endpoint_id=member.pk,
            location_id=location.pk,
            state=State.DOWN,
            error_kind=ErrorKind.STATUS,
            joined_at=at,
        )
    return incident


def make_deploy_hook(name: str = "shop", *, tags: Sequence[str] = ("shop",), **columns: Any) -> DeployHook:
    """Store a hook for the tags of these names, with the secret SIGNING unless `secrets` says otherwise."""
    sealed = seal_secrets(columns.pop("secrets", {"secret": SIGNING}))
    hook = DeployHook.objects.create(name=name, public_id=make_public_id(), sealed=sealed, **columns)
    hook.tags.set([Tag.objects.get_or_create(name=tag)[0] for tag in tags])
    return hook
