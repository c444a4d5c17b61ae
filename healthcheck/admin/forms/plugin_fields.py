"""The options of kinds of third parties as fields of a form, derived from their defaults: we know no better."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.text_fields import TextField
from healthcheck.admin.forms.endpoint_forms import EndpointForm
from healthcheck.engine.probes import collect_defaults


@cache
def make_plugin_fields() -> Mapping[str, forms.Field]:
    """Return a field for each option that no field of ours is for."""
    ours = EndpointForm.base_fields
    return {name: _make_field(name, value) for name, value in collect_defaults().items() if name not in ours}


def list_plugin_fields() -> tuple[str, ...]:
    return tuple(make_plugin_fields())


@cache
def make_endpoint_form() -> type[EndpointForm]:
    """Return the endpoint's form with them."""
    fields = dict(make_plugin_fields())
    return type("EndpointForm", (EndpointForm,), fields) if fields else EndpointForm


def _make_field(name: str, default: Any) -> forms.Field:
    label = capfirst(name.replace("_", " "))
    if isinstance(default, bool):
        return forms.BooleanField(label=label, required=False)
    if isinstance(default, int):
        return forms.IntegerField(label=label)
    if isinstance(default, float):
        return forms.FloatField(label=label)
    if isinstance(default, str):
        return TextField(rows=2, label=label)
    return forms.JSONField(label=label, required=False, help_text=_("In JSON."))
