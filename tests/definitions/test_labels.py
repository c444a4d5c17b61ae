"""Fields are called what their forms call them: every key of every document has a label, and no other one."""

from __future__ import annotations

import pytest
from django.utils import translation

from healthcheck.admin.forms.credential_forms import FORMS
from healthcheck.admin.forms.endpoint_forms import EndpointForm
from healthcheck.admin.forms.option_fields import list_option_fields
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.labels import LABELS, name_field
from healthcheck.models import Credential, Endpoint, EndpointGroup, StatusPage
from tests.factories import make_credential, make_endpoint, make_page


@pytest.mark.parametrize("name", list_option_fields())
def test_options_are_called_what_the_form_calls_them(name: str) -> None:
    assert LABELS[f"options.{name}"] == EndpointForm.base_fields[name].label


@pytest.mark.parametrize("kind", FORMS)
def test_details_are_called_what_the_form_calls_them(kind: str) -> None:
    form = FORMS[kind]
    names = [*form.public, "origins"]
    assert [LABELS[f"details.{name}"] for name in names] == [form.base_fields[name].label for name in names]


@pytest.mark.django_db
def test_every_key_has_a_label_in_every_language() -> None:
    objects = (make_endpoint(), make_page(), make_credential(secrets={}))
    for obj in objects:
        document = read_documents(type(obj), [obj.pk])[obj.pk]
        keys = [key for key in document if not isinstance(document[key], dict)]
        assert not [key for key in keys if "_" in name_field(type(obj), key)]


@pytest.mark.parametrize(
    ("model", "key", "english", "german"),
    [
        (Endpoint, "timeout_seconds", "Timeout", "Zeitlimit"),
        (Endpoint, "options.max_body_bytes", "Body limit", "Grenze für den Inhalt"),
        (EndpointGroup, "interval_seconds", "Interval", "Intervall"),
        (StatusPage, "shows_all_groups", "Shows every group", "Zeigt jede Gruppe"),
        (Credential, "details.token_url", "Token URL", "URL für Token"),
        (Endpoint, "of_an_old_version", "Of an old version", "Of an old version"),
    ],
)
def test_labels_are_translated(model: type[Endpoint], key: str, english: str, german: str) -> None:
    with translation.override("de"):
        assert name_field(model, key) == german
    assert name_field(model, key) == english
