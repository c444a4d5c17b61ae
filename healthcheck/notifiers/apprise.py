"""Everything else that Apprise knows, by one of its URLs. Optional: the extra `apprise`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import AddressRules, ConfigurationError
from healthcheck.notifiers.contract import Answer, Field, Reach, Verdict
from healthcheck.notifiers.field_values import list_secrets, read_values
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.tidying import tidy_line, tidy_message
from healthcheck.notifiers.wording import write_headline, write_text

CHECK_SECONDS = 15.0
# More than what its log is cut to, with each character written in twelve.
MAX_OUTPUT_CHARS = 64_000
_MAX_SENTENCE_CHARS = 400

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,30}://\S+", re.IGNORECASE)
# How most of its services log a status. Those that will not change by trying again.
_FINAL = re.compile(r"error\s*=\s*(?:401|403|410)\b")
_TYPES = {Severity.DOWN: "FAILURE", Severity.DEGRADED: "WARNING", Severity.NOTICE: "INFO"}
# Proxies and keys of the environment are none of a receiver's.
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")
_LACK = (
    "Apprise is not installed here; install it with the extra `apprise` (pip install apprise), or choose another kind."
)
_MODULE = "healthcheck.notifiers.apprise_run"


class AppriseNotifier:
    kind = "apprise"
    label = "Apprise"
    tells_each = False
    fields = (
        Field(
            "url",
            gettext_noop("Apprise URL"),
            gettext_noop("Such as matrix://… or pover://…; see Apprise's own list."),
            is_secret=True,
        ),
    )

    def describe_lack(self) -> str:
        return "" if find_spec("apprise") else _LACK

    def refuse(self, values: Mapping[str, str]) -> None:
        """Raise ConfigurationError, with the field's name, for what can never be sent with. Connects to nothing."""
        _check(read_values(self.fields, values)["url"])

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        """Send one message. Never raises for a receiver's trouble."""
        try:
            read = read_values(self.fields, values)
            _check_form(read["url"])
        except ConfigurationError as error:
            return Answer(Verdict.REFUSED, error.sentence)
        task = write_task(read["url"], tidy_message(message), reach.rules)
        result = _run(task, reach.timeout_seconds)
        answer = _judge(result, reach.timeout_seconds)
        redactor = Redactor(list_secrets(self.fields, read))
        return Answer(answer.verdict, tidy_line(redactor.clean(answer.sentence), _MAX_SENTENCE_CHARS))


def write_task(url: str, message: Message, rules: AddressRules) -> dict[str, Any]:
    kind = "SUCCESS" if message.is_over else _TYPES[message.severity]
    policy = {"mode": rules.mode.value, "allow": rules.allow, "deny": rules.deny}
    headline, _, body = write_text(message).partition("\n")
    return {
        "url": url,
        "title": headline,
        "body": body.strip() or write_headline(message),
        "type": kind,
        "rules": policy,
    }


def _check_form(url: str) -> None:
    if find_spec("apprise") is None:
        raise ConfigurationError(_LACK, field="url")
    if not _SCHEME.fullmatch(url):
        raise _refuse_url()


def _refuse_url() -> ConfigurationError:
    return ConfigurationError("Apprise does not understand the URL; write it as its own list shows.", field="url")


def _check(url: str) -> None:
    _check_form(url)
    if not _is_understood(url):
        raise _refuse_url()


@lru_cache(maxsize=64)
def _is_understood(url: str) -> bool:
    result = _run({"url": url, "rules": None}, CHECK_SECONDS)
    # Nobody can say while the machine is too busy to ask; the first message will.
    return result is None or result.get("is_understood") is True


def _run(task: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """Return what Apprise made of a task in a process of its own; None when it did not end in time, or not well."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        # The task goes in by a pipe: arguments of a process are for everybody to read.
        done = subprocess.run(  # noqa: S603 - ourselves, with no argument of anybody's
            [sys.executable, "-m", _MODULE],
            input=json.dumps({**task, "seconds": seconds}),
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
        result = json.loads(done.stdout[:MAX_OUTPUT_CHARS])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return result if isinstance(result, dict) else None


def _judge(result: Mapping[str, Any] | None, seconds: float) -> Answer:
    if result is None:
        return Answer(Verdict.RETRY, f"It was not sent within {seconds:g} s, or Apprise failed.")
    if not result["is_understood"]:
        return Answer(Verdict.REFUSED, _refuse_url().sentence)
    if result["is_taken"]:
        return Answer(Verdict.SENT, "Taken.")
    if result["refused"]:
        return Answer(
            Verdict.REFUSED,
            f"The address policy does not allow sending to its address ({result['refused'][0]}); allow the address, or "
            "enter another.",
        )
    said = tidy_line(str(result["log"]).strip().rpartition("\n")[2], 200)
    if _FINAL.search(said):
        return Answer(
            Verdict.REFUSED, f"The receiver refused it ({said}); renew its credential there and enter the URL anew."
        )
    return Answer(Verdict.RETRY, f"Apprise could not send it: {said or 'it does not say why'}")
