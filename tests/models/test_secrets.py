"""Secrets at rest: only the deployment's keys open them, and a wrong key never hands out anything."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from healthcheck.models.secrets import MAX_SEALED_BYTES, SecretsError, reseal_secrets, seal_secrets, unseal_secrets

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def use_keys(settings: Any, *keys: str) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": keys}


def test_secrets_come_back_and_do_not_stand_in_the_text(settings: Any) -> None:
    use_keys(settings, NEW)
    sealed = seal_secrets({"password": "pässwörd"})
    assert "ssw" not in sealed
    assert unseal_secrets(sealed) == {"password": "pässwörd"}


def test_secrets_sealed_with_an_old_key_are_opened_and_resealed(settings: Any) -> None:
    use_keys(settings, OLD)
    sealed = seal_secrets({"token": "t"})
    use_keys(settings, NEW, OLD)
    resealed = reseal_secrets(sealed)
    use_keys(settings, NEW)
    assert unseal_secrets(resealed) == {"token": "t"}


@pytest.mark.parametrize("open_or_reseal", [unseal_secrets, reseal_secrets])
def test_wrong_key_raises_and_hands_out_nothing(settings: Any, open_or_reseal: Any) -> None:
    use_keys(settings, OLD)
    sealed = seal_secrets({"token": "t"})
    use_keys(settings, NEW)
    with pytest.raises(SecretsError, match="None of the keys"):
        open_or_reseal(sealed)


@pytest.mark.parametrize(("keys", "sentence"), [((), "holds no key"), (("short",), "is not 32 bytes")])
def test_missing_or_broken_key_is_named(settings: Any, keys: tuple[str, ...], sentence: str) -> None:
    use_keys(settings, *keys)
    with pytest.raises(SecretsError, match=sentence):
        seal_secrets({})


def test_secrets_are_bounded(settings: Any) -> None:
    use_keys(settings, NEW)
    with pytest.raises(SecretsError, match="larger than"):
        seal_secrets({"token": "x" * MAX_SEALED_BYTES})
