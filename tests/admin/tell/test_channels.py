"""Channels: a form of the kind's own fields, secrets that are written and never shown, testing and enabling again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import ChannelState, Delivery, DeliveryStatus, Notification, NotificationChannel
from healthcheck.models.secrets import make_key, seal_secrets
from healthcheck.notifiers import NOTIFIERS, apprise, load_notifier
from tests.admin.conftest import make_person
from tests.admin.tell.conftest import KIND, make_delivery, make_pigeon, pigeon_fields
from tests.factories import NOW, make_channel, make_policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pigeons")]

LIST = "/admin/healthcheck/notificationchannel/"
ADD = f"{LIST}add/?kind={KIND}"
# The visitor's session and account; the number of channels, twice; the channels with what is known of each.
LIST_QUERIES = 5


def url_of(channel: NotificationChannel, page: str = "change") -> str:
    return f"{LIST}{channel.pk}/{page}/"


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def test_add_asks_for_the_kind_and_then_for_its_fields(operator: Client) -> None:
    page = operator.get(f"{LIST}add/").content.decode()
    assert f'href="?kind={KIND}">Carrier pigeon</a>' in page
    form = operator.get(ADD).content.decode()
    assert "Where it flies to." in form
    assert "Remove what is stored" not in form


def test_kind_that_lacks_its_package_is_not_filled_in(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # As an import system without it answers.
    monkeypatch.setattr(apprise, "find_spec", lambda name: None)
    page = operator.get(f"{LIST}add/").content.decode()
    assert "Apprise is not installed here; install it with" in page
    assert 'href="?kind=apprise"' not in page
    assert "own_url" not in operator.get(f"{LIST}add/?kind=apprise").content.decode()
    assert operator.post(f"{LIST}add/?kind=apprise", {"name": "x"}).context["title"] == "Add channel"


def test_channel_is_stored_with_its_secrets_sealed_and_never_shown(operator: Client) -> None:
    assert operator.post(ADD, pigeon_fields()).status_code == 302
    channel = NotificationChannel.objects.get()
    assert (channel.kind, channel.details) == (KIND, {"loft": "Oak", "greeting": "Hello"})
    assert channel.open_secrets() == {"whistle": "whistle-canary"}
    for url in (LIST, url_of(channel), url_of(channel, "history")):
        assert "whistle-canary" not in operator.get(url).content.decode()
    assert "(set) Leave it empty to keep it." in operator.get(url_of(channel)).content.decode()


def test_change_without_a_secret_keeps_it(operator: Client) -> None:
    channel = make_pigeon()
    fields = pigeon_fields(name="post", own_whistle="", own_greeting="")
    assert operator.post(url_of(channel), fields).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.open_secrets()) == ("post", {"whistle": "whistle-canary"})


@pytest.mark.parametrize("blank", [" ", "\n", "\t \n"])
def test_what_is_blank_alone_is_no_secret(operator: Client, blank: str) -> None:
    channel = make_pigeon()
    assert (
        operator.post(url_of(channel), pigeon_fields(own_greeting="", own_whistle=blank, own_feed=blank)).status_code
        == 302
    )
    channel.refresh_from_db()
    assert channel.open_secrets() == {"whistle": "whistle-canary"}


def test_stored_secret_goes_nowhere_new_unless_it_is_entered(operator: Client) -> None:
    channel = make_pigeon()
    elsewhere = pigeon_fields(own_loft="Elm", own_whistle="", own_greeting="")
    errors = errors_of(operator.post(url_of(channel), elsewhere))
    assert "enter the secrets again" in errors["__all__"][0]
    assert operator.post(url_of(channel), elsewhere | {"own_whistle": "other"}).status_code == 302
    channel.refresh_from_db()
    assert (channel.details, channel.open_secrets()) == ({"loft": "Elm"}, {"whistle": "other"})


def test_whom_a_message_is_for_is_changed_without_the_secret(operator: Client) -> None:
    details = {"recipients": "a@a.test", "sender": "b@a.test", "host": "mail.a.test", "port": "587"}
    details |= {"security": "starttls", "username": "shop"}
    channel = make_channel("mail", "email", details=details, sealed=seal_secrets({"password": "canary"}))
    fields = {"name": "mail", "pause_seconds": "60", **{f"own_{name}": value for name, value in details.items()}}
    assert operator.post(url_of(channel), fields | {"own_recipients": "c@a.test"}).status_code == 302
    channel.refresh_from_db()
    assert channel.details["recipients"] == "c@a.test"
    refused = operator.post(url_of(channel), fields | {"own_host": "mail.b.test"})
    assert "enter the secrets again" in errors_of(refused)["__all__"][0]


def test_secret_that_is_not_needed_can_be_removed(operator: Client) -> None:
    channel = make_pigeon()
    assert "Remove what is stored" not in operator.get(url_of(channel)).content.decode()
    operator.post(url_of(channel), pigeon_fields(own_greeting="", own_feed="corn"))
    assert "Remove what is stored: Feed" in operator.get(url_of(channel)).content.decode()
    channel.refresh_from_db()
    assert channel.open_secrets() == {"whistle": "whistle-canary", "feed": "corn"}
    operator.post(url_of(channel), pigeon_fields(own_greeting="", own_whistle="", clear_feed="on"))
    channel.refresh_from_db()
    assert channel.open_secrets() == {"whistle": "whistle-canary"}


def test_form_marks_what_is_needed_and_not_stored(operator: Client) -> None:
    def list_required(url: str) -> list[str]:
        form = operator.get(url).context["adminform"].form
        return [name for name, field in form.fields.items() if field.required and name.startswith("own_")]

    assert list_required(ADD) == ["own_loft", "own_whistle"]
    assert list_required(url_of(make_pigeon())) == ["own_loft"]


def test_value_of_few_is_chosen_and_no_other_is_taken(operator: Client) -> None:
    url = f"{LIST}add/?kind=email"
    page = operator.get(url).content.decode()
    assert '<option value="starttls" selected>starttls</option>' in page
    assert "own_security" in errors_of(operator.post(url, {"own_security": "none"}))


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"own_loft": "at sea"}, "own_loft", "A pigeon lands on no sea; name a loft on land."),
        ({"own_loft": ""}, "own_loft", "This field is required."),
        ({"own_whistle": ""}, "own_whistle", "This field is required."),
        ({"pause_seconds": "0"}, "pause_seconds", "Ensure this value is greater than or equal to 1."),
        ({"pause_seconds": "3601"}, "pause_seconds", "Ensure this value is less than or equal to 3600."),
    ],
)
def test_refused_channel_names_the_field_and_sends_no_secret_back(
    operator: Client, changed: dict[str, str], field: str, sentence: str
) -> None:
    response = operator.post(ADD, pigeon_fields(**changed))
    assert sentence in errors_of(response)[field]
    assert "whistle-canary" not in response.content.decode()
    assert NotificationChannel.objects.count() == 0


def test_name_that_is_taken_is_refused(operator: Client) -> None:
    make_pigeon()
    cure = "There is already a channel with this name; choose another."
    assert errors_of(operator.post(ADD, pigeon_fields()))["name"] == [cure]


def test_refused_form_with_a_new_secret_offers_to_remove_nothing(operator: Client) -> None:
    make_pigeon("taken")
    channel = make_pigeon()
    response = operator.post(url_of(channel), pigeon_fields(name="taken", own_feed="corn"))
    assert "There is already a channel" in errors_of(response)["name"][0]
    assert "Remove what is stored" not in response.content.decode()


def test_wrong_key_leaves_the_page_open_and_says_so(operator: Client, settings: Any) -> None:
    channel = make_pigeon()
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}
    page = operator.get(url_of(channel)).content.decode()
    assert "(set, but no key opens it.)" in page
    assert "None of the keys" in page
    assert operator.post(url_of(channel), pigeon_fields(own_greeting="", own_whistle="", name="n")).status_code == 302
    errors = errors_of(operator.post(url_of(channel), pigeon_fields(own_loft="Elm", own_whistle="")))
    assert "cannot be changed while its secrets cannot be opened" in errors["__all__"][0]


def test_kind_that_nobody_knows_is_shown_and_not_edited(operator: Client) -> None:
    channel = NotificationChannel.objects.create(name="old", kind="telex", details={"number": "17"})
    page = operator.get(url_of(channel)).content.decode()
    assert "number: 17" in page
    assert operator.post(url_of(channel), pigeon_fields()).status_code == 403


def test_test_is_queued_and_says_who_asked(operator: Client) -> None:
    channel = make_pigeon()
    page = operator.post(url_of(channel, "test"), follow=True).content.decode()
    assert "A test is on its way" in page
    queued = Notification.objects.get()
    assert (queued.channel, queued.event, queued.text) == (channel, Event.TEST, "operator tests this channel.")
    assert queued.due_at <= timezone.now()


def test_channel_that_is_off_or_refused_is_not_tested(operator: Client) -> None:
    off, refused = make_pigeon("off", is_enabled=False), make_pigeon("refused")
    ChannelState.objects.create(channel=refused, disabled_at=NOW, last_error="The token was revoked.")
    assert "switch it on first" in operator.post(url_of(off, "test"), follow=True).content.decode()
    page = operator.post(url_of(refused, "test"), follow=True).content.decode()
    assert "mend it and enable it again first" in page
    assert "The token was revoked." in page
    assert "Test this channel" not in page
    assert Notification.objects.count() == 0


def test_refused_channel_is_enabled_again_and_tried_at_once(operator: Client) -> None:
    channel, later = make_pigeon(), timezone.now() + timedelta(hours=1)
    ChannelState.objects.create(channel=channel, disabled_at=NOW, failures=7, last_error="no")
    make_delivery(channel, status=DeliveryStatus.WAITING, next_try_at=later)
    assert "Enable again" in operator.get(url_of(channel)).content.decode()
    operator.post(url_of(channel, "enable"))
    assert ChannelState.objects.values_list("disabled_at", "failures", "last_error").get() == (None, 0, "")
    assert Delivery.objects.get().next_try_at < later
    assert "It is in use already." in operator.post(url_of(channel, "enable"), follow=True).content.decode()


def test_condition_is_a_word_for_each_standing(operator: Client) -> None:
    standings: dict[str, dict[str, Any]] = {
        "works": {"last_sent_at": NOW},
        "fails": {"failures": 2, "last_error": "It answered 503."},
        "refused": {"disabled_at": NOW, "failures": 1},
    }
    for name, columns in standings.items():
        ChannelState.objects.create(channel=make_pigeon(f"channel {name}"), **columns)
    make_pigeon("channel off", is_enabled=False)
    make_pigeon("channel new")
    page = operator.get(LIST).content.decode()
    for word in (*standings, "off", "never used", "It answered 503."):
        assert f"{word}</span>" in page
    # Read aloud, the two are words apart.
    assert 'fails</span> <br><span class="hc-quiet">It answered 503.' in page


def test_failing_channel_says_when_it_is_tried_next(operator: Client) -> None:
    later = NOW + timedelta(hours=1)
    failing: dict[str, Any] = {"failures": 1, "last_error": "It answered 503."}
    tried, again, idle = (make_pigeon(name) for name in ("tried", "again", "idle"))
    for channel in (tried, again, idle):
        ChannelState.objects.create(channel=channel, next_send_at=later, **failing)
    make_delivery(tried, status=DeliveryStatus.WAITING, next_try_at=later + timedelta(minutes=1))
    for channel, due_at in ((again, NOW), (idle, later + timedelta(hours=1))):
        told: dict[str, Any] = {"event": Event.OPENED, "severity": Severity.DOWN, "queued_at": NOW, "due_at": due_at}
        Notification.objects.create(channel=channel, **told)
    for channel, words in ((tried, "Next try: 1 Jul, 13:01:00"), (again, "Next try: 1 Jul, 13:00:00")):
        assert words in operator.get(url_of(channel)).content.decode()
    assert "Next try" not in operator.get(url_of(idle)).content.decode()
    ChannelState.objects.filter(channel=tried).update(disabled_at=NOW)
    page = operator.get(url_of(tried)).content.decode()
    assert "since 1 Jul, 12:00:00" in page
    assert "Next try" not in page


def test_deleting_names_the_policies_that_lose_it(operator: Client) -> None:
    channel = make_pigeon()
    make_policy("night watch", steps={0: [channel]})
    make_delivery(channel)
    assert "“night watch” will not tell it any more" in operator.get(url_of(channel, "delete")).content.decode()
    assert operator.post(url_of(channel, "delete"), {"post": "yes"}).status_code == 302
    assert NotificationChannel.objects.count() == 0


def test_people_who_only_look_see_no_form(db: None) -> None:
    person, channel = make_person("view_notificationchannel"), make_pigeon()
    page = person.get(url_of(channel)).content.decode()
    assert "loft: Oak" in page
    assert "own_whistle" not in page
    assert "Test this channel" not in page
    assert (person.post(url_of(channel, "test")).status_code, person.get(ADD).status_code) == (403, 403)


def test_operator_of_incidents_tests_and_edits_nothing(db: None) -> None:
    person = make_person("view_notificationchannel", "operate_incident")
    channel = make_pigeon()
    assert person.post(url_of(channel, "test")).status_code == 302
    assert Notification.objects.count() == 1
    assert person.post(url_of(channel), pigeon_fields()).status_code == 403


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        ChannelState.objects.create(channel=make_pigeon(f"pigeon {number}"), last_sent_at=NOW)
    with django_assert_num_queries(LIST_QUERIES):
        page = operator.get(LIST).content.decode()
    assert page.count("works</span>") == count


@pytest.mark.parametrize("kind", [*NOTIFIERS, KIND])
def test_form_of_each_kind_shows_each_of_its_fields(kind: str, operator: Client) -> None:
    page = operator.get(f"{LIST}add/?kind={kind}").content.decode()
    for field in load_notifier(kind).fields:
        assert f'id="id_own_{field.name}"' in page


def test_help_of_a_field_is_no_markup(operator: Client) -> None:
    page = operator.get(f"{LIST}add/?kind=email").content.decode()
    assert "An address, or Name &lt;address&gt;." in page
    assert "<address>" not in page


def test_kinds_are_called_as_they_call_themselves(operator: Client) -> None:
    assert ">ntfy</a>" in operator.get(f"{LIST}add/").content.decode()
