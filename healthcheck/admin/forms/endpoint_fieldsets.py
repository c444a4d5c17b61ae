"""The parts of an endpoint's form, in their order; what few need is folded."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.forms.folds import FOLDED
from healthcheck.admin.forms.plugin_fields import list_plugin_fields

_IDENTITY: Any = (
    None,
    {"fields": (("group", "name"), "kind", "address", "tags", "description", ("position", "is_paused"))},
)
_MASKED_IDENTITY: Any = (
    None,
    {"fields": (("group", "name"), "kind_words", "masked_address", "tags", "description", ("position", "is_paused"))},
)
_JUDGEMENT: Any = (
    gettext_lazy("What is expected"),
    {"fields": ("assertions", "timeout_seconds", ("failure_threshold", "recovery_threshold"))},
)
_REQUEST: Any = (gettext_lazy("Request (http)"), {"fields": ("credential", "method", "headers")})
_MORE_OF_REQUEST: Any = (
    gettext_lazy("Parameters, body, host, redirects and limits (http)"),
    {
        "fields": ("query", "body_type", "body", "host", ("max_redirects", "redirect_scope"), "max_body_bytes"),
        "classes": (FOLDED,),
    },
)
_MEMBERS: Any = (
    gettext_lazy("Members (group)"),
    {"fields": ("member_rule", "members", ("up_share", "degraded_share"), "degraded_is_down")},
)
_DIALOGUE: Any = (gettext_lazy("Dialogue (tcp)"), {"fields": ("dialogue", "is_encrypted")})
_HEARTBEAT: Any = (
    gettext_lazy("When the job is expected (heartbeat)"),
    {"fields": ("period_seconds", ("cron", "timezone"), ("grace_seconds", "max_run_seconds"), "expected")},
)
_QUESTION: Any = (gettext_lazy("Question (dns)"), {"fields": ("record_type", "server", "is_iterative")})
_CONNECTION: Any = (
    gettext_lazy("Connection"),
    {"fields": ("family", "addresses", "resolver", "proxy"), "classes": (FOLDED,)},
)
_TRUST: Any = (
    gettext_lazy("Trust and TLS"),
    {"fields": ("verify", "ca_pem", "server_name", ("tls_min", "tls_max")), "classes": (FOLDED,)},
)
_ECHOES: Any = (
    gettext_lazy("Echo requests (icmp)"),
    {"fields": (("packets", "packet_interval_ms"), ("packet_wait_ms", "packet_bytes"))},
)
_FORM: Any = (
    _IDENTITY,
    _JUDGEMENT,
    _MEMBERS,
    _REQUEST,
    _DIALOGUE,
    _QUESTION,
    _ECHOES,
    _HEARTBEAT,
    _MORE_OF_REQUEST,
    _CONNECTION,
    _TRUST,
)
STATE: Any = (gettext_lazy("State"), {"fields": ("state", "since", "last_error", "last_result")})
_OPTIONS: Any = (gettext_lazy("Options"), {"fields": ("credential", "options_words", "members")})
# For people who may only look.
READ_ONLY: Any = (_MASKED_IDENTITY, _JUDGEMENT, _OPTIONS, STATE)


def list_form() -> Any:
    """Return the parts with fields to fill in, those of installed kinds among them."""
    return (*_FORM, *_list_plugin_fieldsets())


def _list_plugin_fieldsets() -> Any:
    names = list_plugin_fields()
    return ((_("Options of further kinds"), {"fields": names}),) if names else ()
