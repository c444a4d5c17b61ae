from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.client_certificate import ClientCertificate
from healthcheck.engine.credentials import (
    CertificateCredential,
    DigestCredential,
    EngineCredential,
    HeaderCredential,
    OAuth2Credential,
)
from healthcheck.engine.curl import write_curl
from healthcheck.engine.details import Exchange
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import Target
from tests.hostile import HostileServer

START = ["curl", "--include", "--globoff", "--http1.1", "--noproxy", "*", "--max-time", "10"]
SHOP = "https://shop.test/"
FOLLOW = ["--location", "--max-redirs", "5"]
IDENTITY = ["--header", "Accept-Encoding: identity"]


def make_target(url: str = "https://h.test/", **options: Any) -> Target:
    return Target(1, "http", url, load_probe("http").parse(url, options))


def split(target: Target, *exchanges: Exchange) -> list[str]:
    return shlex.split(write_curl(target, exchanges=exchanges))


def test_plain_request_needs_little() -> None:
    assert split(make_target()) == [*START, *FOLLOW, *IDENTITY, "https://h.test/"]


def test_request_is_pinned_to_the_addresses_that_were_connected_to() -> None:
    exchanges = (
        Exchange("GET", "https://h.test/", host="h.test", port=443, address="192.0.2.1"),
        Exchange("GET", "http://other.test/", host="other.test", port=80, address="2001:db8::1"),
        Exchange("GET", "https://h.test/a", host="h.test", port=443, address="192.0.2.1"),
        Exchange("GET", "http://192.0.2.9/", host="192.0.2.9", port=80, address="192.0.2.9"),
        Exchange("GET", "http://gone.test/", host="gone.test", port=80),
    )
    pins = ["--resolve", "h.test:443:192.0.2.1", "--resolve", "other.test:80:[2001:db8::1]"]
    assert split(make_target(), *exchanges) == [*START, *pins, *FOLLOW, *IDENTITY, "https://h.test/"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"verify": "off"}, ["--insecure"]),
        ({"family": "ipv6"}, ["--ipv6"]),
        ({"method": "HEAD"}, ["--head"]),
        ({"method": "DELETE"}, ["--request", "DELETE"]),
        ({"method": "POST"}, ["--request", "POST"]),
        ({"method": "POST", "body": "x"}, ["--data-raw", "$SECRET_BODY"]),
        ({"method": "PUT", "body": "x"}, ["--request", "PUT"]),
        ({"tls_min": "1.2", "tls_max": "1.3"}, ["--tlsv1.2", "--tls-max", "1.3"]),
        ({"tls_min": "1.0"}, ["--ciphers", "DEFAULT:@SECLEVEL=0", "--tlsv1.0"]),
        ({"host": "shop.test:81"}, ["--header", "Host: shop.test:81"]),
        (
            {"server_name": "shop.test"},
            ["--connect-to", "shop.test:443:h.test:443", *FOLLOW, "--header", "Host: h.test", *IDENTITY, SHOP],
        ),
        ({"method": "PURGE"}, ["--request", "PURGE"]),
        ({"method": "POST", "body": "{}", "body_type": "json"}, ["--header", "Content-Type: application/json"]),
        ({"query": [["a b", "canary"], ["c", "1"]]}, ["https://h.test/?a%20b=$SECRET_A_B&c=$SECRET_C"]),
        ({"headers": [["Accept", "text/html"]]}, ["--header", "Accept: text/html"]),
        ({"headers": [["X-Empty", ""]]}, ["--header", "X-Empty;"]),
        ({"headers": [["User-Agent", "shop canary"]]}, ["--header", "User-Agent: $SECRET_USER_AGENT"]),
        ({"headers": [["Path", "canary"]]}, ["--header", "Path: $SECRET_PATH"]),
        ({"headers": [["X-A", "1"], ["X-A", "2"]]}, ["--header", "X-A: $SECRET_X_A", "--header", "X-A: $SECRET_X_A_2"]),
    ],
)
def test_options_become_words(options: dict[str, Any], words: list[str]) -> None:
    written = split(make_target(**options))
    places = [place for place in range(len(written)) if written[place : place + len(words)] == words]
    assert len(places) == 1


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        (
            HeaderCredential(headers=(("Authorization", "Basic canary"),), secrets=("canary",)),
            ["--header", "Authorization: $SECRET_AUTHORIZATION"],
        ),
        (DigestCredential("it's me", "canary"), ["--digest", "--user", "it's me:$SECRET_PASSWORD"]),
        (
            OAuth2Credential("https://t.test/", "me", "canary"),
            ["--header", "Authorization: Bearer $SECRET_TOKEN"],
        ),
        (
            CertificateCredential(client=ClientCertificate("canary", "canary", "canary")),
            ["--cert", "client.pem", "--key", "client.key", "--pass", "$SECRET_PASSPHRASE"],
        ),
    ],
)
def test_credential_is_a_variable(credential: EngineCredential, words: list[str]) -> None:
    written = split(replace(make_target(), credential=credential))
    assert written == [*START, *FOLLOW, *IDENTITY, *words, "https://h.test/"]


def test_body_without_a_type_is_not_called_a_form() -> None:
    assert "Content-Type:" in split(make_target(method="POST", body="x"))
    headers = [["content-type", "application/json"]]
    assert "Content-Type:" not in split(make_target(method="POST", body="x", headers=headers))


def test_line_goes_over_the_proxy_and_pins_nothing() -> None:
    exchange = Exchange("GET", "https://h.test/", host="h.test", port=443, address="192.0.2.1")
    start = [*START[:-4], "--proxy", "http://proxy.test:3128", "--noproxy", "", *START[-2:]]
    written = split(make_target(proxy="http://proxy.test:3128"), exchange)
    assert written == [*start, *FOLLOW, *IDENTITY, "https://h.test/"]


def test_placeholders_are_what_was_sent() -> None:
    target = make_target("https://h.test/{random}?t={uuid}&token=canary", query=[["r", "{random}"], ["key", "canary"]])
    sent = "https://h.test/0123456789abcdef?t=uuid&token=[hidden]&r=0123456789abcdef&key=[hidden]"
    written = split(target, Exchange("GET", sent, host="h.test", port=443, address="192.0.2.1"))
    assert written[-1] == sent.replace("[hidden]", "$SECRET_TOKEN", 1).replace("[hidden]", "$SECRET_KEY")
    expected = r"https://h\.test/([0-9a-f]{16})\?t=[0-9a-f-]{36}&token=\$SECRET_TOKEN&r=(.*)&key=\$SECRET_KEY"
    [before] = re.findall(expected, split(target)[-1])
    assert before[0] == before[1]


def test_placeholders_are_asked_by_another_name() -> None:
    target = make_target("https://192.0.2.1:444/{random}", server_name="shop.test")
    sent = Exchange("GET", "https://192.0.2.1:444/abc", host="192.0.2.1", port=444, address="192.0.2.1")
    assert split(target, sent)[-1] == "https://shop.test:444/abc"


def test_form_is_what_curl_takes_a_body_for() -> None:
    words = split(make_target(method="POST", body="a=b", body_type="form"))
    assert not [word for word in words if word.startswith("Content-Type")]


def test_redirects_that_are_not_followed_are_not_followed_by_curl() -> None:
    assert "--location" not in split(make_target(max_redirects=0))


def test_authority_of_ones_own_is_named(authority: Any) -> None:
    pem = authority.cert_pem.bytes().decode()
    written = split(make_target(verify="custom", ca_pem=pem))
    assert written[written.index("--cacert") + 1] == "authority.pem"


def test_kind_that_curl_cannot_ask_has_no_line() -> None:
    assert write_curl(Target(1, "other", "x", object())) == ""


TOKEN_CHARACTERS = "!#$%&'*+.^_`|~abcXYZ019-"
VALUES = st.text(st.characters(min_codepoint=0x20, exclude_characters="\x7f", codec="utf-8"), max_size=30)


@given(
    name=st.text(TOKEN_CHARACTERS, min_size=1, max_size=12).filter(lambda name: name.lower() not in ("te", "host")),
    value=VALUES,
    body=VALUES,
    query=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=30),
)
def test_hostile_texts_stay_inside_their_words(name: str, value: str, body: str, query: str) -> None:
    url = f"https://h.test/?q={query}&token=canary"
    options = {"method": "POST", "headers": [[name, value], ["Accept-Language", value]], "body": body}
    target = make_target(url, **options)
    written = split(target)
    stripped = value.strip(" \t")
    assert written[0] == "curl"
    assert [word for word in written if word.startswith("https://")] == [written[-1]]
    assert written[-1].startswith("https://h.test/?q=")
    assert written[-1].endswith("$SECRET_TOKEN") or "token=$SECRET_TOKEN" in written[-1]
    assert (f"Accept-Language: {stripped}" if stripped else "Accept-Language;") in written
    [own] = [word for word in written if word.startswith((f"{name}: ", f"{name};"))][:1]
    assert own == f"{name};" if not stripped else own.startswith(f"{name}: $SECRET_") or own == f"{name}: {stripped}"
    assert len([word for word in written if word.startswith("--data")]) == bool(body)


def test_line_does_what_the_check_did(hostile: HostileServer) -> None:
    url = f"http://check.test:{hostile.listen('echo')}/a%20b?q=[1-2]&token=canary"
    options = {"method": "POST", "headers": [["X-$`'", "it's"], ["user-agent", "me"]], "body": "@/etc/passwd"}
    target = make_target(url, **options)
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    line = write_curl(target, exchanges=[Exchange("POST", url, host="check.test", port=port, address="127.0.0.1")])
    secrets = {"SECRET_X": "it's", "SECRET_BODY": "@/etc/passwd", "SECRET_TOKEN": "canary"}
    done = subprocess.run(
        ["/bin/sh", "-c", line], env={"PATH": "/usr/bin:/bin", **secrets}, capture_output=True, timeout=20, check=True
    )
    head, _, echoed = done.stdout.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    assert echoed.startswith("POST /a%20b?q=[1-2]&token=canary HTTP/1.1\r\nHost: check.test:")
    assert "\r\nX-$`': it's\r\n" in echoed
    assert echoed.endswith("\r\n\r\n@/etc/passwd")
    assert "Content-Type" not in echoed
