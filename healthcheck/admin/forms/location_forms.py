"""The form of a location: its control targets are refused where the deployment's address policy forbids them."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Location
from healthcheck.pipeline.limits import check_control_targets

ROWS = 5


class LocationForm(ModelFormBase):
    class Meta:
        model = Location
        fields = "__all__"
        widgets = {
            "control_targets": forms.Textarea(attrs={"rows": ROWS, "class": "vLargeTextField", "spellcheck": "false"}),
        }

    def clean_control_targets(self) -> str:
        text: str = self.cleaned_data["control_targets"]
        try:
            check_control_targets(text)
        except ConfigurationError as error:
            raise ValidationError(error.sentence) from None
        return text
