"""The form of a channel by web push, with a script and without, and the script that shows what is pushed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from healthcheck.models import NotificationChannel
from healthcheck.models.secrets import make_key
from tests.notifiers.push_browser import CONTACT, PushBrowser

pytestmark = pytest.mark.django_db

ADD = "/admin/healthcheck/notificationchannel/add/?kind=webpush"
WORKER = "/admin/healthcheck/notificationchannel/push/worker.js"
SUBSCRIPTION = json.dumps(PushBrowser().subscribe("https://push.example.test/wp/a"))
FIELDS = {
    "name": "laptop",
    "is_enabled": "on",
    "pause_seconds": "60",
    "own_subscription": SUBSCRIPTION,
    "own_contact": CONTACT,
}


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}


def test_form_has_a_button_and_its_script(operator: Client) -> None:
    form = operator.get(ADD).content.decode()
    assert f'data-hc-push-script="{WORKER}" data-hc-push-field="id_own_subscription"' in form
    assert "healthcheck/push.js" in form
    assert "onclick" not in form.partition('class="hc-push"')[2].partition("</div>")[0]


def test_forms_of_other_kinds_have_neither(operator: Client) -> None:
    form = operator.get(ADD.replace("webpush", "webhook")).content.decode()
    assert "hc-push" not in form
    assert "healthcheck/push.js" not in form


def test_subscription_is_pasted_where_there_is_no_script(operator: Client) -> None:
    form = operator.get(ADD).content.decode()
    assert form.partition('data-hc-push-script="')[2].partition(">")[0].endswith(" hidden")
    assert operator.post(ADD, FIELDS).status_code == 302
    channel = NotificationChannel.objects.get()
    assert channel.details == {"contact": CONTACT}
    assert channel.open_secrets() == {"subscription": SUBSCRIPTION}
    url = f"/admin/healthcheck/notificationchannel/{channel.pk}/change/"
    assert "push.example.test" not in operator.get(url).content.decode()


def test_refused_subscription_is_not_sent_back(operator: Client) -> None:
    refused = operator.post(ADD, FIELDS | {"own_subscription": SUBSCRIPTION.replace("https", "http")}).content.decode()
    assert "does not begin with https://; press “Use this browser” again." in refused
    assert "push.example.test" not in refused
    assert not NotificationChannel.objects.exists()


def test_contact_is_changed_without_the_subscription(operator: Client) -> None:
    operator.post(ADD, FIELDS)
    channel = NotificationChannel.objects.get()
    url = f"/admin/healthcheck/notificationchannel/{channel.pk}/change/"
    changed = FIELDS | {"own_subscription": "", "own_contact": "https://example.test/contact"}
    assert operator.post(url, changed).status_code == 302
    channel.refresh_from_db()
    assert channel.details == {"contact": "https://example.test/contact"}
    assert channel.open_secrets() == {"subscription": SUBSCRIPTION}


@pytest.mark.parametrize("language", ["en", "de"])
def test_anybody_is_answered_with_the_worker(client: Client, language: str) -> None:
    assert reverse("admin:healthcheck_notificationchannel_worker") == WORKER
    response = client.get(WORKER, headers={"accept-language": language})
    assert (response.status_code, response["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    # It reaches no further than the folder of its own address.
    assert "Service-Worker-Allowed" not in response
    assert "sessionid" not in response.cookies
    script = response.content.decode()
    assert "icon-down.png" in script.replace("\\u002D", "-")
    assert "fetch" not in script
    assert client.post(WORKER).status_code == 405


def test_worker_is_there_where_everything_else_asks_for_a_login(client: Client, settings: Any) -> None:
    login = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, login]
    settings.LOGIN_URL = "/admin/login/"
    assert client.get("/").status_code == 302
    assert client.get(WORKER).status_code == 200
