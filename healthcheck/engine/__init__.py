"""The engine thinks: probes, judges and keeps time. No Django, no Celery, no database."""
