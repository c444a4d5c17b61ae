"""What people define, read into plain JSON documents with stable keys, in a fixed number of queries per batch.

A document is what versions keep, what is compared, and what clones, bulk edits and CSV files are made from. It holds
names in the place of ids, so that it can be read, and no secret: of those it says only which are set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model

from healthcheck.definitions.credential_documents import read_credentials
from healthcheck.definitions.endpoint_documents import read_endpoints
from healthcheck.definitions.group_documents import read_groups
from healthcheck.definitions.label_documents import read_locations, read_tags
from healthcheck.definitions.page_documents import read_pages
from healthcheck.definitions.window_documents import read_windows
from healthcheck.models import Credential, Endpoint, EndpointGroup, Location, MaintenanceWindow, StatusPage, Tag

Document = dict[str, Any]
_Item = TypeVar("_Item")

# Ids of one statement: SQLite bounds its parameters (32,766), and a batch stays a few megabytes of memory.
BATCH = 2_000
# Where an object stands rather than what it is: the slug of an endpoint's group changes without the endpoint.
PLACE_KEYS = frozenset({"group"})
# What versions from before a key existed say by saying nothing.
_YOUNGER: Mapping[str, Any] = {"members": []}

_READERS: Mapping[type[Model], Callable[[Sequence[int]], dict[int, Document]]] = {
    Credential: read_credentials,
    Endpoint: read_endpoints,
    EndpointGroup: read_groups,
    Location: read_locations,
    MaintenanceWindow: read_windows,
    StatusPage: read_pages,
    Tag: read_tags,
}


def kind_of(model: type[Model]) -> str:
    """Return the name under which versions of this model are kept."""
    return str(model._meta.model_name)


def read_documents(model: type[Model], ids: Iterable[int]) -> dict[int, Document]:
    """Return the documents of those that exist, marked as deleted or not, by id and in the order of `ids`."""
    documents: dict[int, Document] = {}
    for batch in split_batches(list(ids)):
        found = _READERS[model](batch)
        documents |= {pk: found[pk] for pk in batch if pk in found}
    return documents


def differ(one: Document, other: Document) -> bool:
    """Say whether two documents define something different."""
    keys = (one.keys() | other.keys()) - PLACE_KEYS
    return any(one.get(key, _YOUNGER.get(key)) != other.get(key, _YOUNGER.get(key)) for key in keys)


def split_batches(items: Sequence[_Item], size: int = BATCH) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
