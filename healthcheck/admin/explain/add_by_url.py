"""Adding by pasting a URL: it is probed at once, the answer shown, and what fits it offered to be expected."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.explain.add_by_url_forms import (
    DEFAULT_INTERVAL_SECONDS,
    DetailsForm,
    UrlForm,
    build_endpoint,
    build_group,
    choose_first,
    find_group,
    suggest_group_name,
    suggest_name,
)
from healthcheck.admin.explain.answers import describe_probed
from healthcheck.admin.explain.probing import MAX_SECONDS, NotProbedError, Probed, probe_endpoint
from healthcheck.admin.fields.text_fields import write_assertions
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.versions import lock_rows, record_versions
from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointGroup
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.clock import restart_clocks
from healthcheck.pipeline.explain import Explanation
from healthcheck.pipeline.schemes import WORTH_PLAIN, find_kind, list_candidates

# Which field of which form shows what a model refuses.
_FIELDS = {
    "name": "name",
    NON_FIELD_ERRORS: "name",
    "interval_seconds": "interval_seconds",
    "deadline_seconds": "interval_seconds",
}


# A guess would be checked for ever: what is down now may speak either of them tomorrow.
_NEITHER = gettext_lazy("Neither https:// nor http:// answered; write before the address which of them it is.")
_SCHEMELESS = gettext_lazy("Write https:// or http:// before the address, or probe it, which finds out.")


class AddByUrlViews(OperatedAdmin):
    """The part of the endpoint's admin that adds by URL."""

    change_list_template = "admin/healthcheck/endpoint_change_list.html"
    first_url = "add_by_url"

    class Media:
        css = {"all": ("healthcheck/explanation.css",)}

    def get_urls(self) -> list[URLPattern]:
        # A probe takes seconds: a project's ATOMIC_REQUESTS must not hold a transaction meanwhile.
        view = transaction.non_atomic_requests(self.admin_site.admin_view(self.add_by_url_view))
        return [path("add-by-url/", view, name=self._url_name("add_by_url")), *super().get_urls()]

    def add_by_url_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a URL; probe it; save what the person made of the answer."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._show_forms(
                request, self._build_url_form(request, initial={"address": request.GET.get("address")})
            )
        url_form = self._build_url_form(request, request.POST)
        if "_save" not in request.POST:
            return self._probe(request, url_form)
        details = DetailsForm(request.POST)
        # Both are judged, so that all that is wrong is said at once.
        if all([url_form.is_valid(), details.is_valid()]) and (endpoint := self._save(request, url_form, details)):
            return redirect(self.url_of("latest", endpoint.pk))
        return self._show_forms(request, url_form, details)

    def _build_url_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> UrlForm:
        return UrlForm(
            *args, may_add_group=self._may_add_group(request), may_use_any_kind=may_use_any_kind(request), **kwargs
        )

    def _may_add_group(self, request: HttpRequest) -> bool:
        return request.user.has_perm("healthcheck.add_endpointgroup")

    def _probe(self, request: HttpRequest, url_form: UrlForm) -> HttpResponse:
        posted = request.POST if "name" in request.POST else None
        if not url_form.is_valid():
            return self._show_forms(request, url_form, DetailsForm(posted) if posted else None)
        address: str = url_form.cleaned_data["address"]
        typed = DetailsForm(posted) if posted else None
        try:
            endpoint, probed = _probe_candidates(address, _list_typed(typed))
        except NotProbedError as error:
            url_form.add_error("address", str(error))
            return self._show_forms(request, url_form, typed)
        if endpoint is None:
            url_form.add_error("address", _NEITHER)
            return self._show_forms(request, url_form, typed, answer=_describe(probed))
        url_form.data = request.POST.copy()
        url_form.data["address"] = endpoint.address
        details = _rebuild_details(typed, endpoint.address, probed.explanation.suggestions)
        if not url_form.data.get("group") and (group := find_group(endpoint.address)):
            url_form.data["group"] = str(group.pk)
        answer, outlook = _describe(probed), _describe_outlook(probed.explanation)
        return self._show_forms(request, url_form, details, answer=answer, outlook=outlook)

    def _save(self, request: HttpRequest, url_form: UrlForm, details: DetailsForm) -> Endpoint | None:
        """Store the group, where it is new, the endpoint and its assertions; None where something is refused."""
        (address, *others) = list_candidates(url_form.cleaned_data["address"])
        if others:
            url_form.add_error("address", _SCHEMELESS)
            return None
        cleaned, now = details.cleaned_data, read_database_clock()
        group: EndpointGroup | None = url_form.cleaned_data["group"]
        try:
            with transaction.atomic():
                if group is None:
                    group = self._save_group(request, address, cleaned)
                lock_rows(EndpointGroup, [group.pk])
                if not EndpointGroup.objects.existing().filter(pk=group.pk).exists():
                    raise ValidationError({"group": _("The group was deleted meanwhile; choose another.")})
                endpoint = build_endpoint(group, cleaned["name"], address)
                endpoint.full_clean()
                endpoint.save()
                write_assertions(endpoint, "\n".join(details.list_assertions(cleaned)))
                restart_clocks([group.pk], now)
                self._record_new(request, endpoint)
        except ValidationError as error:
            _show_refusal(error, url_form, details)
            return None
        except IntegrityError:
            details.add_error("name", _("Somebody has just added the same; look at the list of endpoints."))
            return None
        self.log_addition(request, endpoint, _("Added by URL."))
        return endpoint

    def _save_group(self, request: HttpRequest, address: str, cleaned: dict[str, Any]) -> EndpointGroup:
        if not self._may_add_group(request):
            raise PermissionDenied
        name = cleaned["group_name"] or suggest_group_name(address)
        group = build_group(name, cleaned["interval_seconds"] or DEFAULT_INTERVAL_SECONDS)
        group.full_clean()
        group.save()
        self._record_new(request, group)
        return group

    def _record_new(self, request: HttpRequest, obj: Endpoint | EndpointGroup) -> None:
        record_versions(type(obj), {}, read_documents(type(obj), [obj.pk]), describe_change(request))

    def _show_forms(
        self, request: HttpRequest, url_form: UrlForm, details: DetailsForm | None = None, **context: Any
    ) -> HttpResponse:
        context |= {
            **self.admin_site.each_context(request),
            "title": _("Add an endpoint by its URL"),
            "opts": self.opts,
            "url_form": url_form,
            "details": details,
            "add_url": reverse(f"{self.admin_site.name}:{self._url_name('add')}"),
        }
        return TemplateResponse(request, "admin/healthcheck/add_by_url.html", context)


def _describe(probed: Probed) -> Any:
    return describe_probed(probed, shows_headers=True, shows_credential=True)


def _describe_outlook(told: Explanation) -> str:
    """Return what is shown of it once it is added, and until when."""
    if told.verdict is State.UNKNOWN:
        return _("It can be added all the same, and will be shown as unknown until it can be checked.")
    if told.verdict is State.DEGRADED:
        return _("It can be added all the same, and will be shown as degraded until its answer is as expected.")
    if told.http_status:
        return _("It can be added all the same, and will be shown as down until its answer is as expected.")
    return _("It can be added all the same, and will be shown as down until it answers.")


def _probe_candidates(address: str, assertions: list[str]) -> tuple[Endpoint | None, Probed]:
    """Probe the address with the schemes that it may mean; return the first that answers.

    Where several are meant and none answers there is no endpoint, only what was seen of the first.
    """
    candidates = list_candidates(address)
    found: list[tuple[Endpoint, Probed]] = []
    for candidate in candidates:
        # All of them together take no longer than one.
        endpoint = Endpoint(kind=find_kind(candidate), address=candidate, timeout_seconds=MAX_SECONDS / len(candidates))
        found.append((endpoint, probe_endpoint(endpoint, assertions, now=read_database_clock())))
        if found[-1][1].explanation.error_kind not in WORTH_PLAIN:
            return found[-1]
    return (found[0][0] if len(found) == 1 else None), found[0][1]


def _list_typed(typed: DetailsForm | None) -> list[str]:
    if typed is None:
        return []
    typed.is_valid()
    return typed.list_assertions(typed.cleaned_data) if not typed.has_error("further") else []


def _rebuild_details(typed: DetailsForm | None, address: str, suggestions: tuple[str, ...]) -> DetailsForm:
    """Return the form with what was typed, or with what suits the answer."""
    if typed is None:
        initial = {
            "name": suggest_name(address),
            "group_name": suggest_group_name(address),
            "interval_seconds": DEFAULT_INTERVAL_SECONDS,
            "chosen": choose_first(suggestions),
        }
        return DetailsForm(initial=initial, offered=suggestions)
    return DetailsForm(typed.data, offered=suggestions)


def _show_refusal(error: ValidationError, url_form: UrlForm, details: DetailsForm) -> None:
    refusals = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: [error]}
    for field, refused in refusals.items():
        for refusal in refused:
            if field == "address":
                url_form.add_error("address", refusal)
            else:
                details.add_error(_FIELDS.get(field), refusal)
