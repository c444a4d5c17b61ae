"""Where checks are made from. Every run and every state has one; the default exists from the first run on."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.probes.control_targets import parse_control_targets
from healthcheck.engine.types import ConfigurationError

DEFAULT_SLUG = "default"


class LocationManager(models.Manager["Location"]):
    def default(self) -> Location:
        """Return the default location, made on first use; its unique slug settles a race."""
        location, _created = self.get_or_create(slug=DEFAULT_SLUG, defaults={"name": "Default"})
        return location


class Location(models.Model):
    id = models.AutoField(primary_key=True)
    slug = models.SlugField(_("slug"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    # One host:port in a line. Asked only when everything else fails at once: if they fail too, it is our own uplink.
    control_targets = models.TextField(
        _("control targets"),
        max_length=1000,
        blank=True,
        default="",
        db_default="",
        help_text=_("One host:port in a line, such as 192.0.2.1:443. Connected to when all checks of a run fail."),
    )

    objects = LocationManager()

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            parse_control_targets(self.control_targets)
        except ConfigurationError as error:
            raise ValidationError({error.field: error.sentence}) from None
