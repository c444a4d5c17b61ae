"""Addresses of the deployment: the admin, and everything of the app at the root."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from project.embedded.login import open_login_link

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/<str:token>/", open_login_link, name="login_link"),
    path("", include("healthcheck.urls")),
]
