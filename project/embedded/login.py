"""The login link of `manage.py up`: new at each start, for the one account that it names."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_GET
def open_login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log the account in and go to the admin. 404 for a wrong token, or where no link was given out."""
    if not settings.LOGIN_TOKEN or not constant_time_compare(token, settings.LOGIN_TOKEN):
        raise Http404
    users = get_user_model()
    account = users._default_manager.filter(**{users.USERNAME_FIELD: settings.LOGIN_ACCOUNT}, is_active=True).first()
    if account is None:
        raise Http404
    login(request, account, backend=BACKEND)
    # The address holds the secret: nobody whom the admin links to may learn it.
    return HttpResponseRedirect(reverse("admin:index"), headers={"Referrer-Policy": "no-referrer"})
