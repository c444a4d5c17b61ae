"""Addresses of the app; include them under any prefix."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from healthcheck.web import health, views

app_name = "healthcheck"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.status_page, name="status"),
    path("status.json", views.status_json, name="status_json"),
    path("status/<slug:slug>/", views.status_page, name="page"),
    path("status/<slug:slug>.json", views.status_json, name="page_json"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
