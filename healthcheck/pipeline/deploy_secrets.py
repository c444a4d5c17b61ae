"""Makes and changes the secrets of deploy hooks. A new one leaves here once; what is stored is sealed."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from healthcheck.models import DeployHook
from healthcheck.models.deploy import FORMER, SECRET
from healthcheck.models.secrets import SecretsError, seal_secrets
from healthcheck.notifiers.signatures import make_secret
from healthcheck.pipeline.deploys import hold_hook


def rotate_secret(hook_id: int) -> str:
    """Return a new secret of the hook; the one of before is believed beside it until it is revoked.

    Raises ValidationError where two are believed already: a third would end the one that CI still uses.
    """
    with transaction.atomic():
        hook = _hold(hook_id)
        stored = _open(hook)
        if FORMER in stored:
            raise ValidationError(_("Two secrets are valid already; revoke the former one first."))
        new = make_secret()
        former = {FORMER: stored[SECRET]} if SECRET in stored else {}
        _store(hook, {SECRET: new} | former)
    return new


def revoke_former(hook_id: int) -> bool:
    """Believe the newest secret alone; False where there was no other. Raises ValidationError."""
    with transaction.atomic():
        hook = _hold(hook_id)
        stored = _open(hook)
        if FORMER not in stored:
            return False
        _store(hook, {SECRET: stored[SECRET]})
    return True


def _hold(hook_id: int) -> DeployHook:
    hook = hold_hook(hook_id)
    if hook is None:
        raise ValidationError(_("It does not exist any more."))
    return hook


def _open(hook: DeployHook) -> dict[str, str]:
    try:
        return hook.open_secrets()
    except SecretsError:
        # What no key opens is believed by nobody, so there is nothing to keep.
        return {}


def _store(hook: DeployHook, secrets: dict[str, str]) -> None:
    try:
        hook.sealed = seal_secrets(secrets)
    except SecretsError as error:
        raise ValidationError(str(error)) from None
    hook.save(update_fields=["sealed"])
