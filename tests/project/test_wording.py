"""In the deployment, accounts have roles: in the sidebar, on the start page, over the lists and in the forms."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def test_start_page_is_called_that(operator: Client) -> None:
    text = operator.get("/admin/").content.decode()
    assert "Start page" in text
    assert "Site administration" not in text
    assert "Django administration" not in text


def test_roles_are_called_roles_wherever_they_are(operator: Client) -> None:
    role = Group.objects.create(name="night shift")
    person = User.objects.create_user("somebody")
    headings = {"/admin/auth/group/": "role", f"/admin/auth/group/{role.pk}/change/": "role"}
    for url, word in headings.items():
        title = operator.get(url).context["title"]
        assert (word in title, "group" in title) == (True, False), title
    [app] = operator.get("/admin/auth/").context["app_list"]
    assert [model["name"] for model in app["models"] if model["object_name"] == "Group"] == ["Roles"]
    form = operator.get(f"/admin/auth/user/{person.pk}/change/").context["adminform"].form
    assert str(form.fields["groups"].label) == "Roles"
