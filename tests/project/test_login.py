from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-this-start"


@pytest.fixture
def link(settings: Settings) -> str:
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
