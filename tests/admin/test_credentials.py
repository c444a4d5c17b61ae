"""The forms of credentials: secrets go in and never come out, and what is refused costs nothing that is no secret."""

from __future__ import annotations

from typing import Any

import pytest
import trustme
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from healthcheck.admin.credentials import MAX_CHECKED
from healthcheck.admin.look.bases import IS_UNFOLD
from healthcheck.models import Credential, CredentialKind, Endpoint, Version
from healthcheck.models.secrets import make_key
from tests.admin.conftest import endpoint_fields
from tests.engine.test_credentials_parse import make_pair
from tests.factories import NOW, make_credential, make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ROOT = "/admin/healthcheck/credential/"
KEY, OTHER_KEY = make_key(), make_key()
CANARY = "canary-51c0"


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}


def make_forms(authority: trustme.CA) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    """Return what is posted for each kind, and the secrets that are stored then."""
    certificate, key = make_pair(authority, CANARY)
    return {
        "basic": ({"username": "u", "password": CANARY}, {"password": CANARY}),
        "digest": ({"username": "u", "password": CANARY}, {"password": CANARY}),
        "bearer": ({"token": CANARY}, {"token": CANARY}),
        "oauth2": (
            {"token_url": "https://login.example/t", "client_id": "c", "client_secret": CANARY},
            {"client_secret": CANARY},
        ),
        "certificate": (
            {"certificate": certificate, "private_key": key, "passphrase": CANARY},
            {"private_key": key, "passphrase": CANARY},
        ),
        "headers": ({"headers": f"X-Key: {CANARY}\r\n\r\nX-B: c"}, {"headers": [["X-Key", CANARY], ["X-B", "c"]]}),
    }


def post(client: Client, path: str, **fields: str) -> Any:
    return client.post(f"{ROOT}{path}", {"name": "shop", "origins": ""} | fields)


def test_add_asks_for_the_kind_first(operator: Client) -> None:
    page = operator.get(f"{ROOT}add/?_popup=1").content.decode()
    assert [f'href="?_popup=1&amp;kind={kind}"' in page for kind in CredentialKind.values] == [True] * 6


@pytest.mark.parametrize("kind", CredentialKind.values)
def test_add_stores_and_never_shows(kind: str, operator: Client) -> None:
    fields, secrets = make_forms(trustme.CA())[kind]
    response = post(operator, f"add/?kind={kind}", **fields)
    assert response.status_code == 302, response.context["errors"]
    credential = Credential.objects.get()
    assert (credential.kind, credential.open_secrets()) == (kind, secrets)
    assert CANARY not in f"{credential.sealed} {credential.details}"
    assert credential.changed_at is not None
    for path in ("", f"{credential.pk}/change/", f"{credential.pk}/delete/", f"{credential.pk}/history/"):
        assert CANARY not in operator.get(f"{ROOT}{path}", follow=True).content.decode()
    assert CANARY not in "".join(f"{entry.change_message}{entry.object_repr}" for entry in LogEntry.objects.all())


@pytest.mark.parametrize("kind", CredentialKind.values)
def test_change_without_a_secret_keeps_it(kind: str, operator: Client) -> None:
    fields, secrets = make_forms(trustme.CA())[kind]
    post(operator, f"add/?kind={kind}", **fields)
    credential = Credential.objects.get()
    kept = {name: value for name, value in fields.items() if name not in secrets}
    page = operator.get(f"{ROOT}{credential.pk}/change/").content.decode()
    assert "(set) Leave it empty to keep it." in page
    response = post(operator, f"{credential.pk}/change/", **kept | {"name": "renamed"})
    assert response.status_code == 302
    credential.refresh_from_db()
    assert (credential.name, credential.open_secrets()) == ("renamed", secrets)


def test_saving_without_a_change_records_nothing(operator: Client) -> None:
    post(operator, "add/?kind=bearer", token=CANARY)
    credential = Credential.objects.get()
    assert post(operator, f"{credential.pk}/change/").status_code == 302
    assert (Credential.objects.get().changed_at, Version.objects.count()) == (credential.changed_at, 1)


def test_only_new_secrets_are_said_to_be_new(operator: Client) -> None:
    post(operator, "add/?kind=bearer", token=CANARY)
    credential = Credential.objects.get()
    post(operator, f"{credential.pk}/change/", name="renamed")
    renamed = Credential.objects.get()
    assert (renamed.name, renamed.changed_at) == ("renamed", credential.changed_at)
    post(operator, f"{credential.pk}/change/", name="renamed", token="another")
    assert Credential.objects.get().changed_at != credential.changed_at
    assert Version.objects.count() == 3


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("basic", {"username": "a:b", "password": CANARY}, "remove the colon"),
        ("bearer", {"token": f"Bearer {CANARY}"}, "paste it alone"),
        ("oauth2", {"token_url": "ftp://x", "client_id": "c", "client_secret": CANARY}, "must start with http"),
        ("certificate", {"certificate": "nonsense", "private_key": CANARY}, "not in PEM form"),
        ("headers", {"headers": f"X-Key: {CANARY}\nnonsense"}, "Line 2 is not a header"),
        ("headers", {"headers": f"Connection: {CANARY}"}, "set by the checker itself"),
        ("basic", {"username": "kept", "password": CANARY, "origins": "nonsense"}, "is not an origin"),
        ("basic", {"username": "kept", "password": CANARY, "name": ""}, "This field is required"),
    ],
)
def test_refused_form_keeps_what_is_not_secret(kind: str, fields: dict[str, str], words: str, operator: Client) -> None:
    page = post(operator, f"add/?kind={kind}", **{"name": "kept-name"} | fields).content.decode()
    assert words in page
    assert CANARY not in page
    assert "Enter it again: what was typed here is not sent back." in page
    assert ("kept-name" in page) == (fields.get("name") is None)
    assert Credential.objects.count() == 0


@pytest.mark.parametrize(("keys", "words"), [((), "holds no key; set one"), (("short",), "is not 32 bytes")])
def test_form_without_a_usable_key_names_the_cure(
    keys: tuple[str, ...], words: str, operator: Client, settings: Any
) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": keys}
    page = post(operator, "add/?kind=basic", username="kept-user", password=CANARY).content.decode()
    assert words in page
    assert ("kept-user" in page, CANARY in page, Credential.objects.count()) == (True, False, 0)


def test_change_removes_a_secret_that_may_be_missing(operator: Client) -> None:
    credential = make_credential(kind="basic", details={"username": "u"}, secrets={"password": CANARY})
    post(operator, f"{credential.pk}/change/", username="u", clear_password="on")
    credential.refresh_from_db()
    assert credential.open_secrets() == {}
    assert "(not set)" in operator.get(f"{ROOT}{credential.pk}/change/").content.decode()


def test_wrong_key_leaves_the_pages_open_and_says_so(operator: Client, settings: Any) -> None:
    credential = make_credential(kind="basic", details={"username": "u"}, secrets={"password": CANARY})
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (OTHER_KEY,)}
    assert operator.get(ROOT).status_code == 200
    page = operator.get(f"{ROOT}{credential.pk}/change/").content.decode()
    assert ("None of the keys" in page, "(set, but no key opens it.)" in page) == (True, True)
    renamed = post(operator, f"{credential.pk}/change/", name="renamed", username="u")
    refused = post(operator, f"{credential.pk}/change/", username="other").content.decode()
    assert (renamed.status_code, "Only the name can be changed" in refused) == (302, True)
    assert Credential.objects.get().sealed == credential.sealed
    post(operator, f"{credential.pk}/change/", username="other", password="new")
    assert Credential.objects.get().open_secrets() == {"password": "new"}


def test_delete_is_refused_while_endpoints_use_it(operator: Client) -> None:
    credential = make_credential()
    endpoint = make_endpoint(make_group(name="<b>web"), "<i>site", credential=credential)
    url = f"{ROOT}{credential.pk}/delete/"
    for response in (operator.get(url), operator.post(url, {"post": "yes"})):
        page = response.content.decode()
        assert f'href="/admin/healthcheck/endpoint/{endpoint.pk}/change/">&lt;i&gt;site</a>' in page
        assert ("<i>site" in page, "protected" in page) == (False, True)
    assert Credential.objects.count() == 1


def test_delete_lets_go_of_endpoints_that_wait_for_the_pruner(operator: Client) -> None:
    credential = make_credential()
    endpoint = make_endpoint(credential=credential, deleted_at=NOW)
    operator.post(f"{ROOT}{credential.pk}/delete/", {"post": "yes"})
    assert Credential.objects.count() == 0
    assert Endpoint.objects.get(pk=endpoint.pk).credential is None


def test_check_says_what_is_usable_and_where_it_is_used(operator: Client, settings: Any) -> None:
    make_endpoint(credential=make_credential("good"))
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (OTHER_KEY, KEY)}
    locked = make_credential("locked")
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    chosen = {"action": "check_selected", "_selected_action": list(Credential.objects.values_list("pk", flat=True))}
    page = operator.post(ROOT, chosen, follow=True).content.decode()
    assert "“good”: usable; used by 1 endpoint: site" in page
    assert f"“{locked.name}”: None of the keys" in page


@pytest.mark.parametrize(("count", "is_checked"), [(MAX_CHECKED, True), (MAX_CHECKED + 1, False)])
def test_check_opens_no_more_than_a_request_has_time_for(count: int, is_checked: bool, operator: Client) -> None:
    ids = [make_credential(f"c{number}").pk for number in range(count)]
    page = operator.post(ROOT, {"action": "check_selected", "_selected_action": ids}, follow=True)
    [message] = page.context["messages"]
    assert (str(message).count("usable"), "narrow the list" in str(message)) == (count * is_checked, not is_checked)


def test_list_opens_no_credential(operator: Client) -> None:
    make_credential(sealed="nonsense")
    assert "None of the keys" not in operator.get(ROOT).content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_list_and_form_take_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: Any
) -> None:
    credential = make_credential()
    group = make_group()
    for number in range(count):
        make_credential(f"more-{number}")
        make_endpoint(group, f"e{number}", credential=credential)
    # Content types are asked for once in a process.
    operator.get(f"{ROOT}{credential.pk}/change/")
    with django_assert_num_queries(5):
        operator.get(ROOT)
    # The theme draws a read-only field, here who uses the credential, five times.
    with django_assert_num_queries(9 if IS_UNFOLD else 5):
        operator.get(f"{ROOT}{credential.pk}/change/")


def test_viewers_see_public_parts_and_no_form(db: None) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_credential"))
    client = Client()
    client.force_login(user)
    credential = make_credential(kind="basic", details={"username": "<u>"}, secrets={"password": CANARY})
    page = client.get(f"{ROOT}{credential.pk}/change/").content.decode()
    assert ("username: &lt;u&gt;" in page, CANARY in page, 'name="password"' in page) == (True, False, False)
    assert post(client, f"{credential.pk}/change/", username="x").status_code == 403
    assert client.get(f"{ROOT}add/").status_code == 403


def test_endpoint_takes_a_credential_that_fits(operator: Client) -> None:
    endpoint, credential = make_endpoint(), make_credential()
    url = f"/admin/healthcheck/endpoint/{endpoint.pk}/change/"
    operator.post(url, endpoint_fields(credential=str(credential.pk)))
    endpoint.refresh_from_db()
    assert endpoint.credential == credential
    page = operator.post(url, endpoint_fields(credential=str(credential.pk), headers="authorization: x"))
    assert "is set by the credential as well" in page.content.decode()
    certificate = make_credential("pair", "certificate", secrets={})
    page = operator.post(url, endpoint_fields(credential=str(certificate.pk)))
    assert "only shown over https" in page.content.decode()


def test_endpoint_keeps_its_credential_from_people_who_may_not_see_it(db: None) -> None:
    user = User.objects.create_user("editor", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_endpoint", "change_endpoint"]))
    client = Client()
    client.force_login(user)
    endpoint, credential = make_endpoint(), make_credential()
    response = client.post(
        f"/admin/healthcheck/endpoint/{endpoint.pk}/change/", endpoint_fields(credential=str(credential.pk))
    )
    endpoint.refresh_from_db()
    assert (response.status_code, endpoint.credential) == (302, None)


@pytest.mark.parametrize(
    ("details", "changed"),
    [
        ({"token_url": "https://login.example/t", "client_id": "c"}, {"token_url": "https://evil.example/t"}),
        (
            {"token_url": "https://login.example/t", "client_id": "c", "origins": ["https://shop.example"]},
            {"origins": "https://shop.example\r\nhttps://evil.example"},
        ),
        (
            {"token_url": "https://login.example/t", "client_id": "c", "origins": ["https://shop.example"]},
            {"origins": ""},
        ),
    ],
)
def test_stored_secret_goes_nowhere_new_unless_it_is_entered(
    details: dict[str, Any], changed: dict[str, str], operator: Client
) -> None:
    credential = make_credential(kind="oauth2", details=details, secrets={"client_secret": CANARY})
    fields = {"token_url": "https://login.example/t", "client_id": "c", "origins": "https://shop.example"} | changed
    if "origins" not in details:
        fields["origins"] = ""
    refused = post(operator, f"{credential.pk}/change/", **fields)
    assert "enter the secret again" in refused.content.decode()
    assert Credential.objects.get().details == details
    assert post(operator, f"{credential.pk}/change/", **fields, client_secret="known").status_code == 302
    assert Credential.objects.get().open_secrets() == {"client_secret": "known"}


def test_fewer_origins_need_no_secret(operator: Client) -> None:
    details = {"origins": ["https://a.example", "https://b.example"]}
    credential = make_credential(kind="bearer", details=details, secrets={"token": CANARY})
    assert post(operator, f"{credential.pk}/change/", origins="https://b.example").status_code == 302
    assert Credential.objects.get().details == {"origins": ["https://b.example"]}
