"""How the admin looks where django-unfold is installed: its names, colours and navigation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# Blue, as the links of the status pages.
_PRIMARY = {
    "50": "#eef3fd",
    "100": "#dbe6fb",
    "200": "#bfd2f8",
    "300": "#93b3f2",
    "400": "#83a6f2",
    # In the dark this is text: above 4.5 to 1 on the sidebar's chosen line.
    "500": "#628cea",
    "600": "#2456c9",
    "700": "#1f45a5",
    "800": "#1e3b86",
    "900": "#1d346b",
    "950": "#142143",
}


def build_theme() -> dict[str, Any]:
    """Return the setting UNFOLD."""
    return {
        "SITE_TITLE": _("Health checks"),
        "SITE_HEADER": _("Health checks"),
        "SITE_URL": "/",
        "SITE_SYMBOL": "vital_signs",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _find_icon}],
        "COLORS": {"primary": _PRIMARY},
        "BORDER_RADIUS": "6px",
        "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": _build_navigation()},
    }


def _build_navigation() -> list[dict[str, Any]]:
    """Return the families of the sidebar, in the order in which an operator needs them."""
    return [
        {"items": [{"title": _("Start page"), "icon": "monitor_heart", "link": reverse_lazy("admin:index")}]},
        {
            "title": _("Checks"),
            "separator": True,
            "items": [
                _link("endpointgroup", _("Endpoint groups"), "folder_open"),
                _link("endpoint", _("Endpoints"), "language"),
                _link("credential", _("Credentials"), "key"),
                _link("maintenancewindow", _("Maintenance"), "construction"),
                _link("deployhook", _("Deploy hooks"), "rocket_launch"),
                _link("tag", _("Tags"), "label"),
                _link("location", _("Locations"), "location_on"),
                _link("correction", _("Corrections"), "rule", seen_with="endpoint"),
            ],
        },
        {
            "title": _("Incidents"),
            "separator": True,
            "items": [
                _link("incident", _("Incidents"), "emergency_home"),
                _link("notificationchannel", _("Channels"), "campaign"),
                _link("notificationpolicy", _("Policies"), "notifications_active"),
                _link("delivery", _("Deliveries"), "outgoing_mail", seen_with="notificationchannel"),
                _link("dependency", _("Dependencies"), "account_tree"),
                _link("updatetemplate", _("Templates"), "edit_note"),
            ],
        },
        {
            "title": _("Shown to others"),
            "separator": True,
            "items": [_link("statuspage", _("Status pages"), "web")],
        },
        {
            "title": _("Accounts"),
            "separator": True,
            "items": [
                _link("user", _("Users"), "person", app="auth"),
                _link("group", _("Roles"), "group", app="auth"),
            ],
        },
    ]


def _link(model: str, title: Any, icon: str, *, app: str = "healthcheck", seen_with: str = "") -> dict[str, Any]:
    """Return a link to a list; `seen_with` is the model whose viewers see it, where that is another."""
    seen = seen_with or model

    def may_view(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{seen}") or request.user.has_perm(f"{app}.change_{seen}")

    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": may_view}


def _find_icon(_request: HttpRequest) -> str:
    return static("healthcheck/icon-unknown.svg")
