"""Dependencies: what cannot be up while something else is down. A child is checked on, and muted meanwhile."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.models.endpoint import Endpoint
from healthcheck.models.group import EndpointGroup


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
