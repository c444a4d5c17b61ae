"""Try before save: a second button of the endpoint's form probes exactly what the form says, and writes nothing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from healthcheck.admin.explain.answers import describe_probed
from healthcheck.admin.explain.probing import NotProbedError, probe_endpoint
from healthcheck.admin.fields.text_fields import split_assertions
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.engine.probes import list_asked_kinds
from healthcheck.models.clock import read_database_clock

# The name of the button.
TRY = "_try"


class TryViews(OperatedAdmin):
    """The part of the endpoint's admin that tries a form. It stands before whatever saves."""

    change_form_template = "admin/healthcheck/endpoint_change_form.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (_TriedForm, form), {}) if _is_try(request) else form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:  # type: ignore[override]
        context["asked_kinds"] = " ".join(list_asked_kinds())
        return super().render_change_form(request, context, **options)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().changeform_view(request, object_id, *args, **kwargs)
        if _is_try(request) and isinstance(response, TemplateResponse) and response.context_data is not None:
            # Out here the transaction of the form is over: a probe takes seconds, and locks nobody out.
            response.context_data |= self._try(request, response.context_data["adminform"].form)
        return response

    def _try(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        if form.errors:
            return {}
        assertions = split_assertions(form.cleaned_data["assertions"])
        try:
            probed = probe_endpoint(form.instance, assertions, now=read_database_clock())
        except NotProbedError as error:
            return {"not_tried": str(error)}
        # Only people who may change the endpoint come here.
        may_see = request.user.has_perm("healthcheck.view_credential")
        return {"tried": describe_probed(probed, shows_headers=True, shows_credential=may_see)}


class _TriedForm:
    """A form that is shown again whatever it holds, with all that was typed, so that nothing is saved."""

    def is_valid(self) -> bool:
        return False


def _is_try(request: HttpRequest) -> bool:
    return request.method == "POST" and TRY in request.POST
