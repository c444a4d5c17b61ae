"""Dependencies: what cannot be up while something else is down. A child is checked on, and muted meanwhile."""

from __future__ import annotations

from functools import lru_cache

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.dependencies import ENDPOINT, Link, Node, Side, find_circle
from healthcheck.models.endpoint import Endpoint
from healthcheck.models.group import EndpointGroup

# Of a circle that is told.
_MAX_WAY = 10
_SIDES = ("child_group", "child_endpoint", "child_endpoint__group", "parent_group", "parent_endpoint")
_COLUMNS = (*_SIDES, "parent_endpoint__group")


class DependencyQuerySet(models.QuerySet["Dependency"]):
    def list_links(self) -> tuple[Link, ...]:
        """Return all of them as what the engine follows, in one query."""
        return _build_links(tuple(self.order_by("pk").values_list(*_COLUMNS)))

    def hold(self) -> None:
        """Let nobody else save one until the transaction ends: two people could each save half of a circle.

        On SQLite the transaction alone does that.
        """
        if connection.features.has_select_for_update:
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {self.model._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


class Dependency(models.Model):
    """One of a child and one of a parent. A group as a parent is down when all that it checks is."""

    id = models.AutoField(primary_key=True)
    child_group = models.ForeignKey(
        EndpointGroup, on_delete=models.CASCADE, null=True, blank=True, related_name="parents", verbose_name=_("group")
    )
    child_endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, null=True, blank=True, related_name="parents", verbose_name=_("endpoint")
    )
    parent_group = models.ForeignKey(
        EndpointGroup,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("depends on the group"),
    )
    parent_endpoint = models.ForeignKey(
        Endpoint,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("depends on the endpoint"),
    )

    objects = DependencyQuerySet.as_manager()

    class Meta:
        verbose_name = _("dependency")
        verbose_name_plural = _("dependencies")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(child_group__isnull=False, child_endpoint__isnull=True)
                | Q(child_group__isnull=True, child_endpoint__isnull=False),
                name="hc_dependency_child",
                violation_error_message=_("Choose either a group or an endpoint that depends on something."),
            ),
            models.CheckConstraint(
                condition=Q(parent_group__isnull=False, parent_endpoint__isnull=True)
                | Q(parent_group__isnull=True, parent_endpoint__isnull=False),
                name="hc_dependency_parent",
                violation_error_message=_("Choose either a group or an endpoint to depend on."),
            ),
        ]

    def __str__(self) -> str:
        return f"dependency {self.pk}"

    def clean(self) -> None:
        children, parents = (
            (self.child_group_id, self.child_endpoint_id),
            (self.parent_group_id, self.parent_endpoint_id),
        )
        if children.count(None) != 1 or parents.count(None) != 1:
            # Refused by the constraints.
            return
        child_side = _build_side(*children, self.child_endpoint.group_id if self.child_endpoint else None)
        parent_side = _build_side(*parents, self.parent_endpoint.group_id if self.parent_endpoint else None)
        others = Dependency.objects.exclude(pk=self.pk).list_links()
        way = find_circle(others, Link(child_side, parent_side))
        if way is not None:
            sentence = _("It would depend on itself: %(way)s. Leave one of these out.")
            raise ValidationError(sentence, params={"way": _describe_way(way)})


# Looked at by each sweep, and hardly ever others than before.
@lru_cache(1)
def _build_links(rows: tuple[tuple[int | None, ...], ...]) -> tuple[Link, ...]:
    return tuple(Link(_build_side(*row[:3]), _build_side(*row[3:])) for row in rows)


def _build_side(group_id: int | None, endpoint_id: int | None, endpoint_group_id: int | None) -> Side:
    owner = endpoint_group_id if group_id is None else group_id
    assert owner is not None  # a constraint of the database
    return Side(owner, endpoint_id)


def _describe_way(way: list[Node]) -> str:
    """Return the names on the way; what comes of a group, once."""
    names = [_name(node) for node in way[:_MAX_WAY]]
    told = [name for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
    return " → ".join([*told, "…"] if len(way) > _MAX_WAY else told) if len(told) > 1 else " → ".join(told * 2)


def _name(node: Node) -> str:
    kind, pk = node
    if kind == ENDPOINT:
        found = Endpoint.objects.filter(pk=pk).values_list("group__slug", "name").first()
        return "/".join(found) if found else f"#{pk}"
    return EndpointGroup.objects.filter(pk=pk).values_list("slug", flat=True).first() or f"#{pk}"
