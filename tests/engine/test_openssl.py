"""The line that repeats a handshake: given to a real shell and a real openssl, against real servers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from healthcheck.engine.curl import AUTHORITY_FILE
from healthcheck.engine.openssl import write_openssl
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import Target
from tests.engine.conftest import serve_with
from tests.hostile import HostileServer


def write(address: str, kind: str = "tls", **options: Any) -> str:
    return write_openssl(Target(1, kind, address, load_probe(kind).parse(address, options)))


@pytest.mark.parametrize(
    ("address", "options", "line"),
    [
        (
            "tls://example.com",
            {},
            (
                "openssl s_client -connect example.com:443 -servername example.com -verify_return_error "
                "-verify_hostname example.com </dev/null"
            ),
        ),
        (
            "[::1]:8443",
            {"verify": "off", "family": "ipv6"},
            "openssl s_client -6 -connect '[::1]:8443' -noservername </dev/null",
        ),
        (
            "192.0.2.1",
            {"server_name": "shop.test", "verify": "off", "family": "ipv4"},
            "openssl s_client -4 -connect 192.0.2.1:443 -servername shop.test </dev/null",
        ),
        (
            "192.0.2.1",
            {"tls_min": "1.0", "tls_max": "1.2", "verify": "off"},
            (
                "openssl s_client -connect 192.0.2.1:443 -noservername -cipher DEFAULT:@SECLEVEL=0 "
                "-min_protocol TLSv1 -max_protocol TLSv1.2 </dev/null"
            ),
        ),
    ],
)
def test_line_says_what_the_check_does(address: str, options: dict[str, Any], line: str) -> None:
    assert write(address, **options) == line


def test_only_a_check_that_begins_with_a_handshake_has_one() -> None:
    secret = {"dialogue": 'send line "canary"'}
    assert write("a.example:25", "tcp", **secret) == ""
    encrypted = write("a.example:465", "tcp", is_encrypted=True, **secret)
    assert encrypted.startswith("openssl s_client -connect a.example:465 ")
    assert "canary" not in encrypted
    assert write("https://a.example/", "http") == ""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("name", "authority_is_right", "succeeds"),
    [("localhost", True, True), ("other.test", True, False), ("localhost", False, False)],
)
def test_line_judges_as_the_check_does(
    hostile: HostileServer,
    authority: trustme.CA,
    tmp_path: Path,
    *,
    name: str,
    authority_is_right: bool,
    succeeds: bool,
) -> None:
    trusted = authority if authority_is_right else trustme.CA()
    pem = trusted.cert_pem.bytes()
    (tmp_path / AUTHORITY_FILE).write_bytes(pem)
    port = hostile.listen("silent", tls=serve_with(authority.issue_cert("localhost")))
    line = write(f"127.0.0.1:{port}", verify="custom", ca_pem=pem.decode(), server_name=name)
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode == 0) is succeeds, done.stderr
