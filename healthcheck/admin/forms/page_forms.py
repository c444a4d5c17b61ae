"""The forms of a status page and its sections. A file that is not a picture costs nothing else of what was entered."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django import forms
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.logos import MAX_SIDE, MAX_UPLOAD_BYTES, LogoError, encode_logo
from healthcheck.admin.fields.page_lines import parse_lines, write_lines
from healthcheck.admin.fields.secret_fields import SecretField, ask_again
from healthcheck.admin.fields.text_fields import TextField
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.look.dress import dress_form
from healthcheck.models import PageItem, PageSection, StatusPage
from healthcheck.models.page import Visibility
from healthcheck.web.language import list_spoken

MAX_PASSWORD_LENGTH = 1000
_SALT = "healthcheck.admin.logo"


class LogoInput(forms.FileInput):
    """A file input, and what unfold's script expects near it: a text input to write the name of the file into."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return super().render(*args, **kwargs) + SafeString('<input type="text" hidden disabled>')


class LogoField(forms.FileField):
    """A picture, cleaned to PNG of our own making."""

    def __init__(self, **options: Any) -> None:
        widget = LogoInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"})
        super().__init__(required=False, widget=widget, **options)

    def clean(self, data: Any, initial: Any = None) -> bytes:
        upload = super().clean(data, initial)
        if not upload:
            return b""
        try:
            # One more than allowed is enough to be refused.
            return encode_logo(upload.read(MAX_UPLOAD_BYTES + 1))
        except LogoError as error:
            raise ValidationError(str(error)) from None


class StatusPageForm(ModelFormBase):
    """Password and logo are written and never shown as values; what else is refused, a good logo stays chosen."""

    new_password = SecretField(label=_("New password"), max_length=MAX_PASSWORD_LENGTH)
    remove_password = forms.BooleanField(label=_("Remove the password"), required=False)
    logo_file = LogoField(
        label=_("New logo"),
        help_text=_("A PNG, JPEG, GIF or WebP picture. It is made smaller than %(side)s pixels.") % {"side": MAX_SIDE},
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    kept_logo = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = StatusPage
        fields = (
            "title",
            "slug",
            "description",
            "shows_all_groups",
            "groups",
            "visibility",
            "accent",
            "theme",
            "language",
            "counts_degraded_as_good",
            "announcement",
            "announcement_level",
        )
        widgets = {
            "accent": forms.TextInput(attrs={"size": 9, "placeholder": "#2456c9", "spellcheck": "false"}),
            "announcement": forms.Textarea(attrs={"rows": 5, "cols": 80}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "language" in self.fields:
            self.fields["language"] = self._build_language()
            dress_form(self)
        if "new_password" in self.fields:
            mark = gettext("(set) Leave it empty to keep it.") if self.instance.password else gettext("(not set)")
            self.fields["new_password"].help_text = mark

    def _build_language(self) -> forms.ChoiceField:
        written = list_spoken()
        # A language that is no longer spoken is not lost by saving something else.
        stored = {self.instance.language: self.instance.language} if self.instance.language else {}
        choices = [("", gettext("the visitor's")), *({**stored, **{c: gettext(n) for c, n in written.items()}}).items()]
        return forms.ChoiceField(label=_("Language"), choices=choices, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        has_password = bool(cleaned.get("new_password")) or (
            bool(self.instance.password) and not cleaned.get("remove_password")
        )
        if cleaned.get("visibility") == Visibility.PASSWORD and not has_password:
            self.add_error("new_password", gettext("Enter a password: without one nobody could see the page."))
        cleaned["logo_file"] = cleaned.get("logo_file") or _open_logo(self.data.get(self.add_prefix("kept_logo"), ""))
        return cleaned

    def full_clean(self) -> None:
        """Keep a good logo while something else is corrected; the model's own refusals come last."""
        super().full_clean()
        ask_again(self, "new_password")
        logo = getattr(self, "cleaned_data", {}).get("logo_file")
        if self.errors and logo:
            # A browser sends no file twice, so it comes along in a field, sealed.
            posted: Any = self.data.copy()  # type: ignore[attr-defined]  # as every form of a request is
            posted[self.add_prefix("kept_logo")] = _seal_logo(logo)
            self.data = posted
            self.fields["logo_file"].help_text = gettext("The picture that you chose is kept; save to use it.")

    def save(self, commit: bool = True) -> Any:
        """Set what has no field of the same name; Django's own way, in which the caller stores the row."""
        if self.cleaned_data.get("new_password"):
            self.instance.password = make_password(self.cleaned_data["new_password"])
        elif self.cleaned_data.get("remove_password"):
            self.instance.password = ""
        if self.cleaned_data.get("logo_file"):
            self.instance.logo = self.cleaned_data["logo_file"]
        elif self.cleaned_data.get("remove_logo"):
            self.instance.logo = None
        return super().save(commit=commit)


class PageSectionForm(ModelFormBase):
    """A section with what it shows as lines, cleaned to unsaved items."""

    shows = TextField(
        rows=4,
        label=_("Shows"),
        help_text=_(
            "One thing per line, in order: a group's slug for all of it, or slug / endpoint for one of them. After | "
            "stands what to show instead of the name."
        ),
    )

    class Meta:
        model = PageSection
        fields = ("position", "title", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["shows"] = write_lines(self.instance.items.all())

    def clean_shows(self) -> list[PageItem]:
        return parse_lines(self.cleaned_data["shows"])


def replace_items(section: PageSection, items: list[PageItem]) -> None:
    """Make a stored section show these and nothing else."""
    section.items.all().delete()
    for item in items:
        item.section = section
    PageItem.objects.bulk_create(items)


def _seal_logo(logo: bytes) -> str:
    return signing.dumps(base64.b64encode(logo).decode("ascii"), salt=_SALT)


def _open_logo(sealed: str) -> bytes:
    """Return a logo that this form made itself, nothing for anything else."""
    try:
        return base64.b64decode(signing.loads(sealed, salt=_SALT, max_age=86400))
    except (signing.BadSignature, binascii.Error):
        return b""
