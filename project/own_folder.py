"""What holds beside the folder of `manage.py up`: its keys, and that it checks any address of this machine.

For the children of `up`, and for every command that is run by hand on the same database. Read by the settings, so it
needs nothing of Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SECRET_KEY_FILE = "secret-key"  # noqa: S105  # a name
ENCRYPTION_KEYS_FILE = "encryption-key"
# It is meant for one person's own machine, where most of what is checked is on that machine.
OWN_ADDRESS_MODE = "everything"
DEPLOYED_ADDRESS_MODE = "private"


@dataclass(frozen=True, slots=True)
class FolderDefaults:
    """What the settings take where the environment says nothing. "" for no key."""

    address_mode: str = DEPLOYED_ADDRESS_MODE
    secret_key: str = ""
    encryption_keys: str = ""


def read_folder_defaults(directory: Path) -> FolderDefaults:
    """Return what holds beside this folder: that of a deployment, unless `up` has put both of its keys there."""
    try:
        secret_key = (directory / SECRET_KEY_FILE).read_text(encoding="utf-8").strip()
        encryption_keys = join_keys((directory / ENCRYPTION_KEYS_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        # Nobody's, somebody else's, or damaged, which `up` explains.
        return FolderDefaults()
    return FolderDefaults(OWN_ADDRESS_MODE, secret_key, encryption_keys)


def join_keys(text: str) -> str:
    """Return keys as the environment gives them, from one per line or separated by commas."""
    return ",".join(text.replace(",", " ").split())
