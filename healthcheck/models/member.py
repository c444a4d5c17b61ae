"""Members: which endpoints another one is made of. What people write; read as a run is taken."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.probes.group import MAX_WEIGHT
from healthcheck.models.endpoint import Endpoint


class EndpointMember(models.Model):
    """`parent` is an endpoint of the kind group. A member that is deleted stays until the pruner removes both."""

    id = models.AutoField(primary_key=True)
    parent = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="members")
    # Its index serves who asks what an endpoint is a member of, and its removal by the pruner.
    member = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="memberships")
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_WEIGHT)]
    )

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            # Read by every run of the parent.
            models.UniqueConstraint(fields=["parent", "member"], name="hc_member_pair"),
            models.CheckConstraint(condition=~Q(parent=F("member")), name="hc_member_not_itself"),
            models.CheckConstraint(condition=Q(weight__range=(1, MAX_WEIGHT)), name="hc_member_weight"),
        ]

    def __str__(self) -> str:
        return f"endpoint {self.member_id} in endpoint {self.parent_id}"
