"""What a person selected and did with it so far, carried from page to page: signed, for that person only, for a day.

The ids travel as ranges, so that ten thousand of them take no more room in a form than a few hundred bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django.core import signing

MAX_AGE_SECONDS = 86_400


def sign_state(state: dict[str, Any], *, purpose: str, user_id: int) -> str:
    return signing.dumps(state, salt=_salt(purpose, user_id), compress=True)


def read_state(token: str, *, purpose: str, user_id: int) -> dict[str, Any] | None:
    """Return what was signed; None for what is too old, another person's or nobody's."""
    try:
        state: dict[str, Any] = signing.loads(token, salt=_salt(purpose, user_id), max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    return state


def pack_ids(ids: Iterable[int]) -> str:
    """Return the ids as ranges such as `1-4,7`, in order."""
    ranges = []
    for _offset, run in groupby(enumerate(sorted(ids)), lambda pair: pair[1] - pair[0]):
        members = [pk for _index, pk in run]
        ranges.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ",".join(ranges)


def unpack_ids(text: str) -> Sequence[int]:
    ids: list[int] = []
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        ids += range(int(first), int(last or first) + 1)
    return ids


def _salt(purpose: str, user_id: int) -> str:
    return f"healthcheck.admin.change.selections.{purpose}.{user_id}"
