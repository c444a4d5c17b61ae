"""Variables that may also be given as files, as containers hand out secrets: NAME_FILE names what holds the value."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from environ.fileaware_mapping import FileAwareMapping


class FileVariables(FileAwareMapping):  # type: ignore[misc]  # untyped
    """The environment, with the file first where there is one. An empty NAME_FILE is none."""

    def __getitem__(self, name: str) -> str:
        file = self.env.get(f"{name}_FILE")
        if not file:
            value: str = self.env[name]
            return value
        try:
            # Editors and `echo` end a file with a line feed, which belongs to no secret.
            value = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {file}, which cannot be read ({error.strerror}); correct the path, or let the user "
                "that runs this read the file."
            ) from None
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which is no text in UTF-8; write it anew.") from None
        if not value:
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which is empty; write the value into it.")
        return value


class FileAwareEnv(Env):  # type: ignore[misc]  # untyped
    ENVIRON = FileVariables()

    def secret(self, name: str) -> str:
        """Return a secret as it is, "" for none. `str` takes what begins with $ for another variable's name."""
        value: str = self.ENVIRON.get(name, "")
        return value
