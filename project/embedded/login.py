"""The login link of `manage.py up`: new at each start, for the one account that it names, good for one use."""

from __future__ import annotations

import shlex

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from healthcheck.web.missing import answer_used_link
from project.embedded.data_directory import DataDirectory

BACKEND = "django.contrib.auth.backends.ModelBackend"
# The address holds the secret: nobody whom the answer links to may learn it.
HEADERS = {"Referrer-Policy": "no-referrer"}


@never_cache
@require_GET
def open_login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log the account in and go to the admin; 410 once the link was used.

    404 for a wrong token, or where no link was given out. HEAD uses nothing up.
    """
    if not settings.LOGIN_TOKEN or not constant_time_compare(token, settings.LOGIN_TOKEN):
        raise Http404
    users = get_user_model()
    account = users._default_manager.filter(**{users.USERNAME_FIELD: settings.LOGIN_ACCOUNT}, is_active=True).first()
    if account is None:
        raise Http404
    # A browser that fetched the link ahead, or reloads it, is logged in already.
    if request.user != account:
        if not _use_up():
            return _refuse_used(request)
        login(request, account, backend=BACKEND)
    return HttpResponseRedirect(reverse("admin:index"), headers=HEADERS)


def _use_up() -> bool:
    """Take the permission for one login; False when somebody was faster. Only one of many can remove a file."""
    try:
        DataDirectory(settings.DATA_DIR).login_permission.unlink()
    except FileNotFoundError:
        return False
    return True


def _refuse_used(request: HttpRequest) -> HttpResponse:
    command = shlex.join(
        [
            "env",
            f"HEALTHCHECK_DATA={settings.DATA_DIR}",
            # As every page of the documentation writes it.
            ".venv/bin/python",
            "manage.py",
            "changepassword",
            settings.LOGIN_ACCOUNT,
        ]
    )
    response = answer_used_link(request, command)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response
