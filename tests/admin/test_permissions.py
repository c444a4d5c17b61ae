"""Who may look and who may act."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.models import CheckRun, Endpoint, EndpointGroup
from tests.admin.conftest import endpoint_fields, group_fields, make_person
from tests.factories import make_assertion, make_endpoint, make_group, make_result, make_run

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"


def page_urls() -> list[str]:
    """Store one of everything and return the pages about it."""
    endpoint = make_endpoint(
        make_group(), options={"headers": [["Authorization", "canary-header"]], "body": "canary-body"}
    )
    make_assertion(endpoint, 'body contains "ready"')
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    return [
        f"{ROOT}endpointgroup/",
        f"{ROOT}endpointgroup/{endpoint.group_id}/change/",
        f"{ROOT}endpointgroup/{endpoint.group_id}/runs/",
        f"{ROOT}endpointgroup/runs/{run.pk}/",
        f"{ROOT}endpoint/",
        f"{ROOT}endpoint/{endpoint.pk}/change/",
        f"{ROOT}endpoint/{endpoint.pk}/results/",
    ]


def test_anonymous_visitors_are_asked_to_log_in() -> None:
    for url in page_urls():
        response = Client().get(url)
        assert response["Location"] == f"/admin/login/?next={url}"


def test_staff_without_permission_see_nothing(django_user_model: type) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_user("other", is_staff=True))  # type: ignore[attr-defined]
    assert [client.get(url).status_code for url in page_urls()] == [403] * 7


def test_viewers_see_every_page_without_buttons_and_secrets(viewer: Client) -> None:
    for url in page_urls():
        response = viewer.get(url)
        page = response.content.decode()
        assert response.status_code == 200
        for hidden in ("Check now", "/pause/", "pause_selected", "canary-header", "canary-body"):
            assert hidden not in page


def test_viewers_read_assertions_where_others_edit_them(viewer: Client) -> None:
    urls = page_urls()
    for url in (urls[1], urls[5]):
        assert '<pre class="hc-text">body contains &quot;ready&quot;</pre>' in viewer.get(url).content.decode()


def test_viewers_cannot_act(viewer: Client) -> None:
    endpoint = make_endpoint()
    before = (EndpointGroup.objects.values().get(), Endpoint.objects.values().get())
    group_url, endpoint_url = f"{ROOT}endpointgroup/{endpoint.group_id}/", f"{ROOT}endpoint/{endpoint.pk}/"
    for url in (f"{group_url}check-now/", f"{group_url}pause/", f"{group_url}resume/", f"{endpoint_url}pause/"):
        assert viewer.post(url).status_code == 403
    assert viewer.post(f"{group_url}change/", group_fields(name="Other")).status_code == 403
    assert viewer.post(f"{endpoint_url}change/", endpoint_fields(name="other")).status_code == 403
    assert viewer.post(f"{group_url}delete/", {"post": "yes"}).status_code == 403
    viewer.post(f"{ROOT}endpointgroup/", {"action": "pause_selected", "_selected_action": [endpoint.group_id]})
    assert (EndpointGroup.objects.values().get(), Endpoint.objects.values().get()) == before
    assert CheckRun.objects.count() == 0


def test_buttons_refuse_get_and_a_missing_token(operator: Client) -> None:
    group = make_group()
    url = f"{ROOT}endpointgroup/{group.pk}/pause/"
    assert operator.get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(url).status_code == 403
    group.refresh_from_db()
    assert group.is_paused is False


def test_pages_of_deleted_rows_are_gone(operator: Client) -> None:
    urls = page_urls()
    operator.post(urls[1].replace("change", "delete"), {"post": "yes"})
    assert [operator.get(url).status_code for url in (urls[2], urls[3], urls[6])] == [404] * 3


def test_rows_of_machines_have_no_admin(operator: Client) -> None:
    for model in ("checkrun", "checkresult", "evidence", "endpointstate", "transition", "tick"):
        assert operator.get(f"{ROOT}{model}/").status_code == 404


def test_operators_act_without_editing() -> None:
    client = make_person("view_endpointgroup", "view_endpoint", "operate_endpointgroup")
    endpoint = make_endpoint()
    group_url, endpoint_url = f"{ROOT}endpointgroup/{endpoint.group_id}/", f"{ROOT}endpoint/{endpoint.pk}/"
    assert [client.post(f"{url}pause/").status_code for url in (group_url, endpoint_url)] == [302, 302]
    assert (EndpointGroup.objects.get().is_paused, Endpoint.objects.get().is_paused) == (True, True)
    assert ">Resume</button>" in client.get(f"{group_url}change/").content.decode()
    client.post(f"{ROOT}endpoint/", {"action": "resume_selected", "_selected_action": [endpoint.pk]})
    assert Endpoint.objects.get().is_paused is False
    assert client.post(f"{endpoint_url}change/", endpoint_fields(name="other")).status_code == 403
    assert client.post(f"{group_url}delete/", {"post": "yes"}).status_code == 403


def test_operating_needs_the_right_to_look() -> None:
    client = make_person("operate_endpointgroup", "view_endpointgroup")
    endpoint = make_endpoint()
    assert client.post(f"{ROOT}endpoint/{endpoint.pk}/pause/").status_code == 403
    assert Endpoint.objects.get().is_paused is False


def test_editors_operate_without_the_permission() -> None:
    client = make_person("change_endpoint")
    endpoint = make_endpoint()
    assert client.post(f"{ROOT}endpoint/{endpoint.pk}/pause/").status_code == 302
    assert Endpoint.objects.get().is_paused is True


def test_deleting_a_group_needs_the_permission_for_its_endpoints() -> None:
    client = make_person("view_endpointgroup", "delete_endpointgroup")
    group = make_group()
    endpoint = make_endpoint(group)
    url = f"/admin/healthcheck/endpointgroup/{group.pk}/delete/"
    assert client.post(url, {"post": "yes"}).status_code == 403
    group.refresh_from_db()
    assert group.deleted_at is None
    endpoint.delete()
    assert client.post(url, {"post": "yes"}).status_code == 302
    group.refresh_from_db()
    assert group.deleted_at is not None


def test_run_names_endpoints_to_people_who_may_see_them() -> None:
    group = make_group()
    run = make_run(group)
    make_result(run, make_endpoint(group, "canary"))
    url = f"/admin/healthcheck/endpointgroup/runs/{run.pk}/"
    assert "canary" not in make_person("view_endpointgroup").get(url).content.decode()
    assert "canary" in make_person("view_endpointgroup", "view_endpoint", name="other").get(url).content.decode()
