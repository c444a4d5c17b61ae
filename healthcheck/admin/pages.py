"""Status pages with their sections in one form."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import ManyToManyField, Max, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from healthcheck.admin.fields.logos import MAX_UPLOAD_BYTES
from healthcheck.admin.fields.page_lines import write_lines
from healthcheck.admin.fields.uploads import UploadGuard
from healthcheck.admin.forms.page_forms import PageSectionForm, StatusPageForm, replace_items
from healthcheck.admin.look.bases import StackedInlineBase
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.models import EndpointGroup, PageSection, StatusPage

# More headings than anybody reads on one page; Django refuses a form of more than 1,000 fields.
MAX_SECTIONS = 50
# Nothing to look at for people who may not change them.
_WRITE_ONLY = frozenset({"new_password", "remove_password", "logo_file", "remove_logo", "kept_logo"})


class PageSectionInline(StackedInlineBase):
    model = PageSection
    form = PageSectionForm
    extra = 0
    max_num = MAX_SECTIONS
    fields = (("title", "position"), "description", "shows")
    verbose_name_plural = _("sections (a page with sections shows them and nothing else)")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("items__group", "items__endpoint__group")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        # One to write in, without JavaScript, too.
        return 1

    @admin.display(description=_("Shows"))
    def shows(self, obj: PageSection) -> SafeString:
        """Shown in place of the form's field to people who may only look."""
        return format_html('<pre class="hc-text">{}</pre>', write_lines(obj.items.all()) if obj.pk else "")


@admin.register(StatusPage)
class StatusPageAdmin(VersionedAdmin):
    form = StatusPageForm
    inlines = (PageSectionInline,)
    list_display = ("title", "slug", "visibility", "shows_every_group")
    empty_words = _("A status page shows others how endpoints are: everybody, or who has its password.")
    list_filter = ("visibility",)
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    # Side by side they would need more room than a small screen has.
    filter_vertical = ("groups",)
    readonly_fields = ("logo_preview",)
    fieldsets = (
        (None, {"fields": (("title", "slug"), "description")}),
        (_("What it shows"), {"fields": ("shows_all_groups", "groups", "counts_degraded_as_good")}),
        (_("Who may see it"), {"fields": ("visibility", "new_password", "remove_password")}),
        (_("Announcement"), {"fields": ("announcement", "announcement_level")}),
        (
            _("Look"),
            {"fields": (("theme", "accent"), "language", "logo_preview", "logo_file", "remove_logo", "kept_logo")},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("add/", self._receive(self.add_view), name=f"{name}_add"),
            path("<path:object_id>/change/", self._receive(self.change_view), name=f"{name}_change"),
            *super().get_urls(),
        ]

    def _receive(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Set the bound on the logo before anything reads the request, the check of its token included."""

        def receive(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Room for what makes the field refuse it: the guard keeps whole pieces, up to its bound.
            guard = UploadGuard(request, max_bytes=MAX_UPLOAD_BYTES + 2 * UploadGuard.chunk_size)
            request.upload_handlers.insert(0, guard)
            return csrf_protect(view)(request, *args, **kwargs)

        return self.admin_site.admin_view(csrf_exempt(receive))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        name = request.resolver_match.url_name if request.resolver_match else None
        is_list = (name or "").endswith("_changelist")
        return rows.defer("logo") if is_list else rows

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        left_out = _list_pointless(obj) if may_write else _WRITE_ONLY
        return [(name, {"fields": [f for f in each["fields"] if f not in left_out]}) for name, each in fieldsets]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        kwargs["queryset"] = EndpointGroup.objects.existing()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        # A new section stands at the end until somebody says otherwise.
        last = obj.sections.aggregate(last=Max("position"))["last"] if obj.pk else None
        return kwargs | {"initial": [{"position": 1 if last is None else last + 1}]}

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for section_form in formset.forms:
            is_written = section_form.has_changed() and section_form not in formset.deleted_forms
            if is_written and "shows" in section_form.changed_data:
                replace_items(section_form.instance, section_form.cleaned_data["shows"])

    def view_on_site(self, obj: StatusPage) -> str | None:
        try:
            return reverse("healthcheck:page", args=[obj.slug])
        except NoReverseMatch:
            # A project that shows no pages.
            return None

    @admin.display(description=_("shows every group"), ordering="shows_all_groups")
    def shows_every_group(self, obj: StatusPage) -> str:
        # In words: a page that shows a few groups is no mistake, as Django's red cross would have it.
        return gettext("yes") if obj.shows_all_groups else gettext("no")

    @admin.display(description=_("logo"))
    def logo_preview(self, obj: StatusPage) -> str:
        if not obj.logo:
            return "–"
        # In the page itself: its address may be behind a password.
        source = base64.b64encode(bytes(obj.logo)).decode("ascii")
        return format_html('<img class="hc-logo-preview" src="data:image/png;base64,{}" alt="{}">', source, _("logo"))


def _list_pointless(page: StatusPage | None) -> frozenset[str]:
    """Return the fields that take away what the page does not have."""
    has_password, has_logo = (bool(page and page.password), bool(page and page.logo))
    return frozenset(
        name for name, is_there in (("remove_password", has_password), ("remove_logo", has_logo)) if not is_there
    )
