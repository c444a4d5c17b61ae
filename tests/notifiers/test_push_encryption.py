"""What is pushed is for one browser alone: the example of the standard, and a browser worked out apart."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.notifiers.push_encryption import (
    MAX_PAYLOAD_BYTES,
    BrowserKeys,
    decode_base64url,
    encode_base64url,
    encrypt,
    encrypt_with,
)
from tests.notifiers.push_browser import PushBrowser, read_private

BROWSER = PushBrowser()
# RFC 8291, 5 and appendix A.
EXAMPLE_PAYLOAD = b"When I grow up, I want to be a watermelon"
EXAMPLE_BROWSER = PushBrowser(
    read_private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), auth=decode_base64url("BTBZMqHH6r4Tts7J_aSIgg")
)
EXAMPLE_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_example_of_the_standard_is_what_we_send() -> None:
    own = read_private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    salt = decode_base64url("DGv6ra1nlYgDCS1FRnbzlw")
    body = encrypt_with(own, salt, EXAMPLE_BROWSER.keys, payload=EXAMPLE_PAYLOAD)
    assert encode_base64url(body) == EXAMPLE_BODY
    assert EXAMPLE_BROWSER.decrypt(body) == EXAMPLE_PAYLOAD


@given(payload=st.binary(max_size=MAX_PAYLOAD_BYTES))
def test_whatever_is_sent_is_read_by_its_browser(payload: bytes) -> None:
    assert BROWSER.decrypt(encrypt(payload, BROWSER.keys)) == payload


def test_largest_message_is_what_every_push_service_takes() -> None:
    assert MAX_PAYLOAD_BYTES == 3993
    assert len(encrypt(b"x" * MAX_PAYLOAD_BYTES, BROWSER.keys)) == 4096


def test_no_two_messages_have_a_key_or_a_salt_in_common() -> None:
    first, second = (encrypt(b"the same", BROWSER.keys) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_nobody_else_reads_it() -> None:
    body = encrypt(b"down", BROWSER.keys)
    with pytest.raises(InvalidTag):
        PushBrowser().decrypt(body)
    with pytest.raises(InvalidTag):
        PushBrowser(BROWSER.key, auth=b"another secret..").decrypt(body)
    assert "public" not in repr(BrowserKeys(BROWSER.key.public_key(), BROWSER.auth))


@pytest.mark.parametrize("text", ["YQ", "YQ=="])
def test_base64url_is_read_with_padding_and_without(text: str) -> None:
    assert decode_base64url(text) == b"a"


@pytest.mark.parametrize("text", ["a", "YQ\n", "Y Q", "a+b/", "YQ===", "é"])
def test_what_is_not_base64url_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not base64url"):
        decode_base64url(text)
