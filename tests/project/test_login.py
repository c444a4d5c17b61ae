from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from project.embedded.data_directory import DataDirectory

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-this-start"


@pytest.fixture
def link(settings: Settings, tmp_path: Path) -> str:
    settings.DATA_DIR = tmp_path
    DataDirectory(tmp_path).login_permission.touch()
    get_user_model()._default_manager.create_superuser("operator")
    settings.LOGIN_TOKEN, settings.LOGIN_ACCOUNT = TOKEN, "operator"
    return f"/login/{TOKEN}/"


def test_login_link_logs_the_account_in(client: Client, link: str) -> None:
    answer = client.get(link)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert client.get("/admin/").context["user"].get_username() == "operator"


def test_login_link_refuses_another_token(client: Client, link: str) -> None:
    assert client.get(f"{link[:-1]}x/").status_code == 404


def test_login_link_refuses_an_account_that_is_no_longer_active(client: Client, link: str) -> None:
    get_user_model()._default_manager.update(is_active=False)
    assert client.get(link).status_code == 404


def test_login_link_does_not_exist_outside_up(client: Client, link: str, settings: Settings) -> None:
    settings.LOGIN_TOKEN = ""
    assert client.get(link).status_code == 404


def test_login_link_refuses_a_post(client: Client, link: str) -> None:
    assert client.post(link).status_code == 405


def test_login_link_works_once(client: Client, link: str, tmp_path: Path) -> None:
    assert client.get(link).status_code == 302
    used = Client().get(link)
    assert used.status_code == 410
    page = used.content.decode()
    assert '<h1 class="hc-verdict-sentence">This login link has been used.</h1>' in page
    command = f"env HEALTHCHECK_DATA={tmp_path} .venv/bin/python manage.py changepassword operator"
    assert f'<code class="hc-command">{command}</code>' in page
    assert used.headers["Referrer-Policy"] == "no-referrer"
    german = Client().get(link, headers={"accept-language": "de"}).content.decode()
    assert "Dieser Anmeldelink wurde schon benutzt." in german
    assert not used.cookies


def test_login_link_leads_on_whom_it_has_logged_in(client: Client, link: str) -> None:
    assert [client.get(link).status_code for _ in range(2)] == [302, 302]


def test_login_link_is_not_used_up_by_a_look_at_it(client: Client, link: str) -> None:
    assert client.head(link).status_code == 405
    assert Client().get(f"{link[:-1]}x/").status_code == 404
    assert client.get(link).status_code == 302
