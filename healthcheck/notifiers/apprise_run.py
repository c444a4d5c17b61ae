"""Runs Apprise in a process of its own, which ends with its one message: `python -m`, JSON in, JSON out.

Apprise connects by many libraries, follows redirects and keeps no deadline. Here every connection of Python's own
sockets is judged by the address policy when it is made, nothing is run, and whoever started it ends it in time.
"""

from __future__ import annotations

import json
import logging
import math
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from typing import Any

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.types import AddressMode, AddressRules

# More than it takes with everything loaded; an answer of a gigabyte ends this process and no other.
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
MAX_LOG_CHARS = 4000

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
# Programs are nobody's receiver, and a file none that the policy knows.
_RUNNING = ("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.startfile", "pty.")


class Refusals:
    """What the policy refused, and why. Installed as an audit hook, which sees each call before it is made."""

    def __init__(self, policy: AddressPolicy | None) -> None:
        self._policy = policy
        self.reasons: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTING:
            self._judge(arguments[1] if len(arguments) > 1 else None)
        elif event.startswith(_RUNNING):
            self._refuse("it would run a program")

    def _judge(self, address: object) -> None:
        host = address[0] if isinstance(address, tuple) and address else None
        if self._policy is None:
            self._refuse("nothing is connected to")
        elif not isinstance(host, str):
            self._refuse("not an address")
        elif reason := self._policy.find_refusal(host):
            self._refuse(reason)

    def _refuse(self, reason: str) -> None:
        self.reasons.append(reason)
        raise PermissionError(reason)


def run(task: dict[str, Any], refuse: Callable[[AddressPolicy | None], Refusals]) -> dict[str, Any]:
    """Return what came of a task: whether its URL is understood, and whether the message was taken."""
    rules = task.get("rules")
    policy = None if rules is None else AddressPolicy(_read_rules(rules))
    apprise = import_module("apprise")
    refusals = refuse(policy)
    log = StringIO()
    logging.basicConfig(stream=log, level=logging.WARNING, format="%(message)s", force=True)
    receiver = apprise.Apprise.instantiate(task["url"], suppress_exceptions=True)
    is_taken = None
    if receiver is not None and policy is not None:
        kind = getattr(apprise.NotifyType, task["type"])
        is_taken = bool(receiver.notify(title=task["title"], body=task["body"], notify_type=kind, body_format="text"))
    return {
        "is_understood": receiver is not None,
        "is_taken": is_taken,
        "refused": refusals.reasons[:1],
        "log": log.getvalue()[-MAX_LOG_CHARS:],
    }


def _read_rules(rules: dict[str, Any]) -> AddressRules:
    return AddressRules(AddressMode(rules["mode"]), tuple(rules["allow"]), tuple(rules["deny"]))


def _install(policy: AddressPolicy | None) -> Refusals:
    refusals = Refusals(policy)
    sys.addaudithook(refusals)
    return refusals


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    out, sys.stdout = sys.stdout, sys.stderr
    task = json.load(sys.stdin)
    # Also where whoever started it is no more.
    signal.alarm(math.ceil(task["seconds"]) + 1)
    json.dump(run(task, _install), out)


if __name__ == "__main__":
    main()
