"""Status pages: what everyone may see, or those who are let in; what is on them, and in which order."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.models.endpoint import Endpoint
from healthcheck.models.group import EndpointGroup

DEFAULT_SLUG = "status"


class Visibility(models.TextChoices):
    PUBLIC = "public", _("public")
    SIGNED_IN = "signed_in", _("people who are signed in")
    PASSWORD = "password", _("whoever knows the password")  # a word, not one


class Theme(models.TextChoices):
    AUTO = "auto", _("as the visitor's system")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class AnnouncementLevel(models.TextChoices):
    INFO = "info", _("for information")
    WARNING = "warning", _("warning")


class StatusPage(models.Model):
    id = models.AutoField(primary_key=True)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=200)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    shows_all_groups = models.BooleanField(
        _("shows every group"), default=False, help_text=_("Groups that are added later appear without being chosen.")
    )
    groups = models.ManyToManyField(
        EndpointGroup,
        blank=True,
        related_name="status_pages",
        verbose_name=_("groups"),
        help_text=_("In the groups' own order. A page with sections shows those instead."),
    )
    visibility = models.CharField(
        _("visible to"),
        max_length=20,
        choices=Visibility.choices,
        default=Visibility.PUBLIC,
        db_default=Visibility.PUBLIC.value,
    )
    # A hash in Django's form; empty while no password is set.
    password = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    # PNG as we have written it ourselves, whatever was uploaded.
    logo = models.BinaryField(null=True, blank=True)
    accent = models.CharField(
        _("accent colour"),
        max_length=7,
        blank=True,
        default="",
        db_default="",
        validators=[
            RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", _("Write the colour as # and six digits, such as #2456c9."))
        ],
    )
    theme = models.CharField(
        _("theme"), max_length=10, choices=Theme.choices, default=Theme.AUTO, db_default=Theme.AUTO.value
    )
    announcement = models.TextField(_("announcement"), max_length=2000, blank=True, default="", db_default="")
    announcement_level = models.CharField(
        _("level"),
        max_length=10,
        choices=AnnouncementLevel.choices,
        default=AnnouncementLevel.INFO,
        db_default=AnnouncementLevel.INFO.value,
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text=_("Such as de. Leave it empty to follow the visitor's browser."),
    )

    counts_degraded_as_good = models.BooleanField(
        _("degraded counts as good"),
        default=True,
        db_default=True,
        help_text=_("In the uptime of this page, which says so."),
    )

    class Meta:
        verbose_name = _("status page")
        verbose_name_plural = _("status pages")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title


class PageSection(models.Model):
    id = models.AutoField(primary_key=True)
    page = models.ForeignKey(StatusPage, on_delete=models.CASCADE, related_name="sections", verbose_name=_("page"))
    position = models.PositiveIntegerField(_("position"), default=0)
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    description = models.CharField(_("description"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.title


class PageItem(models.Model):
    """A group with all its endpoints, or one endpoint, in its place on a page."""

    id = models.AutoField(primary_key=True)
    section = models.ForeignKey(PageSection, on_delete=models.CASCADE, related_name="items", verbose_name=_("section"))
    position = models.PositiveIntegerField(_("position"), default=0)
    group = models.ForeignKey(
        EndpointGroup, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("group")
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("endpoint")
    )
    label = models.CharField(
        _("label"), max_length=200, blank=True, default="", help_text=_("Shown in the place of its name.")
    )

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(group__isnull=False, endpoint__isnull=True) | Q(group__isnull=True, endpoint__isnull=False),
                name="hc_page_item_one",
                violation_error_message=_("Choose either a group or an endpoint."),
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"item {self.pk}"
