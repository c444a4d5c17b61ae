"""What the buttons and forms of an incident's page do. Each is a verb of the pipeline, and back to the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.filters import is_key
from healthcheck.admin.look.crumbs import name_crumb
from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.tell.incident_forms import (
    AssignForm,
    OpenForm,
    PostMortemForm,
    PublishForm,
    WriteForm,
    add_refusal,
)
from healthcheck.admin.tell.incident_page import describe_incident
from healthcheck.admin.tell.templates import fill_template, list_templates
from healthcheck.admin.tell.timeline import MAX_NAMES
from healthcheck.admin.tell.told import ToldAdmin
from healthcheck.admin.tell.words import name_incident
from healthcheck.models import Incident, UpdateTemplate
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.incident_verbs import (
    Acted,
    Draft,
    Said,
    acknowledge,
    assign,
    open_manual,
    resolve_by_hand,
    show_publicly,
    snooze,
    write,
    write_post_mortem,
)
from healthcheck.publisher import PUBLISHER

SNOOZES = {20: gettext_lazy("20 minutes"), 60: gettext_lazy("1 hour"), 480: gettext_lazy("8 hours")}
Verb = Callable[..., Acted]


class IncidentViews(ToldAdmin):
    """The part of the incidents' admin where people act."""

    def get_urls(self) -> list[URLPattern]:
        buttons = {
            "acknowledge": self.acknowledge_view,
            "snooze": self.snooze_view,
            "assign": self.assign_view,
            "write": self.write_view,
            "publish": self.publish_view,
            "resolve": self.resolve_view,
            "post_mortem": self.post_mortem_view,
        }
        return [
            path("add/", self.admin_site.admin_view(self.open_view), name=self._url_name("add")),
            path("<int:pk>/change/", self.guard_page(self.incident_view), name=self._url_name("change")),
            *(
                path(f"<int:pk>/{name.replace('_', '-')}/", self.guard_button(view), name=self._url_name(name))
                for name, view in buttons.items()
            ),
        ]

    def incident_view(self, request: HttpRequest, obj: Incident, **own: forms.Form) -> HttpResponse:
        """Show the incident, with a form as it was refused where there is one."""
        now = read_database_clock()
        may = self.has_operate_permission(request, obj)
        described = describe_incident(obj, now)
        begun = self._begin_update(request, obj, described["members"]) if may else {}
        shown = self._build_forms(obj, begun) | own if may else {}
        context = {
            **self.admin_site.each_context(request),
            "title": name_incident(obj),
            "opts": self.opts,
            "media": self.media,
            "object": obj,
            "original": name_crumb(obj, name_incident(obj)),
            "may_operate": may,
            "snoozes": SNOOZES.items(),
            "forms": shown,
            "templates": list_templates() if may else (),
            **described,
        }
        return TemplateResponse(request, "admin/healthcheck/incident.html", context)

    def _begin_update(self, request: HttpRequest, obj: Incident, members: Sequence[Any]) -> dict[str, Any]:
        """Return what the form begins with: the template that the address names, filled in."""
        asked = request.GET.get("template", "")
        template = UpdateTemplate.objects.filter(pk=asked).first() if is_key(asked) else None
        if template is None:
            return {}
        endpoints = ", ".join(member["name"] for member in members[:MAX_NAMES])
        values = {"title": name_incident(obj), "endpoints": endpoints, "since": describe_instant(obj.started_at)}
        return fill_template(template, values)

    def _build_forms(self, obj: Incident, begun: dict[str, Any]) -> dict[str, forms.Form]:
        return {
            "write": WriteForm(initial={"is_public": obj.is_public, **begun}, prefix="write"),
            "publish": PublishForm(initial={"title": obj.title, "is_public": obj.is_public}, prefix="publish"),
            "assign": AssignForm(initial={"assignee": obj.assignee_id}, prefix="assign"),
            "post_mortem": PostMortemForm(initial={"text": obj.post_mortem}, prefix="post_mortem"),
        }

    # The buttons.

    def acknowledge_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        acted = self._act(request, acknowledge, obj.pk)
        return self._return(request, obj, acted, _("It is yours: nobody else is asked."))

    def snooze_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        asked = request.POST.get("minutes", "")
        minutes = next((each for each in SNOOZES if str(each) == asked), min(SNOOZES))
        until = read_database_clock() + timedelta(minutes=minutes)
        acted = self._act(request, snooze, obj.pk, until=until)
        return self._return(
            request, obj, acted, _("Nobody is asked until %(time)s.") % {"time": describe_instant(until)}
        )

    def resolve_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        try:
            acted = self._act(request, resolve_by_hand, obj.pk)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return redirect(self.url_of("change", obj.pk))
        return self._return(request, obj, acted, _("It is resolved."))

    # The forms.

    def assign_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        form = AssignForm(request.POST, prefix="assign")
        if not form.is_valid():
            return self.incident_view(request, obj, assign=form)
        person: Any = form.cleaned_data["assignee"]
        assignee = Author(person.get_full_name() or person.get_username(), person.pk) if person else None
        try:
            acted = self._act(request, assign, obj.pk, assignee)
        except ValidationError as refusal:
            add_refusal(form, refusal)
            return self.incident_view(request, obj, assign=form)
        done = _("It is assigned to %(name)s.") % {"name": assignee.name} if assignee else _("Nobody has it now.")
        return self._return(request, obj, acted, done)

    def write_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        form = WriteForm(request.POST, prefix="write")
        return self._submit(
            request, obj, form, lambda found: self._act(request, write, obj.pk, Said(**found)), done=_("It is written.")
        )

    def publish_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        form = PublishForm(request.POST, prefix="publish")
        act: Any = lambda found: self._act(request, show_publicly, obj.pk, **found)  # noqa: E731
        return self._submit(request, obj, form, act, done=_("Status pages follow within seconds."))

    def post_mortem_view(self, request: HttpRequest, obj: Incident) -> HttpResponse:
        form = PostMortemForm(request.POST, prefix="post_mortem")
        act: Any = lambda found: self._act(request, write_post_mortem, obj.pk, found["text"])  # noqa: E731
        return self._submit(request, obj, form, act, done=_("It is written."))

    def _submit(
        self,
        request: HttpRequest,
        obj: Incident,
        form: forms.Form,
        act: Callable[[dict[str, Any]], Acted],
        *,
        done: str,
    ) -> HttpResponse:
        """Act by what a valid form says; show the page again with one that is refused."""
        if form.is_valid():
            try:
                return self._return(request, obj, act(form.cleaned_data), done)
            except ValidationError as refusal:
                add_refusal(form, refusal)
        return self.incident_view(request, obj, **{str(form.prefix): form})

    # Opening.

    def open_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        form = OpenForm(request.POST or None, site=self.admin_site)
        if request.method == "POST" and form.is_valid():
            found = form.cleaned_data
            words = {name: found[name] for name in ("title", "severity", "text", "is_public")}
            change = describe_change(request)
            author = Author(change.author_name, change.author_id)
            try:
                draft = Draft(endpoint_ids=form.list_endpoints(), **words)
                incident, channel_ids = open_manual(draft, author=author, now=change.at)
            except ValidationError as refusal:
                add_refusal(form, refusal)
            else:
                PUBLISHER.publish_deliveries(channel_ids)
                self.message_user(request, _("The incident is open."), messages.SUCCESS)
                return redirect(self.url_of("change", incident.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Open an incident"),
            "opts": self.opts,
            "media": self.media + form.media,
            "form": form,
        }
        return TemplateResponse(request, "admin/healthcheck/incident_open.html", context)

    def _act(self, request: HttpRequest, verb: Verb, *about: Any, **options: Any) -> Acted:
        change = describe_change(request)
        author = Author(change.author_name, change.author_id)
        acted = verb(*about, author=author, now=change.at, **options)
        # After the transaction; what does not arrive is found by the next sweep.
        PUBLISHER.publish_deliveries(acted.channel_ids)
        return acted

    def _return(self, request: HttpRequest, obj: Incident, acted: Acted, done: str) -> HttpResponse:
        if acted.is_done:
            self.message_user(request, done, messages.SUCCESS)
        else:
            self.message_user(request, _("Nothing changed: somebody was faster, or it is over."), messages.WARNING)
        return redirect(self.url_of("change", obj.pk))
