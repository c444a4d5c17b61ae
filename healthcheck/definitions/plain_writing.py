"""Writes documents of what is changed one at a time: status pages, credentials, locations and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import Document
from healthcheck.definitions.drafts import DefinitionError, Draft, refuse, refuse_first
from healthcheck.definitions.page_documents import PAGE_COLUMNS
from healthcheck.definitions.window_writing import choose_columns, write_scope
from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import (
    Credential,
    CredentialKind,
    Endpoint,
    EndpointGroup,
    Location,
    MaintenanceWindow,
    PageItem,
    PageSection,
    StatusPage,
    Tag,
)
from healthcheck.models.secrets import SecretsError


def write_plain(obj: Any, before: Document, after: Document) -> None:
    """Make `obj` what `after` says, inside the caller's transaction. Raises DefinitionError and writes nothing."""
    _WRITERS[type(obj)](obj, before, after)


def _write_page(page: StatusPage, before: Document, after: Document) -> None:
    # The password and the logo stay as they are: a version knows only that there was one.
    _assign(page, {name: after[name] for name in PAGE_COLUMNS})
    slugs = set(after["groups"])
    if before["sections"] != after["sections"]:
        slugs |= {item["group"] for section in after["sections"] for item in section["items"]}
    groups = {group.slug: group for group in EndpointGroup.objects.existing().filter(slug__in=slugs)}
    for slug in sorted(slugs - groups.keys()):
        sentence = _("There is no group “%(slug)s” any more; restore it from its history first, or edit the page.")
        raise DefinitionError(sentence % {"slug": slug})
    are_changed = before["sections"] != after["sections"]
    # What sections show may be gone; that is no matter for a version that leaves them as they are.
    items = _find_items(after["sections"], groups) if are_changed else []
    page.save(update_fields=PAGE_COLUMNS)
    page.groups.set([groups[slug] for slug in after["groups"]])
    if are_changed:
        _write_sections(page, after["sections"], items)


def _find_items(sections: list[Document], groups: Mapping[str, EndpointGroup]) -> list[list[PageItem]]:
    """Return the items of each section, all of their endpoints found by one query."""
    names = {item["endpoint"] for section in sections for item in section["items"] if item["endpoint"] is not None}
    rows = Endpoint.objects.existing().filter(group__in=groups.values(), name__in=names) if names else ()
    endpoints = {(endpoint.group_id, endpoint.name): endpoint for endpoint in rows}
    return [[_find_item(item, groups[item["group"]], endpoints) for item in section["items"]] for section in sections]


def _find_item(item: Document, group: EndpointGroup, endpoints: Mapping[tuple[int, str], Endpoint]) -> PageItem:
    if item["endpoint"] is None:
        return PageItem(group=group, label=item["label"])
    endpoint = endpoints.get((group.pk, item["endpoint"]))
    if endpoint is None:
        sentence = _("There is no endpoint “%(name)s” in “%(slug)s” any more; restore it first, or edit the page.")
        raise DefinitionError(sentence % {"name": item["endpoint"], "slug": group.slug})
    return PageItem(endpoint=endpoint, label=item["label"])


def _write_sections(page: StatusPage, sections: list[Document], items: list[list[PageItem]]) -> None:
    page.sections.all().delete()
    for position, (section, chosen) in enumerate(zip(sections, items, strict=True)):
        stored = PageSection.objects.create(
            page=page, position=position, title=section["title"], description=section["description"]
        )
        for index, item in enumerate(chosen):
            item.section, item.position = stored, index
        PageItem.objects.bulk_create(chosen)


def _write_credential(credential: Credential, before: Document, after: Document) -> None:
    if before["kind"] != after["kind"]:
        # Only the public parts are in the version; the secrets that fitted them are gone.
        raise DefinitionError(_("The kind was another one then, and its secrets are gone; change it by hand."))
    details = after["details"] if before["details"] == after["details"] else _fit_details(credential, after["details"])
    _assign(credential, {"name": after["name"], "details": details})
    credential.save(update_fields=["name", "details"])


def _fit_details(credential: Credential, old: Document) -> Document:
    """Return the public parts of then as they go together with the secrets of now, or refuse."""
    try:
        secrets = credential.open_secrets()
        details = dict(old)
        if credential.details.get("token_url") != old.get("token_url") and secrets:
            raise DefinitionError(
                _(
                    "The token URL was another one then, and the secret may not go there unasked; set it by hand and "
                    "enter the secret again."
                )
            )
        if credential.kind == CredentialKind.HEADERS:
            # Endpoints that set the same headers are refused by these names: they are those of what is sent.
            details["header_names"] = [name for name, _value in secrets.get("headers") or ()]
        parse_credential(credential.kind, details, secrets)
    except (ConfigurationError, SecretsError) as error:
        sentence = _("The public parts of then do not go together with the secrets of now: %(reason)s")
        raise DefinitionError(sentence % {"reason": error}) from None
    return details


def _write_location(location: Location, before: Document, after: Document) -> None:
    # The slug says which location is the default one.
    _assign(location, {name: after[name] for name in ("name", "control_targets")})
    location.save(update_fields=["name", "control_targets"])


def _write_window(window: MaintenanceWindow, before: Document, after: Document) -> None:
    _assign(window, choose_columns(after))
    write_scope(window, after)


def _write_tag(tag: Tag, before: Document, after: Document) -> None:
    _assign(tag, {"name": after["name"]})
    tag.save(update_fields=["name"])


def _assign(obj: Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(obj, name, value)
    draft = Draft(dict(values))
    try:
        obj.full_clean()
    except ValidationError as error:
        refuse(draft, type(obj), error)
    refuse_first([draft])


_WRITERS: Mapping[type[Model], Callable[[Any, Document, Document], None]] = {
    Credential: _write_credential,
    Location: _write_location,
    MaintenanceWindow: _write_window,
    StatusPage: _write_page,
    Tag: _write_tag,
}
