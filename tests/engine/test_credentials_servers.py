"""Credentials against the servers that ask for them in the world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme

from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.types import ErrorKind
from tests.engine.conftest import Attempt, Run
from tests.engine.test_credentials_parse import make_pair
from tests.web_servers import PASSWORD, USER, run_apache, run_nginx


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[tuple[str, str]]:
    with run_nginx(tmp_path_factory.mktemp("nginx"), authority) as urls:
        yield urls


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_apache(tmp_path_factory.mktemp("apache")) as url:
        yield url


@pytest.mark.parametrize(("password", "status"), [(PASSWORD, 200), ("wrong", 401)])
def test_nginx_accepts_basic(password: str, status: int, nginx: tuple[str, str], run: Run) -> None:
    credential = parse_credential("basic", {"username": USER}, {"password": password})
    assert run(Attempt(nginx[0], credential=credential).observe()).status == status


@pytest.mark.parametrize(("password", "status"), [(PASSWORD, 200), ("wrong", 401)])
@pytest.mark.parametrize("query", ["", "?a=%20b&c"])
def test_apache_accepts_digest(query: str, password: str, status: int, apache: str, run: Run) -> None:
    credential = parse_credential("digest", {"username": USER}, {"password": password})
    seen = run(Attempt(f"{apache}index.html{query}", credential=credential).observe())
    assert (seen.status, seen.body == b"inside") == (status, status == 200)


@pytest.mark.parametrize("passphrase", ["", "canary of a phrase"])
def test_nginx_accepts_a_client_certificate(
    passphrase: str, nginx: tuple[str, str], authority: trustme.CA, run: Run
) -> None:
    certificate, key = make_pair(authority, passphrase)
    secrets = {"private_key": key, "passphrase": passphrase}
    credential = parse_credential("certificate", {"certificate": certificate}, secrets)
    options = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    for _ in range(2):
        assert run(Attempt(nginx[1], options, credential=credential).observe()).body == b"inside"
    # The context that it is loaded into is nobody else's.
    assert run(Attempt(nginx[1], options).observe()).status == 400


def test_nginx_refuses_a_client_certificate_of_another_authority(
    nginx: tuple[str, str], authority: trustme.CA, run: Run
) -> None:
    certificate, key = make_pair(trustme.CA())
    credential = parse_credential("certificate", {"certificate": certificate}, {"private_key": key})
    options = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    assert run(Attempt(nginx[1], options, credential=credential).observe()).status == 400


def test_client_certificate_without_tls_is_named(nginx: tuple[str, str], authority: trustme.CA, run: Run) -> None:
    certificate, key = make_pair(authority)
    credential = parse_credential("certificate", {"certificate": certificate}, {"private_key": key})
    failure = run(Attempt(nginx[0], credential=credential).fail())
    assert (failure.kind, "only shown over https" in failure.found) == (ErrorKind.CREDENTIAL, True)
