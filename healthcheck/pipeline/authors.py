"""The accounts that rows of ours refer to: they can be deleted at any moment, and what people did with them stays."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model


def hold_account(account_id: Any) -> Any:
    """Hold an account to the transaction, and return its id; None for one that is gone or that somebody is deleting.

    Its key is looked at when the transaction commits, and would take all of it along.
    """
    if account_id is None:
        return None
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    return people.filter(pk=account_id).values_list("pk", flat=True).first()
