"""Which groups and endpoints a page shows, in which order and under which names; not what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from django.db.models import Q, QuerySet

from healthcheck.models import Endpoint, EndpointGroup, PageItem, PageSection, StatusPage
from healthcheck.web.board import EndpointView, GroupView, SectionView


@dataclass(frozen=True, slots=True)
class Place:
    """An item of a page: a whole group or one endpoint, with the name to show instead of its own."""

    id: int
    group_id: int | None
    endpoint_id: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The sections of a page with their places; a page without any shows groups in their own order."""

    sections: tuple[tuple[SectionView, tuple[Place, ...]], ...] = ()

    def arrange(self, groups: Mapping[int, GroupView]) -> tuple[SectionView, ...]:
        """Put the groups, given in their own order, into their places; what no longer exists is left out."""
        if not self.sections:
            return (SectionView(tuple(groups.values())),)
        endpoints = {endpoint.id: endpoint for group in groups.values() for endpoint in group.endpoints}
        return tuple(
            replace(section, groups=tuple(_fill(places, groups, endpoints))) for section, places in self.sections
        )


def load_layout(page: StatusPage) -> Layout:
    """Read the sections and their items in one query."""
    rows = (
        PageSection.objects.filter(page=page.pk)
        .order_by("position", "id", "items__position", "items__id")
        .values_list(
            "id",
            "title",
            "description",
            "items__id",
            "items__group_id",
            "items__endpoint_id",
            "items__label",
        )
    )
    return Layout(
        tuple(
            (
                SectionView((), id=section_id, title=title, description=description),
                tuple(Place(*row[3:]) for row in places if row[3] is not None),
            )
            for (section_id, title, description), places in groupby(rows, key=lambda row: row[:3])
        )
    )


def select_groups(page: StatusPage, layout: Layout) -> QuerySet[EndpointGroup]:
    """Return the groups of which the page shows anything."""
    groups = EndpointGroup.objects.existing()
    if layout.sections:
        items = _items_of(page)
        single = items.filter(endpoint__deleted_at__isnull=True).values("endpoint__group")
        return groups.filter(Q(pk__in=_drop_null(items, "group")) | Q(pk__in=single))
    if page.shows_all_groups:
        return groups
    return groups.filter(pk__in=StatusPage.groups.through.objects.filter(statuspage=page.pk).values("endpointgroup"))


def select_endpoints(page: StatusPage, layout: Layout) -> QuerySet[Endpoint]:
    """Return the endpoints that the page shows, of whichever group."""
    endpoints = Endpoint.objects.existing()
    if not layout.sections:
        return endpoints.filter(group__in=select_groups(page, layout))
    items = _items_of(page)
    whole = Q(group__in=_drop_null(items, "group"))
    return endpoints.filter(whole | Q(pk__in=_drop_null(items, "endpoint")))


def _items_of(page: StatusPage) -> QuerySet[PageItem]:
    return PageItem.objects.filter(section__page=page.pk).order_by()


def _drop_null(items: QuerySet[PageItem], column: str) -> QuerySet[PageItem, dict[str, int]]:
    """Return the column as a subquery. One null in it would make every other comparison unknown."""
    known: QuerySet[PageItem, dict[str, int]] = items.filter(**{f"{column}__isnull": False}).values(column)
    return known


def _fill(
    places: Sequence[Place], groups: Mapping[int, GroupView], endpoints: Mapping[int, EndpointView]
) -> list[GroupView]:
    filled: list[GroupView] = []
    for is_single, run in groupby(places, key=lambda place: place.endpoint_id is not None):
        if is_single:
            filled.extend(_gather_loose(list(run), endpoints))
        else:
            filled.extend(_show_groups(run, groups))
    return filled


def _show_groups(places: Iterable[Place], groups: Mapping[int, GroupView]) -> Iterator[GroupView]:
    for place in places:
        group = groups.get(place.group_id or 0)
        if group is not None:
            yield replace(group, name=place.label or group.name, key=f"item-{place.id}")


def _gather_loose(places: Sequence[Place], endpoints: Mapping[int, EndpointView]) -> list[GroupView]:
    """Return endpoints that follow each other as one group without a name; none where none of them exists."""
    found = [(place, endpoints.get(place.endpoint_id or 0)) for place in places]
    shown = tuple(replace(each, name=place.label or each.name) for place, each in found if each is not None)
    return [GroupView(0, "", "", False, shown, key=f"item-{places[0].id}")] if shown else []
