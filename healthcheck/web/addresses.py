"""Where everything of a page lies, under whatever prefix and namespace the project includes the app."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from healthcheck.models import StatusPage
from healthcheck.models.page import Visibility


@dataclass(frozen=True, slots=True)
class PageUrls:
    """`page` ends in a slash, and everything that its gate guards for a person lies below it."""

    page: str
    json: str
    enter: str


def find_urls(request: HttpRequest, page: StatusPage, *, at_root: bool) -> PageUrls:
    """Return the addresses of a page; `at_root` where it is shown without its slug."""
    namespace = request.resolver_match.namespace if request.resolver_match else None
    own = reverse("healthcheck:page", args=[page.slug], current_app=namespace)
    if page.visibility == Visibility.PASSWORD:
        # Where its pass is sent along.
        twin = f"{own}status.json"
    elif at_root:
        twin = reverse("healthcheck:status_json", current_app=namespace)
    else:
        twin = reverse("healthcheck:page_json", args=[page.slug], current_app=namespace)
    return PageUrls(own, twin, f"{own}enter")


def find_admin_url() -> str:
    """Return where to add an endpoint, in a project whose admin holds ours; else nothing."""
    try:
        return reverse("admin:healthcheck_endpoint_add_by_url")
    except NoReverseMatch:
        return ""
