"""The form of a status page."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import PageItem, PageSection, StatusPage
from healthcheck.models.page import Visibility
from tests.admin.conftest import make_person
from tests.factories import make_endpoint, make_group, make_page
from tests.pictures import make_picture, read_size

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/statuspage/"
ADD = f"{LIST}add/"
# The visitor's session and account; the page, its groups, sections with items, groups, endpoints and their groups; all
# groups; the last position; its version.
FORM_QUERIES = 11
LIST_QUERIES = 5


def change_url(page: StatusPage) -> str:
    return f"{LIST}{page.pk}/change/"


def page_fields(*sections: dict[str, Any], stored: int = 0, **changed: Any) -> dict[str, Any]:
    """Return the form of a page; the first `stored` of the sections exist already and carry their id."""
    fields: dict[str, Any] = {
        "title": "Example",
        "slug": "example",
        "description": "",
        "visibility": "public",
        "theme": "auto",
        "announcement_level": "info",
        "sections-TOTAL_FORMS": len(sections),
        "sections-INITIAL_FORMS": stored,
    }
    for number, section in enumerate(sections):
        defaults = {"title": "", "position": str(number), "description": "", "shows": ""}
        fields |= {f"sections-{number}-{name}": value for name, value in (defaults | section).items()}
    return fields | changed


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("logo.png", content, content_type="image/png")


def refusals_of(response: Any) -> list[str]:
    """Return every sentence on the page that refuses something."""
    assert response.status_code == 200
    return [str(sentence) for errors in response.context["errors"] for sentence in errors]


def test_page_with_sections_is_made_in_one_form(operator: Client) -> None:
    group = make_group("api")
    endpoint = make_endpoint(group, "Checkout")
    sections = [{"title": "Public", "shows": "api / Checkout | Paying\napi"}, {"title": "Inner", "shows": ""}]
    assert operator.post(ADD, page_fields(*sections)).status_code == 302
    page = StatusPage.objects.get(slug="example")
    assert list(page.sections.values_list("title", flat=True)) == ["Public", "Inner"]
    items = PageItem.objects.filter(section__page=page)
    assert list(items.values_list("group", "endpoint", "label")) == [
        (None, endpoint.pk, "Paying"),
        (group.pk, None, ""),
    ]
    assert "Paying" in operator.get("/status/example/").content.decode()


def test_items_are_replaced_and_sections_taken_away(operator: Client) -> None:
    make_group("api")
    page = make_page("example", title="Example")
    kept, gone = (PageSection.objects.create(page=page, title=title) for title in ("Kept", "Gone"))
    for section in (kept, gone):
        PageItem.objects.create(section=section, group=make_group(f"old-{section.pk}"))
    forms = [
        {"id": kept.pk, "page": page.pk, "title": "Kept", "shows": "api"},
        {"id": gone.pk, "page": page.pk, "title": "Gone", "shows": f"old-{gone.pk}", "DELETE": "on"},
    ]
    assert operator.post(change_url(page), page_fields(*forms, stored=2)).status_code == 302
    assert [str(item.group.slug) for item in PageItem.objects.all() if item.group] == ["api"]
    assert list(page.sections.all()) == [kept]


def test_form_shows_the_lines_that_it_takes(operator: Client) -> None:
    page = make_page("example")
    group = make_group("api")
    section = PageSection.objects.create(page=page)
    PageItem.objects.create(section=section, endpoint=make_endpoint(group, "Checkout"), label="Pay", position=1)
    PageItem.objects.create(section=section, group=group, position=2)
    text = operator.get(change_url(page)).content.decode()
    assert "api / Checkout | Pay\napi</textarea>" in text


def test_new_section_stands_at_the_end_until_somebody_says_otherwise(operator: Client) -> None:
    page = make_page("example")
    PageSection.objects.create(page=page, title="First", position=7)
    text = operator.get(change_url(page)).content.decode()
    assert 'name="sections-1-position" value="8"' in text
    form = {"title": "New", "position": "8"}
    assert operator.post(change_url(page), page_fields(form)).status_code == 302
    assert list(page.sections.values_list("title", "position")) == [("First", 7), ("New", 8)]


def test_section_that_nobody_touched_is_not_stored(operator: Client) -> None:
    assert operator.post(ADD, page_fields({"position": "1"})).status_code == 302
    assert not PageSection.objects.exists()


def test_wrong_line_is_refused_and_nothing_is_half_applied(operator: Client) -> None:
    page = make_page("example", title="Before")
    section = PageSection.objects.create(page=page, title="Before")
    form = {"id": section.pk, "page": page.pk, "title": "After", "shows": "nowhere"}
    response = operator.post(change_url(page), page_fields(form, stored=1, title="After"))
    assert refusals_of(response) == ["Line 1: There is no group “nowhere”; copy its slug from the group's page."]
    assert "nowhere</textarea>" in response.content.decode()
    page.refresh_from_db()
    section.refresh_from_db()
    assert (page.title, section.title) == ("Before", "Before")


def test_only_what_is_there_is_offered_to_be_removed(operator: Client) -> None:
    page = make_page("example")
    offers = ("Remove the password", "Remove the logo")
    for url in (ADD, change_url(page)):
        text = operator.get(url).content.decode()
        assert not any(offer in text for offer in offers)
    make_page("example", password="hash", logo=b"picture")
    text = operator.get(change_url(page)).content.decode()
    assert all(offer in text for offer in offers)


@pytest.mark.parametrize(("shows", "word"), [(True, "yes"), (False, "no")])
def test_list_says_yes_and_no_in_words(operator: Client, shows: bool, word: str) -> None:
    make_page("example", shows_all_groups=shows)
    StatusPage.objects.exclude(slug="example").delete()
    text = operator.get("/admin/healthcheck/statuspage/").content.decode()
    assert re.search(rf'class="[^"]*field-shows_every_group[^"]*"[^>]*>\s*{word}\s*<', text)
    assert "icon-no" not in text


def test_password_is_stored_as_a_hash_and_never_shown(operator: Client) -> None:
    page = make_page("example")
    fields = page_fields(visibility="password", new_password=" open sesame ")
    assert operator.post(change_url(page), fields).status_code == 302
    page.refresh_from_db()
    assert check_password(" open sesame ", page.password)
    text = operator.get(change_url(page)).content.decode()
    assert "open sesame" not in text
    assert page.password not in text
    assert "(set) Leave it empty to keep it." in text


def test_password_of_a_refused_form_has_to_be_entered_again(operator: Client) -> None:
    page = make_page("example")
    text = operator.post(change_url(page), page_fields(title="", new_password="open sesame")).content.decode()
    assert "Enter it again: what was typed here is not sent back." in text
    assert "open sesame" not in text
    assert "Enter it again" not in operator.post(change_url(page), page_fields(title="")).content.decode()


def test_empty_password_keeps_the_stored_one_and_the_box_removes_it(operator: Client) -> None:
    page = make_page("example", password=make_password("open sesame"), visibility=Visibility.PASSWORD)
    operator.post(change_url(page), page_fields(visibility="password"))
    page.refresh_from_db()
    assert check_password("open sesame", page.password)
    operator.post(change_url(page), page_fields(remove_password="on"))
    page.refresh_from_db()
    assert page.password == ""


# With names of their own: the hash is another one in each process that collects the tests.
@pytest.mark.parametrize("password", ["", make_password("open sesame")], ids=["none", "stored"])
def test_page_for_a_password_needs_one(operator: Client, password: str) -> None:
    page = make_page("example", password=password)
    response = operator.post(change_url(page), page_fields(visibility="password", remove_password="on"))
    assert refusals_of(response) == ["Enter a password: without one nobody could see the page."]
    page.refresh_from_db()
    assert (page.visibility, page.password) == ("public", password)


def test_logo_is_stored_as_small_png_and_taken_away_by_its_box(operator: Client) -> None:
    page = make_page("example")
    operator.post(change_url(page), page_fields(logo_file=upload(make_picture("JPEG", size=(900, 300)))))
    page.refresh_from_db()
    assert read_size(bytes(page.logo or b"")) == (512, 171)
    assert 'src="data:image/png;base64,' in operator.get(change_url(page)).content.decode()
    operator.post(change_url(page), page_fields())
    page.refresh_from_db()
    assert page.logo
    operator.post(change_url(page), page_fields(remove_logo="on"))
    page.refresh_from_db()
    assert page.logo is None


def test_file_that_is_no_picture_costs_nothing_else_of_the_form(operator: Client) -> None:
    page = make_page("example", logo=make_picture())
    make_group("api")
    section = {"title": "New", "shows": "api"}
    fields = page_fields(section, title="After", announcement="Tomorrow", logo_file=upload(b"<svg/>"))
    response = operator.post(change_url(page), fields)
    assert refusals_of(response) == [
        "This file is not a picture that can be read; choose a PNG, JPEG, GIF or WebP file."
    ]
    text = response.content.decode()
    assert 'value="After"' in text
    assert "Tomorrow</textarea>" in text
    assert "api</textarea>" in text
    page.refresh_from_db()
    assert (page.title, bytes(page.logo or b"")) == ("Example", make_picture())


def test_huge_logo_is_refused_without_being_kept(operator: Client) -> None:
    page = make_page("example")
    boundary = "a-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in page_fields(title="After").items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="logo_file"; filename="a.png"\r\n\r\n'
    body = "".join([*parts, head]).encode() + make_picture() + bytes(100_000_000) + f"\r\n--{boundary}--\r\n".encode()
    tracemalloc.start()
    response = operator.generic("POST", change_url(page), body, f"multipart/form-data; boundary={boundary}")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "The picture is larger than 5 MB; make it smaller and choose it again." in refusals_of(response)
    # The test's own client copies the body; of the upload little more than the bound is kept anywhere.
    assert peak < len(body) + 30_000_000
    received: Any = response.wsgi_request.FILES["logo_file"]
    assert received.size < 6_000_000
    assert 'value="After"' in response.content.decode()


def test_page_with_a_logo_needs_its_token(operator: Client) -> None:
    page = make_page("example")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(change_url(page), page_fields(logo_file=upload(make_picture()))).status_code == 403


def test_good_logo_is_kept_while_something_else_is_corrected(operator: Client) -> None:
    page = make_page("example")
    response = operator.post(change_url(page), page_fields(accent="blue", logo_file=upload(make_picture())))
    assert refusals_of(response) == ["Write the colour as # and six digits, such as #2456c9."]
    kept = response.context["adminform"].form["kept_logo"].value()
    assert operator.post(change_url(page), page_fields(accent="#2456c9", kept_logo=kept)).status_code == 302
    page.refresh_from_db()
    assert (page.accent, read_size(bytes(page.logo or b""))) == ("#2456c9", (40, 20))


def test_kept_logo_that_this_form_did_not_make_is_ignored(operator: Client) -> None:
    page = make_page("example")
    assert operator.post(change_url(page), page_fields(kept_logo="PHNjcmlwdD4=")).status_code == 302
    page.refresh_from_db()
    assert page.logo is None


def test_language_is_one_that_we_speak(operator: Client) -> None:
    page = make_page("example")
    assert operator.post(change_url(page), page_fields(language="de")).status_code == 302
    assert refusals_of(operator.post(change_url(page), page_fields(language="xx")))
    page.refresh_from_db()
    assert page.language == "de"


def test_somebody_who_may_only_look_sees_no_fields_for_secrets() -> None:
    page = make_page("example", password=make_password("open sesame"), logo=make_picture())
    PageItem.objects.create(section=PageSection.objects.create(page=page), group=make_group("api"))
    viewer = make_person("view_statuspage", "view_pagesection")
    text = viewer.get(change_url(page)).content.decode()
    assert "new_password" not in text
    assert "logo_file" not in text
    assert '<pre class="hc-text">api</pre>' in text


@pytest.mark.parametrize("count", [1, 30])
def test_form_costs_the_same_for_one_and_thirty_sections(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    page = make_page("example")
    group = make_group("api")
    for number in range(count):
        section = PageSection.objects.create(page=page, position=number)
        PageItem.objects.create(section=section, endpoint=make_endpoint(group, f"site-{number}"))
    with django_assert_num_queries(FORM_QUERIES):
        operator.get(change_url(page))


@pytest.mark.parametrize("count", [1, 30])
def test_list_costs_the_same_for_one_and_thirty_pages(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        make_page(f"page-{number}")
    with django_assert_num_queries(LIST_QUERIES):
        operator.get(LIST)
