"""What may be stored as a credential: every refusal names the field, and nothing secret is in a repr."""

from __future__ import annotations

from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from healthcheck.engine.credentials import HeaderCredential, parse_credential
from healthcheck.engine.types import ConfigurationError, Target

Parts = dict[str, Any]
CANARY = "canary-7f3a"


def make_pair(authority: trustme.CA, passphrase: str = "") -> tuple[str, str]:
    """Return a client certificate and its key, encrypted where there is a passphrase."""
    leaf = authority.issue_cert("checker@example.org")
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return leaf.cert_chain_pems[0].bytes().decode(), pem.decode()


OAUTH2 = {"token_url": "https://login.example/token", "client_id": "checker"}
GOOD: list[tuple[str, Parts, Parts]] = [
    ("basic", {"username": "checker"}, {"password": CANARY}),
    ("digest", {"username": "checker"}, {"password": CANARY}),
    ("bearer", {}, {"token": CANARY}),
    ("oauth2", OAUTH2, {"client_secret": CANARY}),
    ("headers", {"header_names": ["X-Key"]}, {"headers": [["X-Key", CANARY]]}),
]


@pytest.mark.parametrize(("kind", "details", "secrets"), GOOD, ids=[kind for kind, *_ in GOOD])
def test_parse_keeps_the_secret_out_of_every_repr(kind: str, details: Parts, secrets: Parts) -> None:
    credential = parse_credential(kind, details, secrets)
    assert CANARY in credential.secrets
    target = Target(1, "http", "http://127.0.0.1/", None, credential=credential)
    assert [CANARY in text for text in (repr(credential), str(credential), repr(target))] == [False] * 3


def test_parse_basic_encodes_utf8() -> None:
    credential = parse_credential("basic", {"username": "prüfer"}, {"password": "größe"})
    assert isinstance(credential, HeaderCredential)
    assert credential.headers == (("Authorization", "Basic cHLDvGZlcjpncsO2w59l"),)
    assert "cHLDvGZlcjpncsO2w59l" in credential.secrets


def test_parse_certificate_accepts_a_pair_with_and_without_passphrase(authority: trustme.CA) -> None:
    for passphrase in ("", CANARY):
        certificate, key = make_pair(authority, passphrase)
        secrets = {"private_key": key} | ({"passphrase": passphrase} if passphrase else {})
        credential = parse_credential("certificate", {"certificate": certificate}, secrets)
        assert key.splitlines()[1] in credential.secrets
        assert key.splitlines()[1] not in repr(credential)


@pytest.mark.parametrize(
    ("kind", "details", "secrets", "field"),
    [
        ("smoke", {}, {}, "kind"),
        ("basic", {}, {"password": "p"}, "username"),
        ("basic", {"username": "a:b"}, {}, "username"),
        ("basic", {"username": "a\r\nX: y"}, {}, "username"),
        ("basic", {"username": "a" * 1001}, {}, "username"),
        ("basic", {"username": 5}, {}, "username"),
        ("basic", {"username": "\ud800"}, {}, "username"),
        ("basic", {"username": "a"}, {"password": "p\0"}, "password"),
        ("basic", {"username": "a"}, {"password": "p" * 8193}, "password"),
        ("basic", {"username": "a", "token": "x"}, {}, "token"),
        ("basic", {"username": "a"}, {"token": "x"}, "token"),
        ("digest", {"username": ""}, {"password": "p"}, "username"),
        ("bearer", {}, {}, "token"),
        ("bearer", {}, {"token": "Bearer abc"}, "token"),
        ("bearer", {}, {"token": "größe"}, "token"),
        ("oauth2", OAUTH2 | {"token_url": "ftp://login.example/"}, {"client_secret": "s"}, "token_url"),
        ("oauth2", OAUTH2 | {"token_url": "https://a:b@login.example/"}, {"client_secret": "s"}, "token_url"),
        ("oauth2", OAUTH2 | {"scope": 'a"b'}, {"client_secret": "s"}, "scope"),
        ("oauth2", OAUTH2 | {"scope": " a"}, {"client_secret": "s"}, "scope"),
        ("oauth2", OAUTH2 | {"client_id": ""}, {"client_secret": "s"}, "client_id"),
        ("oauth2", OAUTH2 | {"sends_secret_in_body": "yes"}, {"client_secret": "s"}, "sends_secret_in_body"),
        ("oauth2", OAUTH2, {}, "client_secret"),
        ("headers", {}, {}, "headers"),
        ("headers", {}, {"headers": [["Host", "x"]]}, "headers"),
        ("headers", {}, {"headers": [["X-A", "b\r\nX-C: d"]]}, "headers"),
        ("headers", {}, {"headers": [["X-A", "b"], ["x-a", "c"]]}, "headers"),
        ("headers", {}, {"headers": [["X A", "b"]]}, "headers"),
        ("headers", {}, {"headers": [[f"X-{n}", "b"] for n in range(51)]}, "headers"),
        ("basic", {"username": "a", "origins": ["https://shop.example/path"]}, {}, "origins"),
        ("basic", {"username": "a", "origins": ["shop.example"]}, {}, "origins"),
        ("basic", {"username": "a", "origins": "https://shop.example"}, {}, "origins"),
        ("certificate", {}, {"private_key": "x"}, "certificate"),
    ],
)
def test_parse_refuses_with_the_field(kind: str, details: Parts, secrets: Parts, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_credential(kind, details, secrets)
    assert caught.value.field == field
    assert caught.value.sentence.endswith(".")


def _tamper(what: str, pair: tuple[str, str], other: tuple[str, str]) -> tuple[str, Parts]:
    certificate, key = pair
    return {
        "no certificate": ("nonsense", {"private_key": key}),
        "no key": (certificate, {"private_key": "nonsense"}),
        "other key": (certificate, {"private_key": other[1]}),
        "needless passphrase": (certificate, {"private_key": key, "passphrase": CANARY}),
        "old key": (certificate, {"private_key": _make_dsa_key()}),
        "too many": (certificate * 11, {"private_key": key}),
        "too long": (certificate + "\n" * 33_000, {"private_key": key}),
    }[what]


def _make_dsa_key() -> str:
    key = dsa.generate_private_key(1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ("no certificate", "certificate"),
        ("no key", "private_key"),
        ("other key", "private_key"),
        ("needless passphrase", "passphrase"),
        ("old key", "private_key"),
        ("too many", "certificate"),
        ("too long", "certificate"),
    ],
)
def test_parse_refuses_a_pair_that_is_none(what: str, field: str, authority: trustme.CA) -> None:
    certificate, secrets = _tamper(what, make_pair(authority), make_pair(authority))
    with pytest.raises(ConfigurationError) as caught:
        parse_credential("certificate", {"certificate": certificate}, secrets)
    assert caught.value.field == field
    assert CANARY not in caught.value.sentence


@pytest.mark.parametrize(("passphrase", "words"), [("wrong", "does not open"), ("", "enter its passphrase")])
def test_parse_refuses_a_wrong_passphrase(passphrase: str, words: str, authority: trustme.CA) -> None:
    certificate, key = make_pair(authority, CANARY)
    with pytest.raises(ConfigurationError, match=words) as caught:
        parse_credential("certificate", {"certificate": certificate}, {"private_key": key, "passphrase": passphrase})
    assert caught.value.field == "passphrase"


def test_parse_writes_origins_in_one_spelling() -> None:
    origins = ["https://Shop.example", "http://shop.example:8080/", "https://[::1]"]
    credential = parse_credential("basic", {"username": "a", "origins": origins}, {})
    assert credential.origins == {"https://shop.example:443", "http://shop.example:8080", "https://::1:443"}
