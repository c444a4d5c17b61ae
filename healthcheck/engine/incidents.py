"""The words of incidents and of what is told about them. The numbers are stored: never reuse one."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.IntEnum):
    """How bad it is. In order: a policy tells from one of them upwards."""

    NOTICE = 1
    DEGRADED = 2
    DOWN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Stage(enum.IntEnum):
    """How far people are with an incident, as they say it to others."""

    INVESTIGATING = 1
    IDENTIFIED = 2
    MONITORING = 3
    RESOLVED = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class Event(enum.IntEnum):
    """What a notification is about. The last three concern no incident."""

    OPENED = 1
    GREW = 2
    ESCALATED = 3
    REMINDER = 4
    UPDATED = 5
    ACKNOWLEDGED = 6
    RESOLVED = 7
    TEST = 8
    TROUBLE = 9
    TROUBLE_OVER = 10

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something became true of an incident, in the transaction that asks for whom to tell.

    `endpoint_ids` are those it concerns now, which decide whose policies hold. `text` is what a person said, one line.
    """

    event: Event
    incident_id: int
    severity: Severity
    endpoint_ids: tuple[int, ...]
    text: str = ""
