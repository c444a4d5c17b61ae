"""From an empty database to the first green check: five steps, each with its live state and what brings it about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from healthcheck.admin.desk.desk import Desk
from healthcheck.admin.look.words import describe_age, describe_status
from healthcheck.engine.types import State


@dataclass(frozen=True, slots=True)
class Step:
    """A step is done, or it has a hint that says what brings it about; `command` is typed as it stands."""

    title: str
    is_done: bool
    hint: str
    command: str = ""
    # The page that the hint speaks of: a view of the admin by name and what it is about.
    view: str = ""
    about: int | None = None


def list_steps(desk: Desk) -> Sequence[Step]:
    """Return the steps until something has been up; afterwards there are none."""
    if desk.has_been_up:
        return ()
    return (_add_endpoint(desk), _start_scheduler(desk), _start_worker(desk), _await_check(desk), _turn_green(desk))


def _add_endpoint(desk: Desk) -> Step:
    title = _("Add an endpoint")
    if not desk.total:
        hint = _("Paste its URL: it is asked at once, and what to expect of it is offered.")
        return Step(title, False, hint, view="healthcheck_endpoint_add_by_url")
    if desk.paused_count == desk.total:
        return Step(title, False, _("Everything is paused; resume it."), view="healthcheck_endpointgroup_changelist")
    return Step(title, True, "")


def _start_scheduler(desk: Desk) -> Step:
    if desk.processes.has_scheduler:
        return Step(_("A scheduler ticks"), True, "")
    hint = _("It decides what is due. “manage.py up” starts one; by itself it is started with:")
    return Step(_("A scheduler ticks"), False, hint, command="python manage.py scheduler")


def _start_worker(desk: Desk) -> Step:
    if desk.processes.has_worker:
        return Step(_("A worker is ready"), True, "")
    hint = _("It makes the checks. “manage.py up” starts one; by itself it is started with:")
    # By convention the Celery app lies beside the settings and the addresses.
    project = settings.ROOT_URLCONF.partition(".")[0]
    return Step(_("A worker is ready"), False, hint, command=f"celery -A {project} worker --pool=threads")


def _await_check(desk: Desk) -> Step:
    title = _("The first check is made")
    if any(each.observed_at for each in (*desk.wrong, *desk.unknown)):
        return Step(title, True, "")
    run = desk.newest_run
    if run is None:
        return Step(title, False, _("It begins by itself within seconds once the steps above are done."))
    hint = _("The newest run: %(status)s.") % {"status": describe_status(run)}
    return Step(title, False, hint, view="healthcheck_run", about=run.pk)


def _turn_green(desk: Desk) -> Step:
    title = _("The first green check")
    failed = next((each for each in (*desk.wrong, *desk.unknown) if each.sentence), None)
    if failed is not None:
        hint = _("“%(name)s”: %(sentence)s") % {"name": failed.endpoint, "sentence": failed.sentence}
        return Step(title, False, hint, view="healthcheck_endpoint_results", about=failed.endpoint.pk)
    if desk.counts[State.UP]:
        return Step(title, True, "")
    return Step(title, False, _("This page follows by itself."))


def describe_silence(desk: Desk) -> Sequence[str]:
    """Return what is wrong with the checker itself, in sentences."""
    sentences = []
    if not desk.processes.has_scheduler:
        sentences.append(_("No scheduler is running: nothing is checked. Start it with “manage.py scheduler”."))
    if not desk.processes.has_worker:
        sentences.append(_("No worker is running: no check is made. Start a Celery worker with --pool=threads."))
    if desk.queue.oldest_at is not None and (waited := (desk.now - desk.queue.oldest_at).total_seconds()) > 15:
        sentence = _("The oldest run has waited for %(age)s: the workers are busy or gone. Start more of them.")
        sentences.append(sentence % {"age": describe_age(waited)})
    return sentences
