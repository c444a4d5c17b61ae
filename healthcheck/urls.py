"""Addresses of the app; include them under any prefix."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from healthcheck.web import assets, endpoint_views, entering, health, views
from healthcheck.web.inbox import deploys, links, signals

app_name = "healthcheck"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.status_page, name="status"),
    path("status.json", views.status_json, name="status_json"),
    path("status/<slug:slug>/", views.status_page, name="page"),
    path("status/<slug:slug>.json", views.status_json, name="page_json"),
    # Below the page, where the pass of one that asks for a password is sent along.
    path("status/<slug:slug>/status.json", views.status_json, name="page_twin"),
    path("status/<slug:slug>/enter", entering.enter_page, name="enter"),
    path("status/<slug:slug>/style-<str:version>.css", assets.page_style, name="page_style"),
    path("status/<slug:slug>/logo-<str:version>.png", assets.page_logo, name="page_logo"),
    path("status/<slug:slug>/<int:endpoint_id>/", endpoint_views.endpoint_page, name="endpoint"),
    path("status/<slug:slug>/<int:endpoint_id>.json", endpoint_views.endpoint_json, name="endpoint_json"),
    # Everything below it has one answer, whether it is nearly a token or not, such as one with the end of its line.
    re_path(r"^ping/(?P<rest>[\s\S]+)\Z", signals.take_call, name="inbox"),
    re_path(r"^deploys/(?P<rest>[\s\S]+)\Z", deploys.take_deploy, name="deploys"),
    path("acknowledge/<str:token>/", links.acknowledge_page, name="acknowledge"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
