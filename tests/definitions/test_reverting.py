"""The way back of what is changed one at a time: all of it, but secrets and pictures, or a sentence and nothing."""

from __future__ import annotations

from typing import Any

import pytest
import trustme
from django.db.models import Model

from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.reverting import revert
from healthcheck.definitions.versions import Change, recorded
from healthcheck.models import Credential, Endpoint, Location, PageItem, PageSection, StatusPage, Tag, Version
from healthcheck.models.secrets import make_key, seal_secrets
from tests.engine.test_credentials_parse import make_pair
from tests.factories import NOW, make_credential, make_endpoint, make_group, make_location, make_page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CHANGE = Change(NOW)
REVERT_QUERIES = 29


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}


def go_back(obj: Model) -> dict[str, Any]:
    """Revert to the first version and return what the object is defined as then."""
    first = Version.objects.get(kind=type(obj)._meta.model_name, object_id=obj.pk, number=1)
    revert(type(obj), first, CHANGE, may_use_credentials=True)
    return read_documents(type(obj), [obj.pk])[obj.pk]


def make_page_with_sections() -> StatusPage:
    page = make_page(password="hash", logo=b"picture", shows_all_groups=False)
    group = make_group("shop")
    page.groups.set([group])
    for position, title in enumerate(["Europe", "Asia"]):
        section = PageSection.objects.create(page=page, title=title, position=position)
        PageItem.objects.create(section=section, group=group, label="Shop")
        PageItem.objects.create(section=section, endpoint=make_endpoint(group, title), position=1)
    return page


def test_page_comes_back_with_its_sections_and_keeps_its_password_and_logo() -> None:
    page = make_page_with_sections()
    before = read_documents(StatusPage, [page.pk])[page.pk]
    with recorded(StatusPage, [page.pk], CHANGE):
        StatusPage.objects.update(title="Other", accent="#000000")
        page.groups.clear()
        PageSection.objects.filter(title="Asia").delete()
    assert go_back(page) == before
    page.refresh_from_db()
    assert (page.password, bytes(page.logo or b"")) == ("hash", b"picture")


def test_page_whose_endpoint_is_gone_does_not_come_back_and_stays_as_it_is() -> None:
    page = make_page_with_sections()
    with recorded(StatusPage, [page.pk], CHANGE):
        StatusPage.objects.update(title="Other")
        PageSection.objects.all().delete()
    Endpoint.objects.filter(name="Asia").update(deleted_at=NOW)
    with pytest.raises(DefinitionError, match="There is no endpoint “Asia” in “shop” any more; restore it first"):
        go_back(page)
    page.refresh_from_db()
    assert (page.title, page.sections.count(), Version.objects.count()) == ("Other", 0, 2)


def test_page_that_shows_what_is_gone_gets_its_title_back() -> None:
    page = make_page_with_sections()
    with recorded(StatusPage, [page.pk], CHANGE):
        StatusPage.objects.update(title="Other")
    Endpoint.objects.filter(name="Asia").update(deleted_at=NOW)
    assert go_back(page)["title"] != "Other"
    assert page.sections.count() == 2


@pytest.mark.parametrize("count", [1, 30])
def test_items_of_a_page_are_found_by_one_query(django_assert_num_queries: Any, count: int) -> None:
    page, group = make_page(shows_all_groups=False), make_group("shop")
    section = PageSection.objects.create(page=page, title="Europe", position=0)
    for number in range(count):
        PageItem.objects.create(section=section, endpoint=make_endpoint(group, f"e{number}"), position=number)
    with recorded(StatusPage, [page.pk], CHANGE):
        page.sections.update(title="Other")
    with django_assert_num_queries(REVERT_QUERIES):
        go_back(page)


def test_credential_comes_back_with_its_public_parts_and_keeps_its_secrets() -> None:
    credential = make_credential(kind="basic", details={"username": "ada"}, secrets={"password": "p"})
    with recorded(Credential, [credential.pk], CHANGE):
        Credential.objects.update(name="renamed", details={"username": "bob"})
    document = go_back(credential)
    assert (document["details"], document["secrets"]) == ({"username": "ada"}, ["password"])
    credential.refresh_from_db()
    assert credential.open_secrets() == {"password": "p"}


def test_credential_of_another_kind_does_not_come_back() -> None:
    credential = make_credential(kind="basic", details={"username": "ada"}, secrets={"password": "p"})
    with recorded(Credential, [credential.pk], CHANGE):
        Credential.objects.update(kind="bearer")
    with pytest.raises(DefinitionError, match="The kind was another one then, and its secrets are gone"):
        go_back(credential)


def change_credential(kind: str, old: dict[str, Any], new: dict[str, Any], secrets: dict[str, Any]) -> Credential:
    """Store a credential whose second version has other public parts and these secrets."""
    credential = make_credential(kind=kind, details=old)
    with recorded(Credential, [credential.pk], CHANGE):
        Credential.objects.update(details=new, sealed=seal_secrets(secrets))
    credential.refresh_from_db()
    return credential


def test_credential_with_another_key_does_not_get_its_old_certificate_back() -> None:
    authority = trustme.CA()
    (old, _old_key), (new, key) = make_pair(authority), make_pair(authority)
    credential = change_credential("certificate", {"certificate": old}, {"certificate": new}, {"private_key": key})
    with pytest.raises(DefinitionError, match="The public parts of then do not go together with the secrets of now"):
        go_back(credential)
    assert Credential.objects.get().details == {"certificate": new}


def test_secret_headers_keep_the_names_of_what_is_sent() -> None:
    old, new = {"header_names": ["X-Old"], "origins": ["https://a"]}, {"header_names": ["X-New"]}
    credential = change_credential("headers", old, new, {"headers": [["X-New", "value"]]})
    assert go_back(credential)["details"] == {"header_names": ["X-New"], "origins": ["https://a"]}


def test_secret_is_not_sent_to_an_old_token_url_unasked() -> None:
    old = {"token_url": "https://old.example/t", "client_id": "c"}
    new = old | {"token_url": "https://new.example/t"}
    credential = change_credential("oauth2", old, new, {"client_secret": "s"})
    with pytest.raises(DefinitionError, match="set it by hand and enter the secret again"):
        go_back(credential)
    assert Credential.objects.get().details == new


@pytest.mark.parametrize("model", [Location, Tag])
def test_names_come_back(model: type[Model]) -> None:
    obj = make_location() if model is Location else Tag.objects.create(name="eu")
    before = read_documents(model, [obj.pk])[obj.pk]
    with recorded(model, [obj.pk], CHANGE):
        model._default_manager.filter(pk=obj.pk).update(name="other")
    assert go_back(obj) == before


def test_control_targets_come_back() -> None:
    location = make_location(control_targets="192.0.2.1:443")
    Location.objects.update(control_targets="192.0.2.1:443")
    before = read_documents(Location, [location.pk])[location.pk]
    with recorded(Location, [location.pk], CHANGE):
        Location.objects.update(control_targets="")
    assert go_back(location) == before


def test_tag_whose_name_is_taken_meanwhile_does_not_come_back() -> None:
    tag = Tag.objects.create(name="eu")
    with recorded(Tag, [tag.pk], CHANGE):
        Tag.objects.update(name="europe")
    Tag.objects.create(name="eu")
    with pytest.raises(DefinitionError, match="There is already a tag with this name"):
        go_back(tag)


def test_what_is_gone_for_good_does_not_come_back() -> None:
    tag = Tag.objects.create(name="eu")
    with recorded(Tag, [tag.pk], CHANGE):
        Tag.objects.update(name="europe")
    Tag.objects.all().delete()
    with pytest.raises(DefinitionError, match="It has been removed for good meanwhile"):
        go_back(tag)


def test_version_from_before_a_field_existed_leaves_that_field_alone() -> None:
    endpoint = make_endpoint(description="kept")
    with recorded(Endpoint, [endpoint.pk], CHANGE):
        Endpoint.objects.update(name="other")
    first = Version.objects.get(number=1)
    first.definition.pop("description")
    first.save()
    document = go_back(endpoint)
    assert (document["name"], document["description"]) == ("site", "kept")
