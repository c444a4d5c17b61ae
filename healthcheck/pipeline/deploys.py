"""Opens and closes deploys: each is a maintenance window of its own, from now on and for so long at most.

Whoever does either holds the row of the hook, so that of two calls with one name the second one meets the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from healthcheck.engine.types import ConfigurationError
from healthcheck.models import DeployHook, DeployWindow, MaintenanceWindow
from healthcheck.models.deploy import DeployWindowQuerySet
from healthcheck.pipeline.maintain import replan_windows

# Of one hook at once: a CI that starts and never finishes must not fill the sweep with windows.
MAX_OPEN = 50
MAX_TITLE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Start:
    """What CI says of a deploy that begins; `minutes` is 0 where it leaves that to the hook."""

    deploy: str
    minutes: int = 0
    title: str = ""


def hold_hook(hook_id: int) -> DeployHook | None:
    """Lock the hook and return it as it is now, or None if it is gone. To be called within a transaction."""
    return DeployHook.objects.select_for_update(no_key=True).filter(pk=hook_id).first()


def open_deploy(hook: DeployHook, start: Start, now: datetime) -> tuple[DeployWindow, bool]:
    """Return the deploy of that name that is open, and whether it was opened now. The hook must be held.

    Raises ConfigurationError where nothing can be opened, with a sentence for whoever keeps CI.
    """
    if not hook.is_enabled:
        raise ConfigurationError("this hook is switched off; switch it on in the admin", field="is_enabled")
    running = list(DeployWindow.objects.running(now).filter(hook=hook).select_related("window")[: MAX_OPEN + 1])
    for each in running:
        if each.deploy == start.deploy:
            return each, False
    tag_ids = list(hook.tags.order_by("pk").values_list("pk", flat=True))
    if not tag_ids:
        raise ConfigurationError("this hook has no tags, so nothing is covered; add one in the admin", field="tags")
    if len(running) >= MAX_OPEN:
        raise ConfigurationError(f"{MAX_OPEN} deploys of this hook are open; finish one first", field="deploy")
    return _open(hook, start, tag_ids, now), True


def close_deploy(deploy: DeployWindow, now: datetime) -> None:
    """End the window of a deploy that is open, at once; what is still down is told by the sweep. The hook is held."""
    # A clock that was set back since must not leave it open.
    ended_at = max(now, deploy.window.starts_at)
    MaintenanceWindow.objects.filter(pk=deploy.window_id).update(ended_at=ended_at)
    replan_windows([deploy.window_id], now)
    DeployWindow.objects.filter(pk=deploy.pk).update(closed_at=ended_at)


def close_deploys(deploys: DeployWindowQuerySet, now: datetime) -> int:
    """End those of the deploys that are open, and return how many that were. Takes the locks of their hooks."""
    with transaction.atomic():
        hook_ids = dict(deploys.running(now).values_list("pk", "hook_id"))
        for hook_id in sorted(set(hook_ids.values())):
            hold_hook(hook_id)
        # Again: what CI has finished meanwhile is over since then.
        found = DeployWindow.objects.running(now).filter(pk__in=hook_ids).select_related("window").order_by("pk")
        closed = list(found)
        for each in closed:
            close_deploy(each, now)
    return len(closed)


def delete_hooks(hook_ids: Iterable[int], now: datetime) -> None:
    """Delete hooks and end what is open of them; the windows stay, as what has been."""
    ids = sorted(hook_ids)
    with transaction.atomic():
        # First, so that nothing is opened in between.
        for hook_id in ids:
            hold_hook(hook_id)
        close_deploys(DeployWindow.objects.filter(hook__in=ids), now)
        DeployHook.objects.filter(pk__in=ids).delete()


def find_last(hook: DeployHook, name: str) -> DeployWindow | None:
    """Return the newest deploy of that name, over or not."""
    rows = DeployWindow.objects.filter(hook=hook, deploy=name).select_related("window__clock")
    return rows.order_by("-id").first()


def read_end(deploy: DeployWindow) -> datetime:
    """Return when the deploy is over, or was."""
    window = deploy.window
    planned = window.starts_at + timedelta(seconds=window.duration_seconds)
    return window.ended_at or planned


def _open(hook: DeployHook, start: Start, tag_ids: list[int], now: datetime) -> DeployWindow:
    _settle_over(hook, now)
    minutes = min(start.minutes or hook.max_minutes, hook.max_minutes)
    window = MaintenanceWindow.objects.create(
        title=(start.title or f"Deploy {start.deploy}")[:MAX_TITLE_LENGTH],
        starts_at=now,
        duration_seconds=minutes * 60,
        is_public=hook.is_public,
    )
    window.tags.set(tag_ids)
    replan_windows([window.pk], now)
    return DeployWindow.objects.create(hook=hook, window=window, deploy=start.deploy, opened_at=now)


def _settle_over(hook: DeployHook, now: datetime) -> None:
    """Write down of those that ran out, or were ended as windows, that they are over."""
    over = DeployWindow.objects.filter(hook=hook, closed_at__isnull=True)
    is_over = Q(window__clock__open_until__isnull=True) | Q(window__clock__open_until__lte=now)
    over.filter(is_over).update(closed_at=now)
