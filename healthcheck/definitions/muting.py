"""Muting: a maintenance window from now on, made by one click; and the end of any window by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.versions import Change, record_versions, recorded
from healthcheck.models import EndpointGroup, MaintenanceWindow
from healthcheck.pipeline.maintain import replan_windows


def mute(model: type[Model], ids: Sequence[int], until: datetime, change: Change) -> MaintenanceWindow:
    """Put these endpoints or groups into maintenance from now to `until`. No page announces it."""
    seconds = max(1, round((until - change.at) / timedelta(seconds=1)))
    with transaction.atomic():
        title = _("Muted by %(author)s") % {"author": change.author_name}
        window = MaintenanceWindow.objects.create(
            title=title[:200], starts_at=change.at, duration_seconds=seconds, is_public=False
        )
        scope = window.groups if model is EndpointGroup else window.endpoints
        scope.set(ids)
        replan_windows([window.pk], change.at)
        record_versions(MaintenanceWindow, {}, read_documents(MaintenanceWindow, [window.pk]), change)
    return window


def end_windows(ids: Sequence[int], change: Change) -> int:
    """End now those of the windows that are running, and return how many that were."""
    with recorded(MaintenanceWindow, ids, change):
        running = [each for each in MaintenanceWindow.objects.filter(pk__in=ids) if each.find_open(change.at)]
        MaintenanceWindow.objects.filter(pk__in=[each.pk for each in running]).update(ended_at=change.at)
        replan_windows([each.pk for each in running], change.at)
    return len(running)
