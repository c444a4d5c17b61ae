"""Credentials: secrets are written and never shown. First the kind is chosen, then its own form is filled in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, ProtectedError, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters

from healthcheck.admin.forms.credential_forms import EXPLANATIONS, FORMS, CredentialForm
from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.operated import changed_columns
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Credential, CredentialKind, Endpoint, VersionAction
from healthcheck.models.clock import read_database_clock
from healthcheck.models.secrets import SecretsError

# More endpoints than anybody reads on this page; their own list has them all.
MAX_NAMES_SHOWN = 100
# What is opened within a request: five seconds, were each of them a key with a passphrase.
MAX_CHECKED = 50


@admin.register(Credential)
class CredentialAdmin(VersionedAdmin):
    # Whether each can be opened is said by its own page and by the action: a passphrase costs a tenth of a second.
    list_display = ("name", "kind", "use_count", "changed_words")
    empty_words = gettext_lazy(
        "A credential is what endpoints log in with: a password, a token, a certificate. It is stored sealed "
        "and never shown."
    )
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("name",)
    actions = ("check_selected",)
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        in_use = Count("endpoints", filter=Q(endpoints__deleted_at__isnull=True))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(uses=in_use)
        return rows

    # What is known of it without a secret.

    @admin.display(description=gettext_lazy("endpoints"), ordering="uses")
    def use_count(self, obj: Any) -> int:
        uses: int = obj.uses
        return uses

    @admin.display(description=gettext_lazy("secrets"))
    def condition(self, obj: Credential) -> str:
        return _find_fault(obj) or _("usable")

    @admin.display(description=gettext_lazy("secrets changed"), ordering="changed_at", empty_value="–")
    def changed_words(self, obj: Credential) -> str | None:
        return describe_instant(obj.changed_at) or None

    @admin.display(description=gettext_lazy("kind"))
    def kind_words(self, obj: Credential | None) -> str:
        return str(CredentialKind(obj.kind).label) if obj and obj.kind in CredentialKind.values else "–"

    @admin.display(description=gettext_lazy("used by"))
    def used_by(self, obj: Credential) -> str:
        shown = list(_find_users(obj)[: MAX_NAMES_SHOWN + 1])
        if not shown:
            return _("no endpoint")
        lines = format_html_join("", "<li>{}</li>", ((self._link(each),) for each in shown[:MAX_NAMES_SHOWN]))
        more = _("and more") if len(shown) > MAX_NAMES_SHOWN else ""
        return format_html('<ul class="hc-users">{}</ul>{}', lines, more)

    def _link(self, endpoint: Endpoint) -> SafeString:
        url = reverse(f"{self.admin_site.name}:healthcheck_endpoint_change", args=[endpoint.pk])
        return format_html('<a href="{}">{}</a>, {}', url, endpoint.name, endpoint.group.name)

    @admin.display(description=gettext_lazy("details"))
    def details_words(self, obj: Credential) -> SafeString:
        """Shown in place of the form to people who may only look."""
        lines = [f"{name.replace('_', ' ')}: {_write(value)}" for name, value in sorted(obj.details.items())]
        return format_html('<pre class="hc-text">{}</pre>', "\n".join(lines))

    # The form.

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        kind = obj.kind if obj else request.GET.get("kind", "")
        return super().get_form(request, obj, change, **options, form=FORMS.get(kind, CredentialForm))

    def get_fieldsets(self, request: HttpRequest, obj: Credential | None = None) -> Any:
        state = (_("State"), {"fields": ("condition", "used_by", "changed_words")})
        if obj is not None and (not self.has_change_permission(request, obj) or obj.kind not in FORMS):
            return ((None, {"fields": ("name", "kind_words", "details_words")}), state)
        form = FORMS[obj.kind if obj else request.GET["kind"]]
        own = list(form.public)
        for name in form.secret:
            own += [name, f"clear_{name}"] if obj and name in form.removable else [name]
        fieldset = (None, {"fields": ["name", "kind_words", *own, "origins"]})
        return (fieldset, state) if obj else (fieldset,)

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> tuple[str, ...]:
        return ("kind_words", "details_words", "condition", "used_by", "changed_words")

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # The form reads what was typed under the row's lock, so that it judges what it will write over. A key with a
        # passphrase takes a tenth of a second of it; on SQLite every other writer waits that long.
        return super().changeform_view(request, *args, **kwargs)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if request.GET.get("kind") not in FORMS and self.has_add_permission(request):
            return self._choose_kind(request)
        return super().add_view(request, form_url, extra_context)

    def _choose_kind(self, request: HttpRequest) -> HttpResponse:
        choices = []
        for kind in CredentialKind:
            query = request.GET.copy()
            query["kind"] = kind.value
            choices.append((kind.label, EXPLANATIONS[kind.value], f"?{query.urlencode()}"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add credential"),
            "subtitle": _("Choose its kind"),
            "opts": self.opts,
            "choices": choices,
            "is_popup": "_popup" in request.GET,
        }
        return TemplateResponse(request, "admin/healthcheck/credential_kinds.html", context)

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        if not change:
            obj.changed_at = read_database_clock()
            obj.save()
            return
        stored = Credential.objects.get(pk=obj.pk)
        columns = changed_columns(form)
        columns += [name for name in ("details", "sealed") if getattr(obj, name) != getattr(stored, name)]
        if "sealed" in columns:
            # When the secrets were: the history says so of nothing else.
            obj.changed_at = read_database_clock()
            columns.append("changed_at")
        if columns:
            obj.save(update_fields=columns)

    # Deleting: refused while endpoints use it. Those that wait for the pruner do not count.

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        names = [str(each) for each in objs]
        users = _find_users(*objs)[:MAX_NAMES_SHOWN]
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        counts = {str(self.opts.verbose_name_plural): len(names)}
        return names, counts, missing, [self._link(each) for each in users]

    def delete_model(self, request: HttpRequest, obj: Credential) -> None:
        self.delete_queryset(request, Credential.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with self.recording(request, ids, action=VersionAction.DELETED):
            Endpoint.objects.filter(credential__in=ids, deleted_at__isnull=False).update(credential=None)
            Credential.objects.filter(pk__in=ids).delete()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return self._refuse_late_use(request, lambda: super(CredentialAdmin, self).delete_view(request, object_id))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return self._refuse_late_use(
            request, lambda: super(CredentialAdmin, self).changelist_view(request, extra_context)
        )

    def _refuse_late_use(self, request: HttpRequest, act: Any) -> Any:
        """An endpoint may have begun to use it after the confirmation was shown."""
        try:
            return act()
        except ProtectedError:
            self.message_user(request, _("An endpoint uses it by now; nothing was deleted."), messages.ERROR)
            return redirect(f"{self.admin_site.name}:healthcheck_credential_changelist")

    # Checking.

    @admin.action(permissions=["view"], description=gettext_lazy("Check selected %(verbose_name_plural)s"))
    def check_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Say of each whether it can be opened and read, and which endpoints use it. Asks nobody."""
        chosen = list(queryset[: MAX_CHECKED + 1])
        if len(chosen) > MAX_CHECKED:
            sentence = _("More than %(limit)s are selected, and each is opened; narrow the list and check in parts.")
            self.message_user(request, sentence % {"limit": MAX_CHECKED}, messages.ERROR)
            return
        faults = [_find_fault(credential) for credential in chosen]
        lines = [(_describe_checked(each, fault),) for each, fault in zip(chosen, faults, strict=True)]
        level = messages.ERROR if any(faults) else messages.SUCCESS
        self.message_user(request, format_html_join(mark_safe("<br>"), "{}", lines), level)


def _describe_checked(credential: Any, fault: str) -> str:
    users = [each.name for each in _find_users(credential)[: MAX_NAMES_SHOWN + 1]]
    words = ngettext("used by %(count)s endpoint", "used by %(count)s endpoints", credential.uses)
    names = ", ".join(users[:MAX_NAMES_SHOWN]) + ("…" if len(users) > MAX_NAMES_SHOWN else "")
    sentence = _("“%(name)s”: %(condition)s; %(use)s") % {
        "name": credential.name,
        "condition": fault or _("usable"),
        "use": words % {"count": credential.uses},
    }
    return f"{sentence}: {names}" if names else sentence


def _find_users(*credentials: Credential) -> QuerySet[Endpoint]:
    ids = [credential.pk for credential in credentials]
    found = Endpoint.objects.existing().filter(credential__in=ids).select_related("group")
    return found.order_by("group__name", "name", "pk")


def _find_fault(credential: Credential) -> str:
    try:
        credential.parse()
    except (SecretsError, ConfigurationError) as error:
        return str(error)
    return ""


def _write(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
