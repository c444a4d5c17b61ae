"""What the demo remembers in the data directory: which rows are its own, in which database, and its ports."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from django.db.migrations.recorder import MigrationRecorder


@dataclass(slots=True)
class DemoMemory:
    """`database` names the database that the ids belong to: ids in another one are somebody else's."""

    database: str = ""
    group_ids: list[int] = field(default_factory=list)
    endpoint_ids: list[int] = field(default_factory=list)
    http_port: int = 0
    tls_port: int = 0
    # Removed by hand: not to be loaded again by itself.
    is_removed: bool = False

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return what is remembered; nothing, where there is no file or not one of ours."""
        try:
            return cls(**json.loads((directory / "memory.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, directory: Path) -> None:
        """Replace the file as a whole. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        fresh = directory / "memory.new"
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(directory / "memory.json")

    @property
    def is_loaded(self) -> bool:
        return bool(self.group_ids) and self.database == identify_database()


def identify_database() -> str:
    """Return the instant at which this database got its first migration: no other one has the same."""
    applied = MigrationRecorder.Migration.objects.order_by("pk").values_list("applied", flat=True).first()
    return "" if applied is None else applied.isoformat()
