"""Web push in a real browser: the button, what it says when something is missing, and what the worker shows and opens.

No push service can be reached here: a subscription is handed to the page where the browser would ask for one, and what
is pushed is handed to the worker by the browser's own protocol.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import NotificationChannel
from healthcheck.models.secrets import make_key
from healthcheck.notifiers.contract import Verdict
from healthcheck.notifiers.message import Item
from healthcheck.notifiers.push_encryption import decode_base64url
from healthcheck.notifiers.webpush import WebPushNotifier
from tests.admin.test_browser import log_in
from tests.admin.test_narrow import PHONE, WIDTH
from tests.barriers import find_barriers
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, RESOLVED, write
from tests.notifiers.push_browser import CONTACT, PushBrowser, open_push_service, read_authority, verify
from tests.notifiers.receiver import REACH

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADD = "/admin/healthcheck/notificationchannel/add/?kind=webpush"
BUTTON = "Use this browser"
BROWSER = PushBrowser()
ENDPOINT = "https://push.example.test/wp/a"
PUSH = {"subscription": json.dumps(BROWSER.subscribe(ENDPOINT)), "contact": CONTACT, "ca_pem": ""}
PATIENCE_SECONDS = 10
COUNT = """() => {
    const show = ServiceWorkerRegistration.prototype.showNotification;
    self.countShown = 0;
    ServiceWorkerRegistration.prototype.showNotification = async function (...given) {
        await show.apply(this, given);
        self.countShown += 1;
    };
}"""
SHOWN = "() => self.registration.getNotifications().then(shown => shown.map(each => each.title))"
DETAILS = """tag => self.registration.getNotifications(tag ? { tag } : {}).then(
    ([first]) => ({ body: first.body, icon: first.icon, actions: first.actions.length }))"""
# Browsers let nobody but a person click: the event is made here, and what would be opened is written down.
CLICK = """async action => {
    const opened = [], [notification] = await self.registration.getNotifications();
    const event = new NotificationEvent("notificationclick", { notification, action });
    let waited = Promise.resolve();
    event.waitUntil = promise => { waited = promise; };
    self.clients.openWindow = async url => { opened.push(url); };
    self.dispatchEvent(event);
    await waited;
    return opened;
}"""
# What a push service would answer the browser, and the key that the page asked it with.
SUBSCRIBE = """(given) => {
    PushManager.prototype.subscribe = function (options) {
        window.askedWith = Array.from(new Uint8Array(options.applicationServerKey));
        const plain = text => atob(text.replace(/-/g, "+").replace(/_/g, "/"));
        const getKey = name => Uint8Array.from(plain(given.keys[name]), each => each.charCodeAt(0)).buffer;
        return Promise.resolve({ endpoint: given.endpoint, getKey });
    };
}"""


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}


def open_form(page: Page, live_server: LiveServer) -> Locator:
    """Open the form of a new channel and return what the button says."""
    log_in(page, live_server)
    page.goto(live_server.url + ADD)
    return page.locator(".hc-push [role=status]")


def press(page: Page, said: Locator) -> str:
    """Press the button and return what comes of it."""
    page.get_by_role("button", name=BUTTON).click()
    expect(said).not_to_have_text("The browser is asked…")
    return said.inner_text()


def subscribe(page: Page, live_server: LiveServer, endpoint: str) -> Locator:
    """Press the button in a browser that is given a subscription."""
    page.context.grant_permissions(["notifications"])
    said = open_form(page, live_server)
    page.evaluate(SUBSCRIBE, BROWSER.subscribe(endpoint))
    assert press(page, said) == "This browser is in the field now; save to use it."
    return said


class Pusher:
    """Hands messages to the worker, as a push service would."""

    def __init__(self, page: Page, live_server: LiveServer) -> None:
        subscribe(page, live_server, ENDPOINT)
        self._page, self._origin = page, live_server.url
        self._registrations: list[Any] = []
        self.worker = page.context.service_workers[0]
        self._session = page.context.new_cdp_session(page)
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._session.send("ServiceWorker.enable")
        self._pushed = 0
        self.worker.evaluate(COUNT)
        self._wait_until(lambda: bool(self._registrations))

    def _note(self, event: Any) -> None:
        self._registrations += event["registrations"]

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not is_so() and time.monotonic() < ends_at:
            self._page.wait_for_timeout(20)

    @property
    def scope(self) -> str:
        return str(self._registrations[0]["scopeURL"])

    def push(self, text: str) -> None:
        place = {"origin": self._origin, "registrationId": self._registrations[0]["registrationId"]}
        self._session.send("ServiceWorker.deliverPushMessage", {**place, "data": text})
        self._pushed += 1

    def tell(self, *items: Item) -> None:
        """Push what the notifier would."""
        [call] = WebPushNotifier().build_calls(PUSH, write(*items))
        self.push(BROWSER.decrypt(call.body).decode())

    def list_shown(self) -> list[str]:
        """Return the titles of what is on the screen."""
        shown: list[str] = self.worker.evaluate(SHOWN)
        return sorted(shown)

    def expect(self, *titles: str) -> None:
        # Asked for earlier, Chromium forgets what it is about to show.
        self._wait_until(lambda: self.worker.evaluate("self.countShown") == self._pushed)
        assert self.list_shown() == sorted(titles)

    def click(self, action: str = "") -> list[str]:
        """Click what is shown and return which addresses the worker wants opened."""
        opened: list[str] = self.worker.evaluate(CLICK, action)
        return opened


def test_button_fills_the_field_and_the_channel_reaches_this_browser(
    page: Page, live_server: LiveServer, hostile: HostileServer, complaints: list[str]
) -> None:
    service = open_push_service(hostile)
    subscribe(page, live_server, f"{service.url}/wp/a")
    asked_with = bytes(page.evaluate("window.askedWith"))
    page.locator("#id_name").fill("laptop")
    page.get_by_label("Contact").fill(CONTACT)
    page.get_by_label("Certificate authority").fill(read_authority())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    channel = NotificationChannel.objects.get()
    values = {**channel.details, **channel.open_secrets()}
    assert WebPushNotifier().send(values, write(DOWN), REACH).verdict is Verdict.SENT
    [told] = service.told
    assert BROWSER.read(told)["tag"] == "incident-7"
    assert decode_base64url(verify(told).public) == asked_with
    assert complaints == []


def test_pressed_again_it_says_that_the_former_subscription_ended(page: Page, live_server: LiveServer) -> None:
    said = subscribe(page, live_server, ENDPOINT)
    first = page.locator("#id_own_subscription").input_value()
    page.evaluate(
        "PushManager.prototype.getSubscription = () => Promise.resolve({ unsubscribe: () => window.ended = 1 })"
    )
    assert "the channel that held that subscription reaches it no longer" in press(page, said)
    assert page.evaluate("window.ended") == 1
    assert json.loads(page.locator("#id_own_subscription").input_value())["vapid"] != json.loads(first)["vapid"]


FAIL_TO_START = "navigator.serviceWorker.register = () => Promise.reject(new TypeError())"
MISSING = {
    "Push needs HTTPS": "Object.defineProperty(window, 'isSecureContext', { value: false })",
    "This browser has no push here": "delete window.PushManager",
    "Notifications of this site are not allowed": "Notification.requestPermission = () => Promise.resolve('denied')",
    "The browser does not start the script that shows notifications": FAIL_TO_START,
    # As it is: a window without a history of its own is given no subscription.
    "The browser's push service cannot be reached": "0",
}


def test_what_is_missing_is_a_sentence_that_names_the_cure(page: Page, live_server: LiveServer) -> None:
    page.context.grant_permissions(["notifications"])
    said = open_form(page, live_server)
    for sentence, script in MISSING.items():
        page.reload()
        page.evaluate(f"void ({script})")
        words = press(page, said)
        assert words.startswith(f"{sentence}; ")
        assert words.endswith("."), sentence
        expect(page.get_by_role("button", name=BUTTON)).to_be_enabled()
        assert page.locator("#id_own_subscription").input_value() == "", sentence


def test_script_that_asks_for_a_login_does_not_start(page: Page, live_server: LiveServer) -> None:
    page.context.grant_permissions(["notifications"])
    said = open_form(page, live_server)
    part = page.locator(".hc-push")
    part.evaluate("each => { each.dataset.hcPushScript = '/admin/healthcheck/notificationchannel/'; }")
    assert press(page, said).startswith("The browser does not start the script")


def test_permission_that_is_not_given_is_said(page: Page, live_server: LiveServer) -> None:
    page.context.clear_permissions()
    said = open_form(page, live_server)
    assert press(page, said).startswith("Notifications of this site are not allowed; allow them in")


def test_form_has_no_barriers_and_fits_a_phone(page: Page, live_server: LiveServer) -> None:
    page.context.grant_permissions(["notifications"])
    said = open_form(page, live_server)
    press(page, said)
    assert find_barriers(page) == []
    page.set_viewport_size({"width": PHONE, "height": 844})
    assert page.evaluate(WIDTH) <= PHONE


def test_recovery_takes_the_place_of_the_outage(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    pusher = Pusher(page, live_server)
    assert pusher.scope == f"{live_server.url}/admin/healthcheck/notificationchannel/push/"
    pusher.tell(DOWN)
    pusher.expect("DOWN: 2 of 20 down: dns, all on example.test")
    pusher.tell(replace(DOWN, key="incident-8", title="mail"))
    pusher.expect("DOWN: 2 of 20 down: dns, all on example.test", "DOWN: mail")
    pusher.tell(RESOLVED)
    pusher.expect("Resolved: 2 of 20 down: dns, all on example.test", "DOWN: mail")
    shown = pusher.worker.evaluate(DETAILS, "incident-7")
    assert shown["body"].startswith("Affected: Shop, Mail\nCause: dns")
    assert page.request.get(shown["icon"]).headers["content-type"] == "image/png"
    assert shown["icon"].endswith("icon-up.png")
    assert complaints == []


def test_message_about_several_takes_the_place_of_each(page: Page, live_server: LiveServer) -> None:
    pusher = Pusher(page, live_server)
    mail = replace(DOWN, key="incident-8", title="mail")
    pusher.tell(DOWN)
    pusher.tell(replace(DOWN, key="incident-9", title="chat"))
    pusher.tell(DOWN, mail)
    pusher.expect("2 DOWN", "DOWN: chat")


def test_click_opens_the_incident_and_the_button_its_acknowledgement(page: Page, live_server: LiveServer) -> None:
    pusher = Pusher(page, live_server)
    for action, url in (("", DOWN.url), ("acknowledge", DOWN.acknowledge_url)):
        pusher.tell(DOWN)
        pusher.expect("DOWN: 2 of 20 down: dns, all on example.test")
        assert pusher.click(action) == [url]
        assert pusher.list_shown() == []
    pusher.tell(DOWN, replace(DOWN, key="incident-8"))
    pusher.expect("2 DOWN")
    assert pusher.click() == [f"{live_server.url}/admin/healthcheck/incident/"]


# One page for all of each: it is the script of the worker that is asked, and a login costs more than it.
NO_MESSAGES = ("", "no JSON", "null", "[]", '{"title": 5}', '{"title": {}, "url": "https://evil.test/"}', "5" * 3_000)
NO_ADDRESSES = ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.test", "blob:x", 5)


def test_what_is_no_message_is_shown_as_such(page: Page, live_server: LiveServer) -> None:
    pusher = Pusher(page, live_server)
    for text in NO_MESSAGES:
        pusher.push(text)
        pusher.expect("Health checks")
        assert pusher.click() == [f"{live_server.url}/admin/healthcheck/incident/"], text
        assert pusher.list_shown() == [], text


def test_nothing_but_an_address_of_the_web_is_opened(page: Page, live_server: LiveServer) -> None:
    pusher = Pusher(page, live_server)
    for url in NO_ADDRESSES:
        addresses = {"title": "down", "url": url, "acknowledge_url": url}
        pusher.push(json.dumps(addresses | {"keys": 5, "state": "constructor"}))
        pusher.expect("down")
        assert pusher.worker.evaluate(DETAILS, "")["actions"] == 0, url
        assert pusher.click() == [f"{live_server.url}/admin/healthcheck/incident/"], url
        pusher.push(json.dumps(addresses))
        pusher.expect("down")
        assert pusher.click("acknowledge") == [], url
