"""How people are told: one file per way. What is sent is a `Message`, and nothing here knows the database."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Notifier, OptionalNotifier

# Loaded when first used, so that what a deployment does not use costs it nothing.
NOTIFIERS: dict[str, str] = {
    "email": "healthcheck.notifiers.email:EmailNotifier",
    "webhook": "healthcheck.notifiers.webhook:WebhookNotifier",
    "slack": "healthcheck.notifiers.slack:SlackNotifier",
    "teams": "healthcheck.notifiers.teams:TeamsNotifier",
    "discord": "healthcheck.notifiers.discord:DiscordNotifier",
    "telegram": "healthcheck.notifiers.telegram:TelegramNotifier",
    "pagerduty": "healthcheck.notifiers.pagerduty:PagerDutyNotifier",
    "opsgenie": "healthcheck.notifiers.opsgenie:OpsgenieNotifier",
    "ntfy": "healthcheck.notifiers.ntfy:NtfyNotifier",
    "webpush": "healthcheck.notifiers.webpush:WebPushNotifier",
    "apprise": "healthcheck.notifiers.apprise:AppriseNotifier",
}


@cache
def load_notifier(kind: str) -> Notifier:
    """Return the notifier of a kind. Raises ConfigurationError for a kind that is not known."""
    path = NOTIFIERS.get(kind)
    if path is None:
        known = ", ".join(NOTIFIERS)
        raise ConfigurationError(f"There is no channel of the kind {kind!r}; choose one of {known}.", field="kind")
    module, _, name = path.partition(":")
    notifier: Notifier = getattr(import_module(module), name)()
    return notifier


def describe_lack(kind: str) -> str:
    """Return what a kind lacks to be used here, in a sentence that names the cure; empty for nothing."""
    notifier = load_notifier(kind)
    return notifier.describe_lack() if isinstance(notifier, OptionalNotifier) else ""
