"""What a person writes is refused early, with the field and the cure, or it survives a round trip unchanged."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes import load_probe
from healthcheck.engine.probes.http_options import HttpOptions, parse_address, parse_options
from healthcheck.engine.types import AddressFamily, ConfigurationError

URL = "https://example.test/"


@pytest.mark.parametrize(
    "address",
    [
        "http://example.test",
        "HTTPS://Example.Test:8443/a?b=c#d",
        "http://127.0.0.1:8000/",
        "http://[::1]:8000/",
        "http://[2001:db8::1]/",
        "https://bücher.test/größe?q=ä",
        "https://xn--bcher-kva.test/",
        "http://under_score.test/",
        "http://name/",
        "http://example.test./",
        "http://example.test/a@b",
        "http://1and1.test/",
    ],
)
def test_address_is_accepted(address: str) -> None:
    assert parse_address(address).raw_host


@pytest.mark.parametrize(
    ("address", "cure"),
    [
        ("", "start with http"),
        ("example.test", "start with http"),
        ("ftp://example.test/", "start with http"),
        ("file:///etc/passwd", "start with http"),
        ("javascript:alert(1)", "start with http"),
        ("http:example.test", "start with http"),
        ("//example.test/", "start with http"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http://?q", "no host"),
        ("http://user:secret@example.test/", "remove user:password@"),
        ("http://user@example.test/", "remove user:password@"),
        ("http://@example.test/", "remove user:password@"),
        ("http://example.test:0/", "between 1 and 65535"),
        ("http://example.test:-1/", "between 1 and 65535"),
        ("http://example.test:99999/", "between 1 and 65535"),
        ("http://example.test:port/", "check its host and port"),
        ("http://[::1", "check its host and port"),
        ("http://exa mple.test/", "remove it"),
        ("http://example.test/a b", "%20"),
        ("http://example.test/\r\nHost: x", "remove it"),
        ("http://example.test/\x00", "remove it"),
        ("http://example.test/\x7f", "remove it"),
        (f"http://example.test/{'a' * 2_000}", "shorten it"),
        ("http://１２７.0.0.1/", "look-alike"),
        ("http://127。0。0。1/", "look-alike"),
        ("http://ⅷ.test/", "look-alike"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://0x7f.1/", "four decimal numbers"),
        ("http://0177.0.0.1/", "four decimal numbers"),
        ("http://127.1/", "four decimal numbers"),
        ("http://256.1.1.1/", "four decimal numbers"),
        ("http://0/", "four decimal numbers"),
        ("http://[fe80::1%25eth0]/", "remove the zone"),
        (f"http://{'a' * 64}.test/", "1 to 63"),
        ("http://a..test/", "1 to 63"),
        ("http://.test/", "1 to 63"),
        ("http://xn--999999999.test/", "1 to 63"),
        ("http://-a.test/", "1 to 63"),
        ("http://a%20b.test/", "zone|1 to 63"),
        ("http://\ud800.test/", "check its host|1 to 63"),
    ],
)
def test_address_is_refused_with_its_cure(address: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=cure) as caught:
        parse_address(address)
    assert caught.value.field == "address"


@pytest.mark.parametrize(
    ("options", "field", "cure"),
    [
        ({"nonsense": 1}, "nonsense", "remove it"),
        ({"method": "GE\r\nT"}, "method", "such as GET"),
        ({"method": ""}, "method", "such as GET"),
        ({"method": "A" * 33}, "method", "at most 32"),
        ({"method": "CONNECT"}, "method", "choose another"),
        ({"query": "a=b"}, "query", "as pairs"),
        ({"query": 5}, "query", "as pairs"),
        ({"query": [["a"]]}, "query", "write both"),
        ({"query": [["a", 1]]}, "query", "write both"),
        ({"query": [[" ", "b"]]}, "query", "needs a name"),
        ({"query": [["a=b", "c"]]}, "query", "needs a name"),
        ({"query": [["a", "b\nc"]]}, "query", "line break"),
        ({"query": [["\ud800", "b"]]}, "query", "line break"),
        ({"query": [["a", "b"]] * 51}, "query", "remove some"),
        ({"query": [["a", "\u00e4" * 1_024]]}, "query", "shorten them"),
        ({"body_type": "xml"}, "body_type", "text, json or form"),
        ({"body_type": []}, "body_type", "text, json or form"),
        ({"body_type": "json"}, "body", "is empty"),
        ({"body_type": "json", "body": '{"a": 1,\n}'}, "body", "Line 2, column 1"),
        ({"body_type": "json", "body": "[NaN]"}, "body", "NaN or Infinity"),
        ({"body_type": "json", "body": "[" * 100_000}, "body", "nested too deeply"),
        ({"body_type": "form", "body": "a=b\nc"}, "body", "Line 2 is no parameter"),
        ({"body_type": "form", "body": "=b"}, "body", "needs a name"),
        ({"body": "{uuid}" * 10_000}, "body", "larger than 262144 bytes"),
        ({"body_type": "form", "body": "a=b\n" * 2_000}, "body", "at most 2000 lines and 65536 bytes"),
        ({"body_type": "form", "body": f"a={'ä' * 32_768}"}, "body", "choose the type text"),
        *(
            ({"body_type": kind, "body": body, "headers": [["content-TYPE", "text/plain"]]}, "headers", "choose the")
            for kind, body in (("json", "{}"), ("form", "a=b"))
        ),
        ({"method": "HEAD", "body_type": "form"}, "body_type", "choose the type text"),
        ({"method": "TRACE", "body": "x"}, "body", "choose POST"),
        ({"method": "get"}, "method", "such as GET"),
        ({"method": []}, "method", "such as GET"),
        ({"headers": "A: b"}, "headers", "as pairs"),
        ({"headers": 5}, "headers", "as pairs"),
        ({"headers": [["A"]]}, "headers", "write both"),
        ({"headers": ["AB"]}, "headers", "write both"),
        ({"headers": [["A", 5]]}, "headers", "write both"),
        ({"headers": [["", "b"]]}, "headers", "letters, digits and hyphens"),
        ({"headers": [["A b", "c"]]}, "headers", "letters, digits and hyphens"),
        ({"headers": [["A\r\nB", "c"]]}, "headers", "letters, digits and hyphens"),
        ({"headers": [["A\n", "c"]]}, "headers", "letters, digits and hyphens"),
        ({"headers": [["Ä", "c"]]}, "headers", "letters, digits and hyphens"),
        ({"headers": [["A", "b\r\nC: d"]]}, "headers", "line break"),
        ({"headers": [["A", "b\n"]]}, "headers", "line break"),
        ({"headers": [["A", "b\x00"]]}, "headers", "line break"),
        ({"headers": [["A", "\ud800"]]}, "headers", "line break"),
        ({"headers": [["A", "b" * 9_000]]}, "headers", "shorten it"),
        ({"headers": [["A", "b"]] * 51}, "headers", "remove some"),
        *(
            ({"headers": {name: "x"}}, "headers", "set by the checker")
            for name in ("content-length", "Connection", "proxy-connection")
        ),
        *(
            ({"headers": {name: "x"}}, "headers", "set by the checker")
            for name in ("TRANSFER-ENCODING", "Expect", "te")
        ),
        ({"headers": {"Host": "x"}}, "headers", "write it there \\(host\\)"),
        ({"body": b"bytes"}, "body", "must be text"),
        ({"body": "\udfff"}, "body", "must be text"),
        ({"body": "x" * 262_145}, "body", "shorten it"),
        ({"method": "HEAD", "body": "x"}, "body", "choose POST"),
        ({"verify": True}, "verify", "on, off or custom"),
        ({"verify": []}, "verify", "on, off or custom"),
        ({"verify": "custom"}, "ca_pem", "PEM form"),
        ({"verify": "custom", "ca_pem": "nonsense"}, "ca_pem", "PEM form"),
        ({"ca_pem": 5}, "ca_pem", "PEM text"),
        ({"ca_pem": "x"}, "ca_pem", "choose custom or remove it"),
        ({"ca_pem": "x", "verify": "off"}, "ca_pem", "choose custom or remove it"),
        ({"body_type": "json", "body": '{"id": {random}}'}, "body", "is not JSON"),
        ({"tls_min": "1.1"}, "tls_min", "1.0, 1.2, 1.3 or empty"),
        ({"tls_min": []}, "tls_min", "1.0, 1.2, 1.3 or empty"),
        ({"tls_max": "1.0"}, "tls_max", "1.2, 1.3 or empty"),
        ({"tls_min": "1.3", "tls_max": "1.2"}, "tls_min", "lower it"),
        ({"server_name": "a..b"}, "server_name", "like example.com"),
        *(
            ({"host": host}, "host", "like example.com or")
            for host in (
                "http://a",
                "a/b",
                "u@a",
                "a b",
                "a\r\nX: b",
                "a:99999",
                "0x7f.1",
                "a?b",
                "a#b",
                ":80",
                "a" * 70,
            )
        ),
        ({"host": 5}, "host", "must be text"),
        *(
            ({"proxy": proxy}, "proxy", "like http://proxy.example.com:3128")
            for proxy in (
                "proxy.test:3128",
                "https://proxy.test",
                "http://u:p@proxy.test",
                "http://proxy.test/x",
                "http://a?",
            )
        ),
        ({"proxy": 5}, "proxy", "must be text"),
        ({"proxy": "http://proxy.test", "addresses": "all"}, "addresses", "up to the proxy"),
        ({"redirect_scope": "nowhere"}, "redirect_scope", "choose one of these words"),
        ({"redirect_scope": []}, "redirect_scope", "choose one of these words"),
        ({"family": "ipv5"}, "family", "any, ipv4 or ipv6"),
        ({"max_redirects": 11}, "max_redirects", "from 0 to 10"),
        ({"max_redirects": -1}, "max_redirects", "from 0 to 10"),
        ({"max_redirects": True}, "max_redirects", "whole number"),
        ({"max_redirects": 1.0}, "max_redirects", "whole number"),
        ({"max_body_bytes": 0}, "max_body_bytes", "from 1 to 33554432"),
        ({"max_body_bytes": 33_554_433}, "max_body_bytes", "from 1 to 33554432"),
    ],
)
def test_option_is_refused_with_its_cure(options: dict[str, Any], field: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=cure) as caught:
        parse_options(URL, options)
    assert caught.value.field == field


@given(st.text() | st.text().map("http://{}".format) | st.text("0x1.:[]%@/。１\\-").map("http://{}".format))
def test_address_is_accepted_or_refused_but_never_breaks(address: str) -> None:
    with suppress(ConfigurationError):
        url = parse_address(address)
        assert (url.scheme in {"http", "https"}, bool(url.raw_host), url.userinfo) == (True, True, b"")


def test_options_have_defaults() -> None:
    assert load_probe("http").parse(URL, {}) == HttpOptions()
    assert HttpOptions().to_dict() == {
        "method": "GET",
        "query": [],
        "headers": [],
        "body": "",
        "body_type": "text",
        "verify": "on",
        "ca_pem": "",
        "tls_min": "",
        "tls_max": "",
        "server_name": "",
        "host": "",
        "family": AddressFamily.ANY,
        "addresses": "first",
        "resolver": "",
        "proxy": "",
        "max_redirects": 5,
        "redirect_scope": "anywhere",
        "max_body_bytes": 2_097_152,
    }


@pytest.mark.parametrize("verify", ["on", "off"])
def test_empty_authority_is_none(verify: str) -> None:
    assert parse_options(URL, {"verify": verify, "ca_pem": ""}).ca_pem == ""


def test_options_survive_a_round_trip_through_json() -> None:
    options = parse_options(
        URL,
        {
            "method": "POST",
            "query": [["größe", "a b&c"], ["a", ""], ["a", "=1"]],
            "headers": [["X-A", "1"], ["X-A", "größe"]],
            "body": '{"n": 1e400}',
            "body_type": "json",
            "verify": "custom",
            "ca_pem": trustme.CA().cert_pem.bytes().decode(),
            "family": "ipv6",
            "tls_min": "1.2",
            "tls_max": "1.3",
            "server_name": " shop.test ",
            "host": "Größe.test:8080",
            "proxy": "http://proxy.test:3128/",
            "max_redirects": 0,
            "redirect_scope": "same_host",
            "max_body_bytes": 33_554_432,
        },
    )
    assert (options.server_name, options.host) == ("shop.test", "xn--gre-6ka8i.test:8080")
    assert options.headers == (("X-A", "1"), ("X-A", "größe"))
    assert parse_options(URL, json.loads(json.dumps(options.to_dict()))) == options


def test_options_hide_what_may_be_secret() -> None:
    options = {"method": "POST", "query": {"key": "canary"}, "headers": {"X-Key": "canary"}, "body": "canary"}
    assert "canary" not in repr(parse_options(URL, options))


def test_placeholders_count_as_what_they_become() -> None:
    written = {"method": "POST", "body_type": "json", "body": '{"at": {timestamp}, "id": "{uuid}"}'}
    assert parse_options(URL, written).body == written["body"]
    with pytest.raises(ConfigurationError, match="shorten it") as caught:
        parse_options(URL + "{uuid}" * 300, {})
    assert caught.value.field == "address"


def test_other_host_is_not_said_to_a_proxy_over_plain_http() -> None:
    written = {"proxy": "http://proxy.test", "host": "shop.test"}
    assert parse_options(URL, written).host == "shop.test"
    with pytest.raises(ConfigurationError, match="drops another host") as caught:
        parse_options("http://example.test/", written)
    assert caught.value.field == "host"


def test_server_name_is_for_tls_alone() -> None:
    with pytest.raises(ConfigurationError, match="begin the address with https") as caught:
        parse_options("http://example.test/", {"server_name": "shop.test"})
    assert caught.value.field == "server_name"


@pytest.mark.parametrize("method", ["GET", "TRACE", "PROPFIND", "REPORT", "PURGE", "M-SEARCH", "X" * 32])
def test_method_may_be_any_word_in_capitals(method: str) -> None:
    assert parse_options(URL, {"method": method}).method == method


def test_form_of_many_fields_is_encoded_once_and_not_by_every_check() -> None:
    options = parse_options(URL, {"method": "POST", "body_type": "form", "body": "a=ä\n" * 1_999})
    assert (options.content.count(b"a=%C3%A4"), len(options.secrets)) == (1_999, 2)
    started = time.thread_time()
    for _ in range(100):
        assert options.content
    # Some 10 ms for each, if it were encoded again.
    assert time.thread_time() - started < 0.2


def test_secrets_are_what_is_said_in_every_way_to_say_it() -> None:
    written = {"method": "POST", "query": {"key": "canary-1", "n": "1"}, "headers": {"X-Key": "Bearer canary-2"}}
    form = parse_options(URL, written | {"body_type": "form", "body": "user=x\npassword=canary 3"})
    assert form.secrets == (
        "Bearer canary-2",
        "canary-2",
        "canary-1",
        "user=x\npassword=canary 3",
        "user=x&password=canary+3",
        "canary 3",
    )
    document = parse_options(URL, {"method": "POST", "body_type": "json", "body": '{"a": [{"b": "canary-4"}, 5]}'})
    assert document.secrets == ('{"a": [{"b": "canary-4"}, 5]}', "canary-4")


def test_secrets_of_a_body_are_bounded() -> None:
    body = json.dumps([f"canary-{number}" for number in range(10_000)])
    assert len(parse_options(URL, {"method": "POST", "body_type": "json", "body": body}).secrets) == 101


def test_probes_refuse_an_unknown_kind() -> None:
    with pytest.raises(ConfigurationError, match="choose one of") as caught:
        load_probe("nonsense")
    assert caught.value.field == "kind"
