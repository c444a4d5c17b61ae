"""The deployment: settings from the environment, the Celery app, and the one-command server."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
