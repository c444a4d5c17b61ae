"""The list of corrections: all that were ever made, with who made and who withdrew them. Nothing here edits or deletes.

Whoever may look at endpoints sees it; see `correct/rights.py` for who may do more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.correct.effects import describe_length, find_existing, name_endpoints
from healthcheck.admin.correct.making import MakingViews
from healthcheck.admin.correct.rights import may_correct, may_see_corrections
from healthcheck.admin.correct.withdrawing import WithdrawingViews
from healthcheck.admin.filters import is_key
from healthcheck.admin.look.bases import ChangeListBase
from healthcheck.admin.look.words import describe_instant, describe_moment
from healthcheck.models import Correction, CorrectionEffect, Endpoint

# More than anybody looks through; the search of the list finds the others.
MAX_OFFERED = 50


class CorrectedEndpointFilter(admin.SimpleListFilter):
    """The endpoints that were corrected last, and whichever is chosen."""

    title = gettext_lazy("endpoint")
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        newest = Correction.objects.order_by("-pk").values_list("endpoint_id", flat=True)[: 10 * MAX_OFFERED]
        offered = list(dict.fromkeys(newest))[:MAX_OFFERED]
        chosen = request.GET.get(self.parameter_name, "")
        names = name_endpoints([*offered, *([int(chosen)] if is_key(chosen) else [])])
        return sorted(((str(pk), name) for pk, name in names.items()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        return queryset.filter(endpoint_id=int(chosen)) if is_key(chosen) else queryset


class EffectFilter(admin.SimpleListFilter):
    title = gettext_lazy("effect")
    parameter_name = "effect"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(effect.name.lower(), effect.label) for effect in CorrectionEffect]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [effect for effect in CorrectionEffect if effect.name.lower() == self.value()]
        return queryset.filter(effect=chosen[0]) if chosen else queryset


class AuthorFilter(admin.SimpleListFilter):
    """By name: the account may be gone."""

    title = gettext_lazy("author")
    parameter_name = "author"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        names = Correction.objects.order_by("author_name").values_list("author_name", flat=True).distinct()
        return [(name, name) for name in names[:MAX_OFFERED] if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(author_name=self.value()) if self.value() else queryset


class WithdrawnFilter(admin.SimpleListFilter):
    title = gettext_lazy("withdrawn")
    parameter_name = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("0", gettext_lazy("no, it counts")), ("1", gettext_lazy("yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kept = {"0": queryset.filter(withdrawn_at__isnull=True), "1": queryset.filter(withdrawn_at__isnull=False)}
        return kept.get(self.value() or "", queryset)


class CorrectionChangeList(ChangeListBase):
    """The list, with the names of the endpoints of its page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        ids = {row.endpoint_id for row in self.result_list}
        names, existing = name_endpoints(ids), find_existing(ids)
        may = may_correct(request.user)
        for row in self.result_list:
            row.endpoint_name = names.get(row.endpoint_id) or _("endpoint %(id)s") % {"id": row.endpoint_id}
            row.has_page = row.endpoint_id in existing
            row.may_withdraw = may and row.withdrawn_at is None


@admin.register(Correction)
class CorrectionAdmin(MakingViews, WithdrawingViews):
    list_display = ("endpoint_words", "interval", "effect_words", "reason_words", "author_words", "standing")
    empty_words = gettext_lazy(
        "A correction says what an interval of the past really was, such as a false alarm, and who said so. "
        "It is made on the page of an endpoint or a group."
    )
    list_display_links = None
    change_list_template = "admin/healthcheck/list.html"
    list_filter = (CorrectedEndpointFilter, EffectFilter, AuthorFilter, WithdrawnFilter)
    list_per_page = 50
    search_fields = ("reason",)
    search_help_text = gettext_lazy("By reason, or by the name of an endpoint.")
    ordering = ("-pk",)
    actions = ("withdraw_selected",)

    class Media:
        css = {"all": ("healthcheck/admin.css",)}

    # Who may: nobody edits and nobody deletes. Making and withdrawing have pages of their own.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_corrections(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_corrections(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        own = {"healthcheck_correction_make", "healthcheck_correction_withdraw"}
        inherited = [each for each in super().get_urls() if getattr(each, "name", "") in own]
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="healthcheck_correction_changelist"), *inherited]

    # The list.

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeListBase]:
        return CorrectionChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow what the list's own filters ask, and nothing else; see `VersionedAdmin`."""
        return lookup in {each.parameter_name for each in self.list_filter}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return found, may_repeat
        named = Endpoint.objects.filter(name__icontains=search_term.strip()).values("pk")
        return found | queryset.filter(endpoint_id__in=named), may_repeat

    @admin.display(description=gettext_lazy("endpoint"))
    def endpoint_words(self, obj: Any) -> SafeString:
        if not obj.has_page:
            return format_html('{}<br><span class="hc-quiet">{}</span>', obj.endpoint_name, _("deleted"))
        url = reverse(f"{self.admin_site.name}:healthcheck_endpoint_corrections", args=[obj.endpoint_id])
        return format_html('<a href="{}">{}</a>', url, obj.endpoint_name)

    @admin.display(description=gettext_lazy("interval"), ordering="starts_at")
    def interval(self, obj: Any) -> SafeString:
        length = describe_length((obj.ends_at - obj.starts_at).total_seconds())
        return format_html(
            '<span class="hc-cell"><span class="hc-time">{} –</span><br><span class="hc-time">{}</span><br>'
            '<span class="hc-quiet">{}</span></span>',
            describe_instant(obj.starts_at),
            describe_instant(obj.ends_at),
            length,
        )

    @admin.display(description=gettext_lazy("effect"), ordering="effect")
    def effect_words(self, obj: Any) -> str:
        return str(CorrectionEffect(obj.effect).label)

    @admin.display(description=gettext_lazy("reason"))
    def reason_words(self, obj: Any) -> SafeString:
        where = _("shown on status pages") if obj.is_public else _("for staff only")
        return format_html('<span class="hc-cell">{}<br><span class="hc-quiet">{}</span></span>', obj.reason, where)

    @admin.display(description=gettext_lazy("author"), ordering="at")
    def author_words(self, obj: Any) -> SafeString:
        return format_html(
            '<span class="hc-cell">{}<br><span class="hc-quiet hc-time">{}</span></span>',
            obj.author_name or "–",
            describe_moment(obj.at),
        )

    @admin.display(description=gettext_lazy("withdrawn"), ordering="withdrawn_at")
    def standing(self, obj: Any) -> SafeString:
        if obj.withdrawn_at is not None:
            return format_html(
                '<span class="hc-cell">{}<br><span class="hc-quiet hc-time">{}</span></span>',
                obj.withdrawn_by_name or "–",
                describe_moment(obj.withdrawn_at),
            )
        if not obj.may_withdraw:
            return format_html("{}", _("no, it counts"))
        url = f"{reverse(f'{self.admin_site.name}:healthcheck_correction_withdraw')}?correction={obj.pk}"
        return format_html('{}<br><a href="{}">{}</a>', _("no, it counts"), url, _("Withdraw…"))
