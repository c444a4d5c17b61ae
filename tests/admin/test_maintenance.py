"""Windows are planned in a form, refused with a cure, ended by a button, and have a history as every definition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import MaintenanceSpan, MaintenanceWindow, Version
from healthcheck.pipeline.maintain import replan_windows
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.factories import make_endpoint, make_group, make_result, make_run, make_span, make_window

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/maintenancewindow/"
ADD = f"{LIST}add/"
HOUR = timedelta(hours=1)
# The visitor's session and account; the number of windows, twice; the windows, and their tags.
LIST_QUERIES = 6


def window_url(window: MaintenanceWindow, page: str = "change") -> str:
    return f"{LIST}{window.pk}/{page}/"


def window_fields(**changed: Any) -> dict[str, Any]:
    """Return the form of a window of an hour in summer, in Berlin."""
    return {
        "title": "New switch",
        "description": "",
        "starts_at_0": "2036-07-01",
        "starts_at_1": "22:30:00",
        "ends_at_0": "2036-07-02",
        "ends_at_1": "00:30:00",
        "timezone": "Europe/Berlin",
        "recurs": "once",
        "rule": "",
        "is_public": "on",
        "announce_hours": "48",
    } | changed


def refusals_of(client: Client, url: str = ADD, **changed: Any) -> dict[str, list[str]]:
    response = client.post(url, window_fields(**changed))
    assert response.status_code == 200
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def make_running(**columns: Any) -> MaintenanceWindow:
    now = timezone.now()
    window = make_window(at=now - HOUR / 2, **columns)
    replan_windows([window.pk], now)
    return window


def test_window_is_entered_by_start_and_end_on_the_wall_of_its_zone(operator: Client) -> None:
    endpoint = make_endpoint(group := make_group())
    scope = {"groups": [group.pk], "endpoints": [endpoint.pk]}
    assert operator.post(ADD, window_fields(**scope)).status_code == 302
    window = MaintenanceWindow.objects.get()
    assert (window.starts_at, window.duration_seconds) == (datetime(2036, 7, 1, 20, 30, tzinfo=UTC), 7200)
    assert (window.recurrence, list(window.groups.all()), list(window.endpoints.all())) == ("", [group], [endpoint])


def test_window_over_a_change_of_the_clocks_lasts_as_long_as_it_takes(operator: Client) -> None:
    night = {"starts_at_0": "2036-03-30", "starts_at_1": "00:00", "ends_at_0": "2036-03-30", "ends_at_1": "06:00"}
    operator.post(ADD, window_fields(**night))
    assert MaintenanceWindow.objects.get().duration_seconds == 5 * 3600


def test_open_form_shows_what_was_entered_and_saving_it_changes_nothing(operator: Client) -> None:
    operator.post(ADD, window_fields(recurs="weekly", weekdays=["TU", "TH"]))
    window = MaintenanceWindow.objects.get()
    assert window.recurrence == "FREQ=WEEKLY;BYDAY=TU,TH"
    form = operator.get(window_url(window)).context["adminform"].form
    assert form["starts_at"].value() == datetime(2036, 7, 1, 22, 30)  # noqa: DTZ001  # of the wall
    assert (form["recurs"].value(), form["weekdays"].value(), form["rule"].value()) == ("weekly", ["TU", "TH"], "")
    before = Version.objects.count()
    assert operator.post(window_url(window), window_fields(recurs="weekly", weekdays=["TU", "TH"])).status_code == 302
    assert Version.objects.count() == before


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ({"recurs": "once"}, ""),
        ({"recurs": "daily"}, "FREQ=DAILY"),
        ({"recurs": "weekly"}, "FREQ=WEEKLY"),
        ({"recurs": "weekly", "weekdays": ["SA", "SU"]}, "FREQ=WEEKLY;BYDAY=SA,SU"),
        ({"recurs": "monthly"}, "FREQ=MONTHLY"),
        ({"recurs": "own", "rule": " FREQ=MONTHLY;BYDAY=-1FR "}, "FREQ=MONTHLY;BYDAY=-1FR"),
        ({"recurs": "own", "rule": "FREQ=DAILY\r\nEXDATE:20360702\r\n"}, "FREQ=DAILY\nEXDATE:20360702"),
    ],
)
def test_recurrence_is_chosen_in_words_or_written_as_a_rule(
    operator: Client, entered: dict[str, Any], stored: str
) -> None:
    operator.post(ADD, window_fields(**entered))
    window = MaintenanceWindow.objects.get()
    assert window.recurrence == stored
    form = operator.get(window_url(window)).context["adminform"].form
    assert form["recurs"].value() == entered["recurs"]


def test_window_that_ends_before_it_starts_is_refused(operator: Client) -> None:
    cure = ["A maintenance window must end after it starts; set a later end."]
    assert refusals_of(operator, ends_at_0="2036-07-01", ends_at_1="22:00") == {"ends_at": cure}
    assert refusals_of(operator, ends_at_0="2036-07-01", ends_at_1="22:30") == {"ends_at": cure}
    assert MaintenanceWindow.objects.count() == 0


@pytest.mark.parametrize(
    ("entered", "field", "sentence"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone", "There is no time zone “Europe/Atlantis”"),
        ({"recurs": "own"}, "rule", "Write a rule such as FREQ=WEEKLY;BYDAY=SU, or choose another way."),
        ({"recurs": "own", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "rule", "This recurrence never begins"),
        ({"recurs": "own", "rule": "FREQ=SECONDLY"}, "rule", "FREQ=SECONDLY is too often for maintenance"),
        ({"recurs": "own", "rule": "x" * 501}, "rule", "A recurrence may have 500 characters at most"),
        ({"recurs": "own", "rule": "x" * 2001}, "rule", "Ensure this value has at most 2000 characters"),
        ({"recurs": "own", "rule": "FREQ=DAILY\r\nEXDATE:soon"}, "rule", "“SOON” is no date of EXDATE"),
        ({"recurs": "own", "rule": "FREQ=DAILY\r\nRDATE:20260101"}, "rule", "An RDATE lies before the start"),
        ({"recurs": "daily", "ends_at_0": "2036-07-09"}, "rule", "It would begin again before it is over"),
        ({"starts_at_0": "1036-07-01"}, "starts_at", "must start in one of the years 2000 to 2199"),
        ({"ends_at_0": "2038-07-01"}, "ends_at", "may last 366 days at most"),
        ({"starts_at_1": ""}, "starts_at", "This field is required."),
        ({"starts_at_0": "soon"}, "starts_at", "Enter a valid date."),
        ({"starts_at_0": "9999-12-31", "timezone": "America/New_York"}, "starts_at", "check the year"),
        ({"title": ""}, "title", "This field is required."),
    ],
)
def test_refused_window_names_the_field_and_the_cure(
    operator: Client, entered: dict[str, Any], field: str, sentence: str
) -> None:
    errors = refusals_of(operator, **entered)
    assert sentence in " ".join(errors[field])
    assert MaintenanceWindow.objects.count() == 0


def test_preview_shows_five_times_in_both_zones_and_saves_nothing(operator: Client) -> None:
    rule = {"recurs": "own", "rule": "FREQ=MONTHLY;BYDAY=-1SU"}
    response = operator.post(ADD, window_fields(**rule, _preview="1"))
    page = response.content.decode()
    assert page.count("<li>Sun ") == 5
    assert "Sun 27 Jul 2036, 22:30 CEST – Mon 28 Jul 2036, 00:30 CEST" in page
    assert "(Sun 27 Jul 2036, 20:30 – 22:30 UTC)" in page
    # Winter has come.
    assert "Sun 26 Oct 2036, 22:30 CET" in page
    assert page.count("Nothing is saved yet") == 1
    assert "Please correct" not in page
    assert MaintenanceWindow.objects.count() == 0


def test_preview_of_a_window_with_an_error_says_the_error(operator: Client) -> None:
    page = operator.post(ADD, window_fields(title="", _preview="1")).content.decode()
    assert "Please correct the" in page
    assert "Nothing is saved yet" not in page
    assert MaintenanceWindow.objects.count() == 0


def test_preview_says_a_time_of_utc_once(operator: Client) -> None:
    page = operator.post(ADD, window_fields(timezone="UTC", _preview="1")).content.decode()
    assert "<li>Tue 1 Jul 2036, 22:30 UTC – Wed 2 Jul 2036, 00:30 UTC</li>" in page


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "once"),
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY", "every week"),
        ("FREQ=WEEKLY;BYDAY=MO,SU", "every week: Monday, Sunday"),
        ("FREQ=MONTHLY", "every month"),
        ("FREQ=YEARLY;BYMONTH=3\nEXDATE:20370301", "FREQ=YEARLY;BYMONTH=3"),
    ],
)
def test_list_says_in_words_how_a_window_recurs(operator: Client, rule: str, words: str) -> None:
    make_window(recurrence=rule)
    assert f'<span class="hc-quiet">{words}</span>' in operator.get(LIST).content.decode()


def test_preview_skips_and_adds_dates(operator: Client) -> None:
    rule = "RRULE:FREQ=WEEKLY\r\nEXDATE:20360708T223000\r\nRDATE;TZID=America/New_York:20360710T163000"
    page = operator.post(ADD, window_fields(recurs="own", rule=rule, _preview="1")).content.decode()
    assert "Tue 8 Jul 2036" not in page
    assert "Thu 10 Jul 2036, 22:30 CEST – Fri 11 Jul 2036, 00:30 CEST" in page


def test_list_shows_the_rule_and_not_its_dates(operator: Client) -> None:
    make_window(recurrence="FREQ=DAILY\nEXDATE:20360702")
    page = operator.get(LIST).content.decode()
    assert "FREQ=DAILY" in page
    assert "EXDATE" not in page


def test_saved_window_is_in_force_and_its_edit_at_once(operator: Client) -> None:
    endpoint, now = make_endpoint(), timezone.now()
    times = {"starts_at_0": f"{now:%Y-%m-%d}", "starts_at_1": f"{now:%H:%M:%S}", "timezone": "UTC"}
    ends = now + HOUR
    scope = {"endpoints": [endpoint.pk], "ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": f"{ends:%H:%M:%S}"}
    operator.post(ADD, window_fields(**times, **scope))
    assert MaintenanceSpan.objects.get().ends_at == ends.replace(microsecond=0)
    later = now + 2 * HOUR
    longer = scope | {"ends_at_0": f"{later:%Y-%m-%d}", "ends_at_1": f"{later:%H:%M:%S}"}
    operator.post(window_url(MaintenanceWindow.objects.get()), window_fields(**times, **longer))
    assert MaintenanceSpan.objects.get().ends_at == later.replace(microsecond=0)


def test_end_now_ends_it_and_is_a_version(operator: Client) -> None:
    window = make_running(endpoints=[make_endpoint()])
    assert "End now" in operator.get(window_url(window)).content.decode()
    assert operator.post(window_url(window, "end")).status_code == 302
    assert MaintenanceSpan.objects.get().ends_at <= timezone.now()
    assert Version.objects.order_by("-number").values_list("comment", flat=True)[0] == "ended by hand"
    assert "End now" not in operator.get(window_url(window)).content.decode()
    page = operator.post(window_url(window, "end"), follow=True).content.decode()
    assert "Nothing of it is running." in page


def test_operator_ends_windows_and_plans_none(db: None) -> None:
    person = make_person("view_maintenancewindow", "operate_endpointgroup")
    window = make_running(endpoints=[make_endpoint()])
    page = person.get(window_url(window)).content.decode()
    assert "End now" in page
    assert "Show the next times" not in page
    assert person.post(LIST, {"action": "end_selected", "_selected_action": [window.pk]}).status_code == 302
    assert MaintenanceSpan.objects.get().ends_at <= timezone.now()
    assert (person.get(ADD).status_code, person.post(window_url(window, "delete")).status_code) == (403, 403)


def test_viewer_looks_and_ends_nothing(db: None) -> None:
    person, window = make_person("view_maintenancewindow"), make_running(endpoints=[make_endpoint()])
    assert "End now" not in person.get(window_url(window)).content.decode()
    assert person.post(window_url(window, "end")).status_code == 403


def test_deleted_window_ends_what_was_running(operator: Client) -> None:
    window = make_running(endpoints=[make_endpoint()])
    assert operator.post(window_url(window, "delete"), {"post": "yes"}).status_code == 302
    assert MaintenanceSpan.objects.get().ends_at <= timezone.now()
    again = make_running(endpoints=[make_endpoint(make_group("other"))])
    operator.post(LIST, {"action": "delete_selected", "_selected_action": [again.pk], "post": "yes"})
    assert MaintenanceWindow.objects.count() == 0
    assert MaintenanceSpan.objects.filter(ends_at__gt=timezone.now()).count() == 0


def test_history_tells_and_reverts_a_window(operator: Client) -> None:
    group = make_group()
    operator.post(ADD, window_fields(groups=[group.pk]))
    window = MaintenanceWindow.objects.get()
    operator.post(window_url(window), window_fields(title="Longer", ends_at_1="02:30:00", covers_all="on"))
    page = operator.get(window_url(window, "history")).content.decode()
    assert "14400 seconds" in page
    operator.post(f"{LIST}{window.pk}/history/1/revert/", {"seen": "2"})
    window.refresh_from_db()
    assert (window.title, window.duration_seconds, window.covers_all) == ("New switch", 7200, False)
    assert list(window.groups.all()) == [group]


def test_revert_to_what_is_gone_is_refused(operator: Client) -> None:
    group = make_group()
    operator.post(ADD, window_fields(groups=[group.pk]))
    window = MaintenanceWindow.objects.get()
    operator.post(window_url(window), window_fields(covers_all="on"))
    group.delete()
    page = operator.post(f"{LIST}{window.pk}/history/1/revert/", {"seen": "2"}, follow=True).content.decode()
    assert "“web” is not there any more" in page
    assert MaintenanceWindow.objects.get().covers_all


def test_later_end_makes_an_ended_window_hold_again(operator: Client) -> None:
    operator.post(ADD, window_fields())
    MaintenanceWindow.objects.update(ended_at=timezone.now())
    window = MaintenanceWindow.objects.get()
    operator.post(window_url(window), window_fields(title="renamed"))
    assert MaintenanceWindow.objects.get().ended_at is not None
    operator.post(window_url(window), window_fields(ends_at_1="01:30"))
    assert MaintenanceWindow.objects.get().ended_at is None


@pytest.mark.parametrize(("state", "title"), [("running", "now"), ("planned", "later"), ("over", "before")])
def test_list_is_narrowed_to_what_runs_is_planned_or_over(operator: Client, state: str, title: str) -> None:
    now = timezone.now()
    for name, at in (("now", now - HOUR / 2), ("later", now + HOUR), ("before", now - 5 * HOUR)):
        replan_windows([make_window(name, at=at, covers_all=True).pk], now)
    rows = operator.get(LIST, {"state": state}).context["cl"].result_list
    assert [row.title for row in rows] == [title]
    found = operator.get(LIST, {"q": title}).context["cl"].result_list
    assert [row.title for row in found] == [title]


@pytest.mark.parametrize("count", [1, 3])
def test_list_costs_the_same_for_any_number(
    operator: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        make_running(title=f"w{number}", tags=["red", "blue"], groups=[make_group(f"g{number}")])
    operator.get(LIST)
    with django_assert_num_queries(LIST_QUERIES + count * CLOCK_QUERIES):
        page = operator.get(LIST).content.decode()
    assert "1 group, blue, red" in page


def test_hostile_title_is_shown_escaped(operator: Client) -> None:
    window = make_running(title="<b>bold</b>", endpoints=[endpoint := make_endpoint()])
    for url in (LIST, window_url(window), f"/admin/healthcheck/endpoint/{endpoint.pk}/change/"):
        assert "<b>bold" not in operator.get(url).content.decode()


def test_result_in_maintenance_says_so_in_the_history_and_on_the_run(operator: Client) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    make_result(run, endpoint, in_maintenance=True)
    for url in (f"/admin/healthcheck/endpoint/{endpoint.pk}/results/", reverse("admin:healthcheck_run", args=[run.pk])):
        assert "in maintenance" in operator.get(url).content.decode()


def test_endpoint_in_maintenance_says_so_beside_its_state(operator: Client) -> None:
    endpoint = make_endpoint()
    make_endpoint(endpoint.group, "other")
    make_span(endpoint, at=timezone.now() - HOUR / 2)
    assert operator.get("/admin/healthcheck/endpoint/").content.decode().count("hc-maintenance") == 1
    assert "in maintenance" in operator.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/").content.decode()
