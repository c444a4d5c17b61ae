"""The newest hours and days of every history, packed: what a page of a thousand endpoints reads in a thousand rows.

Read as rows of `Rollup` they would be ninety thousand, which no page could wait for. Written with the rollups, in their
transaction, and never the only place where anything stands.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.rollup import Resolution

# As many buckets as a page shows, and a little more: it may be a while until a new bucket is rolled up.
STRIP_SIZES = {Resolution.HOUR: 48, Resolution.DAY: 92}


class UptimeStrip(models.Model):
    # The one index: read by pages, by resolution and endpoint, and by the roll-up that writes it.
    pk = models.CompositePrimaryKey("resolution", "endpoint_id", "location_id")
    endpoint_id = models.IntegerField()
    location_id = models.IntegerField()
    resolution = models.SmallIntegerField(choices=Resolution.choices)
    # The number of the newest bucket, as in `Rollup`.
    last = models.IntegerField()
    # `engine.strips.pack`.
    packed = models.TextField()

    class Meta:
        verbose_name = _("uptime strip")
        verbose_name_plural = _("uptime strips")

    def __str__(self) -> str:
        return f"{Resolution(self.resolution).label}s of endpoint {self.endpoint_id}"
