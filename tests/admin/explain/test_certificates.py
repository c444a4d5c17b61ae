"""The chain: whose certificate is whose, how long it lasts, and which one is the problem."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from healthcheck.admin.explain.certificates import describe_chain
from tests.factories import NOW


def write(subject: str, *, before: int = 10, after: int = 10) -> dict[str, Any]:
    return {
        "subject": subject,
        "issuer": "authority",
        "not_before": (NOW - timedelta(days=before)).isoformat(),
        "not_after": (NOW + timedelta(days=after)).isoformat(),
        "fingerprint_sha256": "ab",
    }


def find_problems(found: str, *chain: dict[str, Any], at: datetime | None = NOW) -> list[str]:
    facts = {"found": found, "chain": list(chain)}
    return [each.problem for each in describe_chain(facts, at, is_problem=True)]


def test_days_left_are_counted_from_the_check() -> None:
    own, issuer = describe_chain({"chain": [write("own", after=3), write("issuer", after=-2)]}, NOW, is_problem=False)
    assert (own.role, own.left, own.problem) == ("the target's own", "3 days left", "")
    assert (issuer.role, issuer.left, issuer.problem) == ("issuer no. 1", "expired 2 days before", "expired")


def test_key_and_signature_are_named_where_the_evidence_has_them() -> None:
    strong = write("own") | {"key_type": "rsa", "key_bits": 2048, "signature": "sha256"}
    own, older = describe_chain({"chain": [strong, write("older")]}, NOW, is_problem=False)
    assert (own.key, own.signature, older.key, older.signature) == ("rsa, 2048 bits", "sha256", "", "")


def test_certificate_that_is_out_of_date_is_the_problem() -> None:
    found = "certificate has expired"
    assert find_problems(found, write("own"), write("issuer", after=-1)) == ["", "expired"]
    assert find_problems(found, write("own", before=-1), write("issuer")) == ["not valid yet", ""]


@pytest.mark.parametrize(
    ("found", "problems"),
    [
        ("Hostname mismatch", ["Hostname mismatch", ""]),
        ("self-signed certificate in certificate chain", ["", "self-signed certificate in certificate chain"]),
        ("unable to get local issuer certificate", ["", "unable to get local issuer certificate"]),
    ],
)
def test_certificate_that_openssl_speaks_of_is_the_problem(found: str, problems: list[str]) -> None:
    assert find_problems(found, write("own"), write("issuer")) == problems


def test_single_certificate_of_older_evidence_is_a_chain_of_one() -> None:
    [own] = describe_chain({"certificate": write("own")}, None, is_problem=False)
    assert (own.subject, own.left) == ("own", "")
