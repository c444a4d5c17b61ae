"""A credential on an endpoint: what does not fit is refused when it is saved, and nothing is opened for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from healthcheck.checks import check_credentials
from healthcheck.models import Credential, Endpoint
from healthcheck.models.secrets import make_key
from tests.factories import make_credential, make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]

KEY, OTHER = make_key(), make_key()


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}


def refuse(credential: Credential, **columns: Any) -> dict[str, list[str]]:
    columns = {"address": "https://shop.example/", "name": "site"} | columns
    endpoint = Endpoint(group=make_group(), credential=credential, **columns)
    with pytest.raises(ValidationError) as caught:
        endpoint.full_clean()
    return caught.value.message_dict


def test_endpoint_refuses_a_header_that_its_credential_sets(settings: Any) -> None:
    headers = make_credential(
        kind="headers", details={"header_names": ["X-Key"]}, secrets={"headers": [["X-Key", "v"]]}
    )
    # Without a key, because nothing is opened for this.
    settings.HEALTHCHECK = {}
    refusal = refuse(headers, options={"headers": {"x-key": "w"}})
    assert refusal == {"options": ["The header x-key is set by the credential as well; remove it here or there."]}


@pytest.mark.parametrize(
    ("columns", "address", "words"),
    [
        ({"kind": "certificate"}, "http://shop.example/", "only shown over https"),
        (
            {"details": {"origins": ["https://other.example"]}},
            "https://shop.example/",
            "may not be sent to this address",
        ),
    ],
)
def test_endpoint_refuses_a_credential_that_does_not_fit_its_address(
    columns: dict[str, Any], address: str, words: str
) -> None:
    assert words in refuse(make_credential(**columns), address=address)["credential"][0]


def test_endpoint_accepts_a_credential_that_fits() -> None:
    credential = make_credential(details={"origins": ["https://shop.example"]})
    columns = {"address": "https://shop.example/a", "options": {"headers": {"X-A": "b"}}}
    Endpoint(group=make_group(), name="site", credential=credential, **columns).full_clean()


def test_credential_in_use_is_protected() -> None:
    credential = make_credential()
    make_endpoint(credential=credential)
    with pytest.raises(ProtectedError):
        credential.delete()


def test_check_names_credentials_that_no_key_opens(settings: Any) -> None:
    assert list(check_credentials(None, databases=["default"])) == []
    make_credential("shop")
    assert list(check_credentials(None, databases=["default"])) == []
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (OTHER,)}
    [message] = check_credentials(None, databases=["default"])
    assert (message.id, "“shop”" in message.msg) == ("healthcheck.W008", True)
    settings.HEALTHCHECK = {}
    [message] = check_credentials(None, databases=["default"])
    assert (message.id, "HEALTHCHECK_ENCRYPTION_KEYS" in str(message.hint)) == ("healthcheck.W007", True)


def test_check_asks_the_database_only_where_it_may(settings: Any, django_assert_num_queries: Any) -> None:
    settings.HEALTHCHECK = {}
    make_credential("shop", secrets={}, sealed="x")
    with django_assert_num_queries(0):
        assert list(check_credentials(None)) == []
