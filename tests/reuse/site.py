"""A Django project as somebody else has it: made by `startproject`, with a Celery app of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.figures.children import Child

PATIENCE_SECONDS = 60
CELERY = """
import os
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
SETTINGS = """
import os

HEALTHCHECK = {"ADDRESS_MODE": "everything"}
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
CELERY_BROKER_URL = os.environ["SHOP_BROKER"]
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
if "SHOP_TICKS" in os.environ:
    CELERY_BEAT_SCHEDULE = {"health": {"task": "healthcheck.tick", "schedule": 1.0}}
"""
URLS = """
from django.urls import include

urlpatterns += [path("health/", include("healthcheck.urls"))]
"""


class Site:
    """The project in `folder`, run by the interpreter of an environment of its own."""

    def __init__(self, folder: Path, python: Path, broker: str) -> None:
        self.folder = folder
        self._python = python
        self._environment = {"PATH": os.environ["PATH"], "SHOP_BROKER": broker, "HOME": str(folder)}
        self.run("-m", "django", "startproject", "shop", ".")

    def append(self, name: str, text: str) -> None:
        with (self.folder / "shop" / name).open("a") as file:
            file.write(text)

    def install_app(self) -> None:
        """The first step of the documentation, and no other."""
        self.append("settings.py", '\nINSTALLED_APPS += ["healthcheck"]\n')

    def configure(self) -> None:
        """All other steps."""
        self.append("settings.py", SETTINGS)
        self.append("urls.py", URLS)
        (self.folder / "shop" / "celery.py").write_text(CELERY)
        self.append("__init__.py", "from shop.celery import app as celery_app\n")

    def run(self, *arguments: str, text: str = "", **variables: str) -> str:
        """Run the interpreter and return everything that it prints."""
        ran = subprocess.run(
            [str(self._python), *arguments],
            cwd=self.folder,
            env=self._environment | variables,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def manage(self, *arguments: str, text: str = "", **variables: str) -> str:
        return self.run("manage.py", *arguments, text=text, **variables)

    def start(self, *arguments: str, log: str, **variables: str) -> Child:
        """Start the interpreter for long."""
        return Child(
            str(self._python),
            *arguments,
            log=self.folder / log,
            environment=self._environment | variables,
            folder=self.folder,
        )
