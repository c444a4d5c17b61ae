"""The deployment's own settings on a throwaway database: SQLite, or what TEST_DATABASE_URL names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-the-tests-only-for-the-tests-only-for-the-tests")
# What somebody has started in this checkout is none of the tests' business.
os.environ.setdefault("HEALTHCHECK_DATA", tempfile.mkdtemp(prefix="hctest"))
if "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from project.settings import *  # noqa: F403  # the environment is read at import

# In a file, because runs are stored from threads of their own, each with its own connection.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.mkdtemp(prefix="hctest")) / "test.sqlite3")}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
