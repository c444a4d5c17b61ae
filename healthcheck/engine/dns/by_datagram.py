"""Questions by UDP: sent again while there is time, heard from the asked server alone, under the session's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress

from healthcheck.engine.check import CheckSession
from healthcheck.engine.datagrams import Datagrams
from healthcheck.engine.dns.message import (
    MAX_LABELS_ON_LOOP,
    NOT_EDNS,
    HeavyAnswerError,
    NotOurAnswerError,
    Question,
    choose_number,
    is_light,
    is_truncated,
    read_answer,
    read_number,
)
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import DnsAnswer, ErrorKind, Phase

Place = tuple[str, int]
Answers = Mapping[Question, DnsAnswer | None]

# After so long, and no more than this share of the time that is left, a question counts as lost; then twice as long.
FIRST_WAIT_SECONDS, FIRST_WAIT_SHARE = 1.0, 0.2
# By then the waits are longer than any check's deadline.
MAX_SENDS = 12
# What a server of the system's says that another one may know better.
_WORTH_ANOTHER = frozenset({"SERVFAIL", "REFUSED", "NOTIMP"})


async def ask_by_udp(
    session: CheckSession,
    places: Sequence[Place],
    questions: Sequence[Question],
    *,
    are_alike: bool = False,
    is_enough: Callable[[Answers], bool] = bool,
) -> Answers:
    """Return what was answered to each question, None where the answer wants TCP.

    The places, addresses and ports, are asked in turn, over and over, until every question is answered or the check's
    deadline ends it; when what was heard is enough, the rest is not waited for any longer than one turn. With
    `are_alike` a place that does not know is passed over for the next. Raises ProbeFailure when every place fails, and
    for an answer that cannot be read.
    """
    conversation = _Conversation(session, places, questions, are_alike=are_alike)
    return await conversation.hold(is_enough)


class _Conversation:
    def __init__(
        self, session: CheckSession, places: Sequence[Place], questions: Sequence[Question], *, are_alike: bool
    ) -> None:
        self._session = session
        self._places = list(places)
        self._are_alike = are_alike
        self._pending: dict[int, Question] = {}
        for question in questions:
            self._pending[self._choose_number()] = question
        self._is_edns = True
        self._lines: dict[Place, Datagrams] = {}
        self._heard: dict[Question, DnsAnswer | None] = {}
        self._failure: ProbeFailure | None = None

    def _choose_number(self) -> int:
        while (number := choose_number()) in self._pending:
            pass
        return number

    async def hold(self, is_enough: Callable[[Answers], bool]) -> Answers:
        async with AsyncExitStack() as stack:
            for place, wait in self._list_turns():
                try:
                    await self._take_turn(place, wait, stack)
                except TimeoutError:
                    if is_enough(self._heard):
                        break
                if not self._pending:
                    break
            else:
                assert self._failure is not None
                raise self._failure
        return self._heard

    def _list_turns(self) -> Iterator[tuple[Place, float | None]]:
        """Yield whom to ask next and how long to wait for it; ends when nobody is left to ask."""
        turn = 0
        wait = self._measure_first_wait()
        while self._places:
            for place in tuple(self._places):
                turn += 1
                yield place, None if turn >= MAX_SENDS else wait
            wait *= 2

    def _measure_first_wait(self) -> float:
        due = self._session.deadline.when()
        left = (self._session.hard_deadline if due is None else due) - asyncio.get_running_loop().time()
        return min(FIRST_WAIT_SECONDS, max(0.0, left) * FIRST_WAIT_SHARE)

    async def _take_turn(self, place: Place, wait: float | None, stack: AsyncExitStack) -> None:
        """Raises TimeoutError when the wait is over, and ProbeFailure for an answer that cannot be read."""
        try:
            line = self._lines.get(place)
            if line is None:
                line = self._lines[place] = await stack.enter_async_context(Datagrams(self._session, *place))
            with self._session.stopwatch.measure(Phase.HEADERS):
                self._send(line)
                async with asyncio.timeout(wait):
                    while self._pending:
                        await self._take_in(await line.receive(), line)
        except _PassedOverError:
            self._places.remove(place)
        except ProbeFailure as failure:
            if failure.kind in (ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE):
                raise
            self._failure = failure
            self._places.remove(place)
            if self._heard:
                self._pending.clear()

    def _send(self, line: Datagrams) -> None:
        for number, question in self._pending.items():
            line.send(question.write(number, is_edns=self._is_edns))

    async def _take_in(self, wire: bytes, line: Datagrams) -> None:
        number = read_number(wire)
        question = self._pending.get(number) if number is not None else None
        if number is None or question is None:
            return
        try:
            answer = None if is_truncated(wire) else await read_anywhere(wire, question)
        except NotOurAnswerError:
            return
        if answer is not None and answer.rcode in NOT_EDNS and self._is_edns:
            self._is_edns = False
            self._send(line)
            return
        self._heard[question] = answer
        if answer is not None and self._are_alike and answer.rcode in _WORTH_ANOTHER and len(self._places) > 1:
            raise _PassedOverError
        del self._pending[number]


class _PassedOverError(Exception):
    """This server does not know; the next one may."""


async def read_anywhere(wire: bytes, question: Question) -> DnsAnswer:
    """Return what a message says; a large one is read on another thread. Raises as `read_answer` does."""
    if is_light(wire, question):
        with suppress(HeavyAnswerError):
            return read_answer(wire, question, max_labels=MAX_LABELS_ON_LOOP)
    return await asyncio.get_running_loop().run_in_executor(None, read_answer, wire, question)
