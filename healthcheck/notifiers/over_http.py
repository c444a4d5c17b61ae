"""What all kinds over HTTP have in common: a kind says what it sends, and what a receiver's refusals mean there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Answer, Field, Reach, Verdict
from healthcheck.notifiers.field_values import list_secrets, read_values
from healthcheck.notifiers.http import Call, NoReply, Reply, ask_all
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.retry_after import read_retry_after
from healthcheck.notifiers.tidying import tidy_line, tidy_message

MAX_EXCERPT_CHARS = 120
MAX_SENTENCE_CHARS = 400
_ORDER = (Verdict.REFUSED, Verdict.RETRY, Verdict.SENT)

CREDENTIAL_CURE = "renew its credential there and enter it again"
GONE_CURE = "enter the address that the receiver has now"


class HttpNotifier(ABC):
    """One way of telling over HTTP. Sending the same message again says the same to the same receiver."""

    kind: str
    label: str
    fields: tuple[Field, ...]
    tells_each = False
    # The statuses that will not change by trying again, and the cure of each.
    cures: Mapping[int, str] = {401: CREDENTIAL_CURE, 403: CREDENTIAL_CURE, 410: GONE_CURE}

    @abstractmethod
    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        """Return the requests that tell a tidied message. Raises ConfigurationError for values that cannot do."""

    @abstractmethod
    def check(self, values: Mapping[str, str]) -> None:
        """Raise ConfigurationError, with the field's name, for values of which each alone is right."""

    def read_reply(self, reply: Reply) -> Answer | None:
        """Return what an answer means that says it in its body; None where its status says all."""
        return None

    def list_hidden(self, values: Mapping[str, str]) -> list[str]:
        """Return what no sentence about an answer may hold, of values that were checked."""
        return list_secrets(self.fields, values)

    def refuse(self, values: Mapping[str, str]) -> None:
        """Raise ConfigurationError, with the field's name, for what can never be sent with."""
        self.check(read_values(self.fields, values))

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        """Send a message, and return what came of it within the timeout. Never raises for a receiver's trouble."""
        try:
            read = read_values(self.fields, values)
            self.check(read)
            calls = self.build_calls(read, tidy_message(message))
        except ConfigurationError as error:
            return Answer(Verdict.REFUSED, error.sentence)
        redactor = Redactor(self.list_hidden(read))
        answers = [self._judge(each, redactor) for each in ask_all(calls, reach)]
        worst = min(answers, key=lambda answer: _ORDER.index(answer.verdict))
        return replace(worst, is_untaken=all(answer.is_untaken for answer in answers))

    def _judge(self, reply: Reply | NoReply, redactor: Redactor) -> Answer:
        if isinstance(reply, NoReply):
            verdict = Verdict.REFUSED if reply.is_final else Verdict.RETRY
            return Answer(verdict, _clean(reply.sentence, redactor), is_untaken=reply.is_untaken)
        answer = self.read_reply(reply) or self._judge_status(reply, redactor)
        return replace(answer, sentence=_clean(answer.sentence, redactor), is_untaken=_is_untaken(reply.status))

    def _judge_status(self, reply: Reply, redactor: Redactor) -> Answer:
        if 200 <= reply.status < 300:
            return Answer(Verdict.SENT, f"Taken (HTTP {reply.status}).")
        if 300 <= reply.status < 400:
            return Answer(
                Verdict.REFUSED,
                f"It redirects (HTTP {reply.status}), and messages do not follow; enter the address that it leads to.",
            )
        said = describe(reply, redactor)
        cure = self.cures.get(reply.status)
        if cure is not None:
            return Answer(Verdict.REFUSED, f"{self.label} refused it ({said}); {cure}.")
        seconds = read_retry_after(reply.retry_after, now=datetime.now(UTC))
        return Answer(Verdict.RETRY, f"It answered with {said}.", seconds)


def _is_untaken(status: int) -> bool:
    """Return whether it says that nothing was processed (RFC 9110, 15.5 and 15.6.4). Other errors may come late."""
    return 400 <= status < 500 or status == 503


def describe(reply: Reply, redactor: Redactor) -> str:
    """Return the status of an answer, and the beginning of what it says where that is text for people."""
    # Cleaned before it is cut: half a secret is none that is found.
    said = "" if reply.is_markup else tidy_line(redactor.clean(reply.text[:2000]), MAX_EXCERPT_CHARS)
    return f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"


def _clean(sentence: str, redactor: Redactor) -> str:
    return tidy_line(redactor.clean(sentence), MAX_SENTENCE_CHARS)
