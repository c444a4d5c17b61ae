"""Finds endpoints by parts of their names, as lines that members are written in."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, JsonResponse

from healthcheck.definitions.member_lines import Reference, write_members
from healthcheck.models import Endpoint

# What a list under a field can show; more words than a name has only cost time.
MAX_FOUND, MAX_WORDS, MAX_QUERY_CHARS = 20, 5, 200


def find_members(text: str) -> list[str]:
    """Return the lines of existing endpoints whose name or group holds every word of `text`, in one query."""
    rows = Endpoint.objects.existing().filter(group__deleted_at__isnull=True)
    for word in text[:MAX_QUERY_CHARS].replace("\x00", "").replace("/", " ").split()[:MAX_WORDS]:
        rows = rows.filter(Q(name__icontains=word) | Q(group__slug__icontains=word) | Q(group__name__icontains=word))
    found = rows.order_by("group__slug", "name").values_list("group__slug", "name")[:MAX_FOUND]
    return [write_members([[str(Reference(slug, name)), 1]]) for slug, name in found]


def answer_members(request: HttpRequest) -> JsonResponse:
    """Answer with the lines that fit `q`, for people who may change endpoints; the caller has seen to that."""
    return JsonResponse({"lines": find_members(request.GET.get("q", ""))})
