"""CSV in the admin: the filtered list as a file, and a file as a preview before anything is written."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from healthcheck.admin.change.csv_views import MAX_WAITING
from healthcheck.models import Endpoint, EndpointGroup, ImportFile, Version
from tests.factories import make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/endpoint/"
IMPORT, EXPORT = f"{ROOT}import/", f"{ROOT}export/"


def read(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def upload(client: Client, text: str | bytes, url: str = IMPORT, name: str = "endpoints.csv") -> Any:
    content = text.encode() if isinstance(text, str) else text
    return client.post(url, {"file": SimpleUploadedFile(name, content, "text/csv")})


def apply(client: Client, response: Any, url: str = IMPORT) -> Any:
    return client.post(url, {"state": response.context["state"], "step": "apply"}, follow=True)


def test_export_is_the_filtered_list(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "first")
    make_endpoint(group, "second")
    response = operator.get(EXPORT, {"q": "second"})
    assert response["Content-Disposition"] == 'attachment; filename="endpoints.csv"'
    assert [row["name"] for row in read(response)] == ["second"]


def test_selected_rows_are_exported(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "first")
    chosen = make_endpoint(group, "=second")
    response = operator.post(ROOT, {"action": "export_selected", "_selected_action": [chosen.pk]})
    assert [row["name"] for row in read(response)] == ["'=second"]


def test_headers_are_exported_only_for_people_who_may_change_them(operator: Client, viewer: Client) -> None:
    make_endpoint(options={"headers": [["X-Key", "canary"]]})
    assert "canary" in read(operator.get(EXPORT))[0]["options"]
    assert read(viewer.get(EXPORT))[0]["options"] == '{"headers": "(hidden)"}'


@pytest.mark.parametrize(
    "options", ['{"body": "\\ud800"}', '{"headers": [["X-Key", "\\udfff"]]}', '{"headers": {"\\ud800": "a"}}']
)
def test_half_a_character_is_refused_in_the_preview(operator: Client, options: str) -> None:
    make_endpoint()
    cell = options.replace('"', '""')
    response = upload(operator, f'group,name,address,options\nweb,site,http://new.example/,"{cell}"\n')
    assert response.status_code == 200
    assert "options: A text holds half of a character; write it anew." in response.content.decode()


def test_import_shows_first_and_applies_then(operator: Client) -> None:
    endpoint = make_endpoint()
    shown = upload(operator, "group,name,address\nweb,site,http://new.example/\nweb,<b>,http://b.example/\n")
    assert shown.context["counts"] == ["1 endpoint will be changed.", "1 endpoint will be added."]
    assert "<b>" not in shown.content.decode().replace("<b>", "", 0).split("hc-table")[1]
    assert (Endpoint.objects.count(), Version.objects.count()) == (1, 0)
    page = apply(operator, shown).content.decode()
    assert "2 endpoints were imported." in page
    endpoint.refresh_from_db()
    assert (endpoint.address, Endpoint.objects.count(), ImportFile.objects.count()) == ("http://new.example/", 2, 0)
    last = Version.objects.filter(object_id=endpoint.pk).latest("number")
    assert (last.get_action_display(), last.author_name, last.comment) == ("imported", "operator", "from endpoints.csv")


def test_groups_are_imported_as_well(operator: Client) -> None:
    url = "/admin/healthcheck/endpointgroup/import/"
    apply(operator, upload(operator, "slug,name,interval_seconds\nweb,Web,120\n", url), url)
    assert EndpointGroup.objects.get(slug="web").interval_seconds == 120


def test_one_wrong_line_keeps_all_from_being_applied(operator: Client) -> None:
    make_group()
    shown = upload(operator, "group,name,address\nweb,a,http://a.example/\nweb,b,ftp://b\n")
    assert (shown.context["counts"][-1], shown.context["is_applicable"]) == ("1 endpoint is refused.", False)
    assert "line 3" in shown.content.decode()
    apply(operator, shown)
    assert Endpoint.objects.count() == 0


def test_what_changed_after_the_preview_asks_for_a_new_look(operator: Client) -> None:
    endpoint = make_endpoint()
    shown = upload(operator, "group,name,timeout_seconds\nweb,site,5\n")
    Endpoint.objects.update(description="by somebody else")
    again = apply(operator, shown)
    assert "nothing was applied: look it over again" in again.content.decode()
    endpoint.refresh_from_db()
    assert endpoint.timeout_seconds == 10.0
    apply(operator, again)
    endpoint.refresh_from_db()
    assert (endpoint.timeout_seconds, endpoint.description) == (5.0, "by somebody else")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("group,name,colour\n", "There is no column “colour”; remove it."),
        ("", "The file is empty; its first line names the columns."),
        ("name\n", "The column “group” is missing; add it to the first line."),
    ],
)
def test_file_that_is_none_is_refused_with_a_sentence(operator: Client, content: str, sentence: str) -> None:
    page = upload(operator, content).content.decode()
    assert f'<p class="errornote hc-refusal" role="alert">{sentence}' in page
    assert ImportFile.objects.count() == 0


def test_links_over_a_list_are_dressed_as_its_tools(operator: Client) -> None:
    page = operator.get("/admin/healthcheck/endpoint/").content.decode()
    for view in ("export", "import"):
        assert f'<li class="hc-tool-item"><a href="/admin/healthcheck/endpoint/{view}/' in page


def test_huge_file_is_refused_without_being_kept(operator: Client) -> None:
    boundary = "a-boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="huge.csv"\r\n\r\ngroup,name\r\n'
    body = head.encode() + b"web,site\r\n" * 10_000_000 + f"\r\n--{boundary}--\r\n".encode()
    tracemalloc.start()
    response = operator.generic("POST", IMPORT, body, f"multipart/form-data; boundary={boundary}")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.context["refusal"] == "The file is larger than 10 MB; split it."
    # The test's own client copies the body; of the upload a few pieces are in memory at a time.
    assert peak < len(body) + 30_000_000


def test_file_of_another_person_is_not_applied(operator: Client) -> None:
    make_group()
    shown = upload(operator, "group,name,address\nweb,a,http://a.example/\n")
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    page = apply(other, shown).content.decode()
    assert "That file was applied or has waited too long; choose it again." in page
    assert Endpoint.objects.count() == 0


def test_waiting_file_is_forgotten_after_a_day(operator: Client) -> None:
    make_group()
    upload(operator, "group,name,address\nweb,a,http://a.example/\n")
    ImportFile.objects.update(at=timezone.now() - timedelta(days=2))
    upload(operator, "group,name,address\nweb,b,http://b.example/\n")
    assert ImportFile.objects.count() == 1


def test_upload_needs_its_token(operator: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert upload(strict, "group,name\n").status_code == 403


def test_viewers_may_export_and_not_import(viewer: Client) -> None:
    page = viewer.get(ROOT).content.decode()
    assert ("/export/" in page, "/import/" in page) == (True, False)
    assert viewer.get(IMPORT).status_code == 403
    assert upload(viewer, "group,name\n").status_code == 403
    assert ImportFile.objects.count() == 0


def test_people_without_rights_export_nothing(django_user_model: Any) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.get(EXPORT).status_code == 403


def test_only_the_newest_few_files_of_a_person_wait(operator: Client) -> None:
    make_endpoint()
    for number in range(MAX_WAITING + 2):
        upload(operator, f"group,name,address\nweb,site,http://{number}.example/\n", name=f"{number}.csv")
    assert list(ImportFile.objects.order_by("pk").values_list("name", flat=True)) == ["2.csv", "3.csv", "4.csv"]


def test_paging_of_a_preview_says_what_changed_meanwhile(operator: Client) -> None:
    make_endpoint(make_group())
    shown = upload(operator, "group,name,timeout_seconds\nweb,site,5\n")
    Endpoint.objects.update(timeout_seconds=3)
    paged = operator.post(IMPORT, {"state": shown.context["state"], "page": "1"})
    assert "Something was changed while you looked at the pages" in paged.content.decode()


class Unread:
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        pytest.fail("the body was read")

    readline = read


def test_body_of_somebody_who_may_not_import_is_not_read(viewer: Client) -> None:
    body: dict[str, Any] = {
        "wsgi.input": Unread(),
        "CONTENT_LENGTH": "100",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }
    assert viewer.generic("POST", IMPORT, **body).status_code == 403
