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
from healthcheck.models import Credential, Endpoint, EndpointGroup, Location, PageItem, PageSection, StatusPage, Tag


def write_plain(obj: Any, before: Document, after: Document) -> None:
    """Make `obj` what `after` says, inside the caller's transaction. Raises DefinitionError and writes nothing."""
    _WRITERS[type(obj)](obj, before, after)


def _write_page(page: StatusPage, before: Document, after: Document) -> None:
    # The password and the logo stay as they are: a version knows only that there was one.
    _assign(page, {name: after[name] for name in PAGE_COLUMNS})
    slugs = {*after["groups"], *(item["group"] for section in after["sections"] for item in section["items"])}
    groups = {group.slug: group for group in EndpointGroup.objects.existing().filter(slug__in=slugs)}
    for slug in sorted(slugs - groups.keys()):
        sentence = _("There is no group “%(slug)s” any more; restore it from its history first, or edit the page.")
        raise DefinitionError(sentence % {"slug": slug})
    items = [_find_items(section, groups) for section in after["sections"]]
    page.save(update_fields=PAGE_COLUMNS)
    page.groups.set([groups[slug] for slug in after["groups"]])
    if before["sections"] != after["sections"]:
        _write_sections(page, after["sections"], items)


def _find_items(section: Document, groups: Mapping[str, EndpointGroup]) -> list[PageItem]:
    return [_find_item(item, groups[item["group"]]) for item in section["items"]]


def _find_item(item: Document, group: EndpointGroup) -> PageItem:
    if item["endpoint"] is None:
        return PageItem(group=group, label=item["label"])
    endpoint = Endpoint.objects.existing().filter(group=group, name=item["endpoint"]).first()
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
    _assign(credential, {"name": after["name"], "details": after["details"]})
    credential.save(update_fields=["name", "details"])


def _write_location(location: Location, before: Document, after: Document) -> None:
    # The slug says which location is the default one.
    _assign(location, {"name": after["name"]})
    location.save(update_fields=["name"])


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
        refuse(draft, error)
    refuse_first([draft])


_WRITERS: Mapping[type[Model], Callable[[Any, Document, Document], None]] = {
    Credential: _write_credential,
    Location: _write_location,
    StatusPage: _write_page,
    Tag: _write_tag,
}
