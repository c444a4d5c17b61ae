"""Credentials are loaded with the targets, opened once, and a broken one costs its own endpoints only."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.credentials import HeaderCredential, UnusableCredential
from healthcheck.models import CheckRun, Credential
from healthcheck.models.secrets import make_key
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.statements import SELECT_TARGETS, fetch, write_instant
from tests.factories import NOW, make_assertion, make_credential, make_endpoint, make_group
from tests.pipeline.conftest import claim_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OLD, NEW = make_key(), make_key()
SLOT = write_instant(NOW)


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (NEW,)}


def take_credentials(group: Any) -> list[Any]:
    return [target.credential for target in take_one(group).targets]


def test_take_opens_the_credential_of_each_endpoint() -> None:
    group, shop = make_group(), make_credential()
    make_endpoint(group, "first", credential=shop)
    make_endpoint(group, "second", credential=shop)
    make_endpoint(group, "third")
    first, second, third = take_credentials(group)
    assert isinstance(first, HeaderCredential)
    assert first.headers == (("Authorization", "Bearer a-token"),)
    assert (second is first, third) == (True, None)


@pytest.mark.parametrize("count", [1, 30])
def test_take_with_credentials_is_three_statements(count: int) -> None:
    group = make_group()
    for number in range(count):
        make_endpoint(group, f"e{number}", credential=make_credential(f"c{number}"))
    run_id = claim_one(group)
    with CaptureQueriesContext(connection) as queries:
        taken = take_run(run_id, NOW)
    assert taken is not None
    assert (len(queries), len(taken.targets)) == (3, count)


def test_ciphertext_is_read_once_however_many_endpoints_use_it() -> None:
    group, shop = make_group(), make_credential()
    for number in range(3):
        endpoint = make_endpoint(group, f"e{number}", credential=shop)
        for position in range(2):
            make_assertion(endpoint, f'body contains "{position}"', position=position)
    rows = fetch(SELECT_TARGETS, SLOT, SLOT, group.pk, group.pk)
    assert (len(rows), [shop.sealed in row for row in rows].count(True)) == (7, 1)
    targets = take_one(group).targets
    assert [len(target.assertions) for target in targets] == [2, 2, 2]
    assert {type(target.credential) for target in targets} == {HeaderCredential}


def test_credential_of_a_paused_endpoint_is_not_read() -> None:
    group = make_group()
    make_endpoint(group, is_paused=True, credential=make_credential())
    assert fetch(SELECT_TARGETS, SLOT, SLOT, group.pk, group.pk) == []


def test_take_makes_a_value_of_a_credential_that_no_key_opens(settings: Any, caplog: Any) -> None:
    group = make_group()
    make_endpoint(group, "locked", credential=make_credential("locked"), position=1)
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (OLD,)}
    make_endpoint(group, "open", credential=make_credential("open"), position=2)
    with caplog.at_level(logging.DEBUG):
        locked, opened = take_credentials(group)
    assert isinstance(locked, UnusableCredential)
    assert "add the key that sealed them" in locked.sentence
    assert isinstance(opened, HeaderCredential)
    assert "a-token" not in caplog.text
    assert caplog.text.count("credential cannot be used") == 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"kind": "smoke"}, "There is no kind of credential"),
        ({"details": {"username": "x"}}, "There is no field"),
        ({"details": ["x"]}, "enter it again"),
        ({"sealed": ""}, "The token is missing"),
        ({"sealed": "größe"}, "None of the keys"),
    ],
)
def test_take_names_what_is_wrong_with_a_credential(columns: dict[str, Any], words: str) -> None:
    group, credential = make_group(), make_credential()
    make_endpoint(group, credential=credential)
    Credential.objects.update(**columns)
    [found] = take_credentials(group)
    assert isinstance(found, UnusableCredential)
    assert words in found.sentence


def test_take_opens_again_what_was_changed() -> None:
    group, credential = make_group(), make_credential()
    make_endpoint(group, credential=credential)
    [before] = take_credentials(group)
    changed = make_credential("other", secrets={"token": "another"})
    Credential.objects.filter(pk=credential.pk).update(sealed=changed.sealed)
    CheckRun.objects.all().delete()
    [after] = take_credentials(group)
    assert (before.secrets, after.secrets) == (("a-token",), ("another",))
