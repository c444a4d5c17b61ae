"""What a page shows of an endpoint that is made of others says nothing of those that are not on the page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from healthcheck.engine.types import ErrorKind, State
from tests.factories import (
    make_endpoint,
    make_evidence,
    make_group,
    make_member,
    make_page,
    make_result,
    make_run,
    make_state,
    make_transition,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_members_that_are_not_shown_are_not_named() -> None:
    shown = make_group("shown")
    parent = make_endpoint(shown, "all", kind="group", address="")
    canary = make_endpoint(make_group("canary-group", name="Canary group"), "canary-member")
    make_member(parent, canary)
    for endpoint, kind in ((canary, ErrorKind.REFUSED), (parent, ErrorKind.MEMBERS)):
        make_state(endpoint, State.DOWN, last_error_kind=kind)
        make_transition(endpoint)
        run = make_run(endpoint.group)
        make_result(run, endpoint, State.DOWN, error_kind=kind, phase=0)
        make_evidence(run, endpoint, found="1 of 1 down: canary-group/canary-member")
    page = make_page("public", shows_all_groups=False)
    page.groups.add(shown)
    client = Client()
    urls = [
        reverse("healthcheck:page", args=["public"]),
        f"{reverse('healthcheck:page', args=['public']).rstrip('/')}.json",
        *[f"{reverse('healthcheck:page', args=['public'])}{parent.pk}{end}" for end in ("/", ".json")],
    ]
    answers = [client.get(url) for url in urls]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(b"anary" in b"".join(answer) for answer in answers)
    hidden = f"{reverse('healthcheck:page', args=['public'])}{canary.pk}/"
    assert client.get(hidden).status_code == 404
