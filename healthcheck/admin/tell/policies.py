"""Policies: who is told of what, with their steps in the same form."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.look.badges import draw_paused
from healthcheck.admin.look.bases import InlineFormSetBase, ModelFormBase, TabularInlineBase
from healthcheck.admin.tell.told import ToldAdmin
from healthcheck.admin.tell.words import draw_severity
from healthcheck.engine.incidents import Severity
from healthcheck.models import NotificationPolicy, PolicyStep

# A policy that asks so many times has been answered by nobody, and will not be.
MAX_STEPS = 10


class PolicyForm(ModelFormBase):
    class Meta:
        model = NotificationPolicy
        fields = (
            "name",
            "is_enabled",
            "min_severity",
            "groups",
            "tags",
            "hours",
            "timezone",
            "sends_recovery",
            "reminder_minutes",
        )
        widgets: ClassVar[dict[str, Any]] = {
            "hours": forms.TextInput(attrs={"class": "vTextField", "spellcheck": "false"}),
            "timezone": forms.TextInput(attrs={"class": "vTextField", "spellcheck": "false"}),
        }


class StepFormSet(InlineFormSetBase):
    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not any(self.errors) and not kept:
            raise ValidationError(_("A policy without a step tells nobody; add one."))


class StepInline(TabularInlineBase):
    model = PolicyStep
    formset = StepFormSet
    autocomplete_fields = ("channels",)
    extra = 0
    min_num = 1
    max_num = MAX_STEPS
    verbose_name = gettext_lazy("step")
    verbose_name_plural = gettext_lazy("steps: who is told after so many minutes in which nobody acknowledges it")


@admin.register(NotificationPolicy)
class NotificationPolicyAdmin(ToldAdmin):
    form = PolicyForm
    inlines = (StepInline,)
    list_display = ("name", "standing", "severity_words", "about", "step_words")
    empty_words = gettext_lazy(
        "A policy says who is told of what, and who next when nobody answers. Without one nobody is told of anything."
    )
    list_filter = ("is_enabled", "min_severity")
    search_fields = ("name",)
    autocomplete_fields = ("groups", "tags")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled")}),
        (
            gettext_lazy("Of what"),
            {
                "fields": ("min_severity", "groups", "tags"),
                "description": gettext_lazy("Without groups and tags it is about every endpoint."),
            },
        ),
        (gettext_lazy("When"), {"fields": (("hours", "timezone"), ("reminder_minutes", "sends_recovery"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related("groups", "tags", "steps__channels")

    @admin.display(description=gettext_lazy("condition"), ordering="is_enabled")
    def standing(self, obj: NotificationPolicy) -> SafeString | str:
        if not obj.is_enabled:
            return draw_paused(_("off"))
        return obj.hours or _("always")

    @admin.display(description=gettext_lazy("from severity"), ordering="min_severity")
    def severity_words(self, obj: NotificationPolicy) -> SafeString:
        return draw_severity(Severity(obj.min_severity))

    @admin.display(description=gettext_lazy("about"))
    def about(self, obj: NotificationPolicy) -> str:
        names = [*(group.name for group in obj.groups.all()), *(tag.name for tag in obj.tags.all())]
        return ", ".join(names) or _("every endpoint")

    @admin.display(description=gettext_lazy("steps"))
    def step_words(self, obj: NotificationPolicy) -> str:
        return "; ".join(_describe_step(step) for step in obj.steps.all())


def _describe_step(step: PolicyStep) -> str:
    names = ", ".join(channel.name for channel in step.channels.all()) or _("nobody")
    if not step.after_minutes:
        return names
    words = ngettext("after %(count)s minute: %(names)s", "after %(count)s minutes: %(names)s", step.after_minutes)
    return words % {"count": step.after_minutes, "names": names}
