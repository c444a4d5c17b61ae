"""Settings of the deployment, all from the environment. Every variable may also be given as a file: NAME_FILE."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from project.logs import build_logging
from project.own_folder import FolderDefaults, read_folder_defaults
from project.secret_files import FileAwareEnv
from project.theme import build_theme

env = FileAwareEnv()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("HEALTHCHECK_DATA", default=str(BASE_DIR / "data")))

# A command beside a running `up` does as its processes do. With a database elsewhere, the folder means nothing.
_HAS_DATABASE_URL = bool(env.str("DATABASE_URL", default=""))
_DEFAULTS = FolderDefaults() if _HAS_DATABASE_URL else read_folder_defaults(DATA_DIR)

DEBUG = False
# Without one every process makes its own: sessions do not last, nobody can forge them, and the deploy check complains.
SECRET_KEY = env.secret("SECRET_KEY") or _DEFAULTS.secret_key or f"django-insecure-{secrets.token_urlsafe(40)}"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The theme of the admin, before the admin whose templates it replaces. Without it the stock admin is complete.
THEME = env.bool("ADMIN_THEME", default=True) and find_spec("unfold") is not None
UNFOLD = build_theme()

INSTALLED_APPS = [
    "project.embedded",
    "healthcheck",
    *(["unfold"] if THEME else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "project.bodiless.empty_head",
    "healthcheck.web.middleware.answer_probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "project.spoken.speak_in_admin",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "project.urls"
# The words of the sidebar; everything else brings its own.
LOCALE_PATHS = [BASE_DIR / "project" / "locale"]
WSGI_APPLICATION = "project.wsgi.application"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Where a status page for people who are signed in sends everybody else.
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "healthcheck.web.missing.answer_stale_form"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
STATIC_URL = "static/"

_SQLITE_OPTIONS = {
    # Deferred transactions fail with "database is locked" the moment two processes read and then write.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
}
_POSTGRES_OPTIONS = {
    # A server that vanished without a word is noticed within seconds; the system's own patience is hours.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def _database() -> dict[str, Any]:
    # Not as a URL: a path may hold what means something else there, such as # or %.
    database: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "healthcheck.sqlite3")}
    if _HAS_DATABASE_URL:
        database = env.db_url("DATABASE_URL")
    if database["ENGINE"].endswith("sqlite3"):
        database["OPTIONS"] = _SQLITE_OPTIONS | database.get("OPTIONS", {})
    else:
        database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
        # Apart from the URL, where a password would have to be percent-encoded, and which then is no secret.
        if password := env.secret("DATABASE_PASSWORD"):
            database["PASSWORD"] = password
        database["OPTIONS"] = _POSTGRES_OPTIONS | database.get("OPTIONS", {})
    return database


DATABASES = {"default": _database()}

# A container collects the static files when it is built; elsewhere they are served from where the apps keep them.
COLLECTED_STATIC = env.bool("COLLECTED_STATIC", default=False)
STATIC_ROOT = BASE_DIR / "staticfiles" if COLLECTED_STATIC else None
WHITENOISE_USE_FINDERS = not COLLECTED_STATIC
_STATIC_BACKEND = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if COLLECTED_STATIC
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_BACKEND},
}

# On behind a proxy that ends TLS; gunicorn's FORWARDED_ALLOW_IPS says whose X-Forwarded-Proto is believed.
HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=30 * 86400) if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Whether every name below this one speaks HTTPS, for ever, is for the owner of the domain to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A Redis that fails over or cannot save answers with errors for a while; unset, the first of them ends every worker.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A broker that vanished without closing its connections is noticed; above the second that a worker waits for work.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    # Longer than the longest lease of a run (605 s), or a run that is under way is delivered once more.
    "visibility_timeout": 900,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Ours are acknowledged early, so there is nothing to cancel; unset, Celery warns about it at each lost connection.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Groups under way at once in a process. Their threads only wait, so that silent hosts hold back nobody else.
CELERY_WORKER_CONCURRENCY = env.int("WORKER_THREADS", default=500)

LOGGING = build_logging(log_format=env.str("LOG_FORMAT", default="console"), level=env.str("LOG_LEVEL", default="INFO"))

# Given by `manage.py up` alone: the secret part of the login link, and whose account it opens.
LOGIN_TOKEN = env.str("LOGIN_TOKEN", default="")
LOGIN_ACCOUNT = env.str("LOGIN_ACCOUNT", default="")

HEALTHCHECK: dict[str, Any] = {
    "ADDRESS_MODE": env.str("HEALTHCHECK_ADDRESS_MODE", default=_DEFAULTS.address_mode),
    "ADDRESS_ALLOW": tuple(env.list("HEALTHCHECK_ADDRESS_ALLOW", default=[])),
    "ADDRESS_DENY": tuple(env.list("HEALTHCHECK_ADDRESS_DENY", default=[])),
    "WATCHDOG_URL": env.secret("HEALTHCHECK_WATCHDOG_URL"),
    "WATCHDOG_SLOTS": env.int("HEALTHCHECK_WATCHDOG_SLOTS", default=10),
    "BASE_URL": env.str("HEALTHCHECK_BASE_URL", default=""),
    "ENCRYPTION_KEYS": tuple(
        key.strip()
        for key in (env.secret("HEALTHCHECK_ENCRYPTION_KEYS") or _DEFAULTS.encryption_keys).split(",")
        if key.strip()
    ),
    "RETENTION_DAYS": env.int("HEALTHCHECK_RETENTION_DAYS", default=14),
    "HOUR_RETENTION_DAYS": env.int("HEALTHCHECK_HOUR_RETENTION_DAYS", default=100),
    "SPOOL_DIR": env.str("HEALTHCHECK_SPOOL_DIR", default=""),
    "TRUSTED_PROXIES": tuple(env.list("HEALTHCHECK_TRUSTED_PROXIES", default=[])),
}
