"""The form of a location: control targets are read, versioned, and refused by a sentence that names the cure."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from healthcheck.models import Location, Version
from tests.factories import make_location

pytestmark = pytest.mark.django_db
ANYWHERE = {"ADDRESS_MODE": "everything"}


def save(client: Client, control_targets: str, **columns: str) -> dict[str, list[str]]:
    """Save the default location through its form; return the errors by field."""
    location = make_location()
    address = reverse("admin:healthcheck_location_change", args=[location.pk])
    opened = client.get(address).context["adminform"].form
    values = {"name": location.name, "opened_version": str(opened["opened_version"].value()), "version_comment": ""}
    response = client.post(address, values | columns | {"control_targets": control_targets})
    if response.status_code == 302:
        return {}
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


@pytest.fixture
def editor(admin_client: Client) -> Client:
    return admin_client


def test_control_targets_are_saved_as_a_version(editor: Client) -> None:
    text = "192.0.2.1:443\r\nexample.com:53"
    assert save(editor, text) == {}
    assert Location.objects.get().control_targets == text
    assert Version.objects.latest("id").definition["control_targets"] == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("192.0.2.1", "Line 1: The address needs a port; write it like tcp://example.com:25."),
        ("\n".join(f"a:{n}" for n in range(1, 7)), "There are 6 control targets; keep at most 5."),
        ("a:1\n127.0.0.1:80", "The address policy does not allow 127.0.0.1 (loopback); choose another control target."),
    ],
)
def test_control_targets_are_refused_by_a_sentence(editor: Client, text: str, sentence: str) -> None:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "private"}):
        assert save(editor, text) == {"control_targets": [sentence]}
    assert Location.objects.get().control_targets == ""


def test_control_target_of_this_machine_is_allowed_where_the_policy_allows_it(editor: Client) -> None:
    with override_settings(HEALTHCHECK=ANYWHERE):
        assert save(editor, "127.0.0.1:80") == {}
