"""The subscription of a browser, and a button that makes one of the browser at hand; without a script it is pasted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.admin.fields.secret_fields import SecretTextarea, SecretTextField


class SubscriptionArea(SecretTextarea):
    """A text area that comes back empty, with a button. `worker_url` is where the browser finds what shows messages."""

    worker_url = ""

    class Media:
        css = {"all": ("healthcheck/explanation.css",)}
        js = ("healthcheck/push.js",)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        area = super().render(name, value, attrs, renderer)
        if not self.worker_url:
            return area
        sentences = format_html_join("", ' data-hc-push-{}="{}"', _list_sentences().items())
        return format_html(
            '<div class="hc-push" data-hc-push-script="{url}" data-hc-push-field="{field}"{sentences} hidden>'
            '<button type="button" class="hc-press">{label}</button> <span class="hc-quiet" role="status"></span>'
            "</div>{area}",
            url=self.worker_url,
            field=str((attrs or {}).get("id", name)),
            sentences=sentences,
            label=_("Use this browser"),
            area=area,
        )


class SubscriptionField(SecretTextField):
    """JSON that the button writes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget = SubscriptionArea(attrs=self.widget.attrs)


def aim_at_worker(form: forms.BaseForm, url: str) -> None:
    """Say to the fields of a form that have a button where the script is."""
    for field in form.fields.values():
        if isinstance(field.widget, SubscriptionArea):
            field.widget.worker_url = url


def _list_sentences() -> dict[str, str]:
    """Return what may come of the button; `push.js` knows them by these names."""
    return {
        "waiting": _("The browser is asked…"),
        "done": _("This browser is in the field now; save to use it."),
        "another": _(
            "This browser is in the field now; save to use it. It was subscribed before, and the channel that held "
            "that subscription reaches it no longer."
        ),
        "insecure": _("Push needs HTTPS; open this page with https:// and press again."),
        "unable": _(
            "This browser has no push here; leave its private mode, put the site on the home screen of an iPhone or "
            "iPad and open it there, or take a current Firefox, Chrome, Edge or Safari."
        ),
        "denied": _(
            "Notifications of this site are not allowed; allow them in the browser's settings of the site and press "
            "again."
        ),
        "worker": _(
            "The browser does not start the script that shows notifications; give the site a certificate that the "
            "browser trusts, see that nothing on the way asks for a login or changes its address, and press again."
        ),
        "away": _(
            "The browser's push service cannot be reached; leave a private window, let this device reach the service "
            "through firewall and proxy, and press again."
        ),
    }
