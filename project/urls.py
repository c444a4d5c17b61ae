"""Addresses of the deployment: the admin, and everything of the app at the root."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path

from project.embedded.login import open_login_link
from project.wording import name_admin

name_admin()


def show_icon(_request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask here for pages that name no icon, such as the admin's."""
    return HttpResponseRedirect(static("healthcheck/icon-unknown.svg"))


# In the look of the pages, and without the address that was asked for.
handler403 = "healthcheck.web.missing.answer_forbidden"
handler404 = "healthcheck.web.missing.answer_missing"
# A database that is busy, full or away is no defect: 503 and a sentence, on every page.
handler500 = "healthcheck.web.unavailable.answer_failure"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/<str:token>/", open_login_link, name="login_link"),
    path("favicon.ico", show_icon),
    path("", include("healthcheck.urls")),
]
