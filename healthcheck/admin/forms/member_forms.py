"""The members of an endpoint that is made of others, as lines in its form."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.member_fields import MemberLines, MembersField
from healthcheck.admin.forms.option_fields import name_kinds
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.member_documents import read_members
from healthcheck.definitions.member_lines import Entry, write_members
from healthcheck.definitions.members import KIND, check_members, store_members


class MembersForm(ModelFormBase):
    """The part of the endpoint's form that says what it is made of. Whoever saves it holds the lock against circles."""

    # Where endpoints are found by their names; set by the admin, which makes a class of the form for each request.
    find_url: ClassVar[str] = ""

    members = MembersField(
        label=_("Members"),
        help_text=_(
            "One endpoint per line: its group's slug, a slash and its name, and after a colon a weight other than 1, "
            "as in web/Checkout: 3."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["members"] = write_members(self._stored_members)
        widget = self.fields["members"].widget
        assert isinstance(widget, MemberLines)
        widget.find_url = self.find_url
        name_kinds(widget, [KIND])

    @cached_property
    def _stored_members(self) -> list[Entry]:
        # As it was before the form wrote what was typed over it.
        is_made_of_others = self.instance.pk and self.instance.kind == KIND
        return read_members([self.instance.pk]).get(self.instance.pk, []) if is_made_of_others else []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.draft = self._draft_members(cleaned)
        check_members([self.draft])
        for refusal in self.draft.refusals:
            self.add_error("members", refusal)
        return cleaned

    def _draft_members(self, cleaned: dict[str, Any]) -> Draft:
        group = cleaned.get("group") or (self.instance.group if self.instance.group_id else None)
        after = {
            "group": group.slug if group else "",
            "name": cleaned.get("name") or "",
            "kind": cleaned.get("kind") or self.instance.kind,
            "members": cleaned.get("members") or [],
        }
        before = after | {"members": self._stored_members} if self.instance.pk else None
        return Draft(after, pk=self.instance.pk, before=before)

    def store_members(self) -> None:
        """Store what was checked. To be called once the endpoint itself is stored, in the transaction of the check."""
        store_members([(self.instance.pk, self.draft)])
