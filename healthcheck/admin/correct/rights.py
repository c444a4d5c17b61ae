"""Who corrects: people who operate, because they are who knows what really happened; everybody who looks sees it."""

from __future__ import annotations

from typing import Any

from healthcheck.admin.buttons import OPERATE


def may_see_corrections(user: Any) -> bool:
    return bool(user.has_perm("healthcheck.view_endpoint") or user.has_perm("healthcheck.change_endpoint"))


def may_correct(user: Any) -> bool:
    """Say the same as `OperatedAdmin.has_operate_permission` does of endpoints."""
    operates = user.has_perm(OPERATE) and user.has_perm("healthcheck.view_endpoint")
    return bool(operates or user.has_perm("healthcheck.change_endpoint"))
