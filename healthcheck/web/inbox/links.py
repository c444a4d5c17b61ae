"""Where links of messages lead that acknowledge: a page with a button, for whoever was told of the incident."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt

from healthcheck.engine.causes import describe_cause
from healthcheck.engine.incidents import Severity
from healthcheck.models import Incident, NotificationChannel
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.incident_items import read_told_item
from healthcheck.pipeline.incident_verbs import acknowledge
from healthcheck.pipeline.links import Link, read_link
from healthcheck.publisher import PUBLISHER
from healthcheck.web.language import choose_language
from healthcheck.web.public import public_form
from healthcheck.web.words import describe_instant


@csrf_exempt
@public_form
def acknowledge_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link of a message is about, with a button: what looks at links before people do presses none.

    Whoever holds the link was told of the incident; no cookie and no session is asked for.
    """
    with override(choose_language(request, "")):
        link = read_link(token)
        channel = NotificationChannel.objects.filter(pk=link.channel_id).first() if link else None
        if link is None or channel is None:
            return _show_link(_("This link is not valid any more."), HTTPStatus.NOT_FOUND)
        if request.method == "POST":
            author = Author(_("%(channel)s, by its link") % {"channel": channel.name})
            acted = acknowledge(link.incident_id, author=author, now=read_database_clock())
            PUBLISHER.publish_deliveries(acted.channel_ids)
            # To be looked at again without being sent again.
            return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
        incident = Incident.objects.filter(pk=link.incident_id).first()
        if incident is None:
            return _show_link(_("This link is not valid any more."), HTTPStatus.NOT_FOUND)
        return _show_incident(incident, link)


def _show_incident(incident: Incident, link: Link) -> HttpResponse:
    # In the words of the message, and no others: whoever has the link was told these.
    told = read_told_item(link)
    facts: dict[str, Any] = {
        "title": told.title if told else incident.title or _name_cause(incident),
        "cause": told.cause if told else "",
        "since": _("since %(time)s") % {"time": describe_instant(incident.started_at)},
    }
    if incident.resolved_at is not None:
        return _show_link(_("It is over."), **facts)
    if incident.acknowledged_at is not None:
        who = {"name": incident.acknowledged_by_name, "time": describe_instant(incident.acknowledged_at)}
        return _show_link(_("It is acknowledged."), sentence=_("%(name)s, %(time)s") % who, **facts)
    return _show_link(_("Are you taking care of this incident?"), is_waiting=True, **facts)


def _name_cause(incident: Incident) -> str:
    severity, counts = Severity(incident.severity), (incident.peak_count, incident.checked_count)
    return describe_cause(severity, *counts, error_kind=incident.error_kind, host=incident.cause_host)


def _show_link(heading: str, status: HTTPStatus = HTTPStatus.OK, **facts: object) -> HttpResponse:
    page = render_to_string("healthcheck/acknowledge.html", {"heading": heading, **facts})
    response = HttpResponse(page, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
