"""Rotation: what the first key has not sealed is sealed by it, what no key opens is named and left alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError

from healthcheck.models import Credential
from healthcheck.models.secrets import make_key, seal_secrets
from healthcheck.pipeline.rotate import Rotation, rotate_secrets
from tests.factories import make_channel, make_credential, make_deploy_hook

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OLD, NEW, LOST = make_key(), make_key(), make_key()


def use(settings: Any, *keys: str) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": keys}


def call(*arguments: str) -> str:
    output = io.StringIO()
    call_command("rotate_secrets", *arguments, stdout=output)
    return output.getvalue()


def seal(settings: Any, key: str, *names: str) -> None:
    use(settings, key)
    for name in names:
        make_credential(name, secrets={"token": f"token-of-{name}"})


def test_rotation_makes_the_old_key_needless(settings: Any) -> None:
    seal(settings, OLD, "a", "b")
    seal(settings, NEW, "c")
    make_credential("empty", secrets={})
    use(settings, NEW, OLD)
    assert call() == "2 sealed with the first key, 1 were already.\n"
    use(settings, NEW)
    opened = {each.name: each.open_secrets() for each in Credential.objects.exclude(sealed="")}
    assert opened == {name: {"token": f"token-of-{name}"} for name in "abc"}
    assert call() == "0 sealed with the first key, 3 were already.\n"


def test_rotation_reaches_whatever_is_sealed(settings: Any) -> None:
    """A new model with sealed secrets fails here until it is rotated."""
    use(settings, OLD)
    sealed: list[Any] = [model for model in apps.get_app_config("healthcheck").get_models() if _has_sealed(model)]
    make_credential("a")
    make_channel("b", sealed=seal_secrets({"url": "https://x.test/"}))
    make_deploy_hook("c")
    use(settings, NEW, OLD)
    assert (rotate_secrets().resealed, len(sealed)) == (3, 3)
    use(settings, NEW)
    assert [each.open_secrets() != {} for model in sealed for each in model._default_manager.all()] == [True] * 3


def _has_sealed(model: Any) -> bool:
    return "sealed" in {field.name for field in model._meta.fields}


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_rotation_reads_in_batches_and_forgets_nobody(settings: Any, batch: int) -> None:
    seal(settings, OLD, "a", "b", "c", "d", "e")
    use(settings, NEW, OLD)
    assert rotate_secrets(batch=batch).resealed == 5


def test_dry_run_counts_and_writes_nothing(settings: Any) -> None:
    seal(settings, OLD, "a")
    use(settings, NEW, OLD)
    before = Credential.objects.get().sealed
    assert call("--dry-run") == "1 would be sealed with the first key, 0 were already.\n"
    assert Credential.objects.get().sealed == before


def test_rotation_names_what_no_key_opens_and_does_the_rest(settings: Any) -> None:
    seal(settings, LOST, "lost")
    seal(settings, OLD, "old")
    use(settings, NEW, OLD)
    before = Credential.objects.get(name="lost").sealed
    with pytest.raises(CommandError, match="No key opens 1, which stay as they are: “lost”"):
        call()
    use(settings, NEW)
    assert Credential.objects.get(name="old").open_secrets() == {"token": "token-of-old"}
    assert Credential.objects.get(name="lost").sealed == before


def test_rotation_does_not_undo_what_is_saved_meanwhile(settings: Any) -> None:
    seal(settings, OLD, "a")
    use(settings, NEW, OLD)
    fresh = Fernet(NEW).encrypt(b'{"token":"newer"}').decode()
    read = Credential.objects.get()
    Credential.objects.update(sealed=fresh)
    rotation = Rotation()
    rotation.take(read, is_dry=False)
    assert rotation.resealed == 0
    assert Credential.objects.get().sealed == fresh


@pytest.mark.parametrize(("keys", "words"), [((), "holds no key"), (("short",), "is not 32 bytes")])
def test_rotation_without_a_usable_key_names_the_cure(settings: Any, keys: tuple[str, ...], words: str) -> None:
    seal(settings, OLD, "a")
    use(settings, *keys)
    with pytest.raises(CommandError, match=words):
        call()


def test_new_key_is_one_and_touches_nothing(settings: Any) -> None:
    use(settings)
    first, second = call("--new-key").strip(), call("--new-key").strip()
    assert first != second
    use(settings, first)
    assert make_credential().open_secrets() == {"token": "a-token"}
