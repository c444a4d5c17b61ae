import asyncio
import time
from datetime import timedelta

import pytest

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.faults import SENTENCES, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.lookup_threads import LookupThreads
from healthcheck.engine.loop import EngineLoop
from healthcheck.engine.resolver import Resolver
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressRules,
    ConfigurationError,
    ErrorKind,
    Evidence,
    Limits,
    Observation,
    Outcome,
    Phase,
    State,
    Target,
)
from tests.engine.scripted import (
    NOW,
    OK,
    REFUSED,
    answer,
    hang,
    load,
    make_limits,
    make_target,
    run,
)


@pytest.fixture
def calm() -> LagMeter:
    """A meter at rest, so that a busy test machine takes no blame."""
    return LagMeter()


async def test_outcomes_come_in_the_order_of_the_targets(calm: LagMeter) -> None:
    last_was_asked = asyncio.Event()

    async def wait_for_last(session: CheckSession) -> Observation:
        await last_was_asked.wait()
        return Observation(latency_us=1, status=201)

    async def release_first(session: CheckSession) -> Observation:
        last_was_asked.set()
        return Observation(latency_us=1, status=203)

    targets = [make_target(wait_for_last), make_target(answer), make_target(release_first)]
    assert [outcome.http_status for outcome in await run(calm, *targets)] == [201, 200, 203]


async def test_outcomes_are_told_with_their_places_as_they_come(calm: LagMeter) -> None:
    first_came = asyncio.Event()

    async def wait(session: CheckSession) -> Observation:
        await first_came.wait()
        return OK

    told: list[tuple[int, Outcome]] = []

    def tell(place: int, outcome: Outcome) -> None:
        told.append((place, outcome))
        first_came.set()

    targets = [make_target(wait), make_target(answer)]
    outcomes = await probe_all(targets, make_limits(), now=NOW, lag=calm, load=load, on_outcome=tell)
    assert told == [(1, outcomes[1]), (0, outcomes[0])]


async def test_no_targets_give_no_outcomes(calm: LagMeter) -> None:
    assert await run(calm) == []


async def test_outcome_of_a_good_answer(calm: LagMeter) -> None:
    before = time.monotonic()
    [outcome] = await run(calm, make_target(answer, assertions='body contains "ready"'))
    elapsed = timedelta(seconds=time.monotonic() - before)
    assert NOW <= outcome.observed_at <= NOW + elapsed
    assert outcome == Outcome(State.UP, outcome.observed_at, latency_us=1000, http_status=200)


async def test_a_defect_of_ours_costs_its_own_target_only(calm: LagMeter, caplog: pytest.LogCaptureFixture) -> None:
    async def divide(session: CheckSession) -> Observation:
        raise ZeroDivisionError(target.address)

    target = make_target(divide, endpoint_id=77)
    outcomes = await run(calm, make_target(answer), target, make_target(answer))
    assert [outcome.verdict for outcome in outcomes] == [State.UP, State.UNKNOWN, State.UP]
    assert outcomes[1].error_kind is ErrorKind.INTERNAL
    assert outcomes[1].evidence == Evidence(sentence=SENTENCES[ErrorKind.INTERNAL], found="ZeroDivisionError")
    [record] = caplog.records
    assert record.getMessage().startswith("The check of endpoint 77 failed inside the checker: ZeroDivisionError\n")
    assert target.address not in caplog.text


async def test_an_unknown_kind_is_a_defect_of_ours(calm: LagMeter) -> None:
    target = Target(endpoint_id=1, kind="nonsense", address="", options=None)
    [outcome] = await probe_all([target], make_limits(), now=NOW, lag=calm)
    assert (outcome.verdict, outcome.error_kind) == (State.UNKNOWN, ErrorKind.INTERNAL)


async def test_unreadable_address_rules_are_refused_before_anything_is_probed(calm: LagMeter) -> None:
    limits = Limits(deadline_seconds=1.0, address_rules=AddressRules(allow=("nonsense",)))
    with pytest.raises(ConfigurationError):
        await probe_all([make_target(hang)], limits, now=NOW, lag=calm, load=load)


async def test_cancellation_from_outside_ends_every_check_and_is_raised(calm: LagMeter) -> None:
    ended: list[int] = []
    all_started = asyncio.Semaphore(0)

    async def wait(session: CheckSession) -> Observation:
        try:
            all_started.release()
            return await hang(session)
        finally:
            ended.append(1)

    task = asyncio.create_task(run(calm, make_target(wait), make_target(wait), make_target(answer)))
    await all_started.acquire()
    await all_started.acquire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1, 1]


@pytest.mark.parametrize("error", [REFUSED, RuntimeError("closed")])
async def test_cancellation_that_a_library_turned_into_an_error_is_still_raised(
    calm: LagMeter, error: Exception
) -> None:
    started = asyncio.Event()

    async def translate(session: CheckSession) -> Observation:
        try:
            started.set()
            return await hang(session)
        except asyncio.CancelledError:
            raise error from None

    task = asyncio.create_task(run(calm, make_target(translate)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancellation_of_a_check_by_itself_is_not_a_result(calm: LagMeter) -> None:
    async def cancel(session: CheckSession) -> Observation:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run(calm, make_target(answer), make_target(cancel))


def test_the_end_of_the_process_is_raised() -> None:
    async def leave(session: CheckSession) -> Observation:
        raise SystemExit(3)

    engine = EngineLoop()
    with pytest.raises(SystemExit):
        engine.submit(run(engine.lag, make_target(leave), make_target(answer))).result(10)
    assert engine.stop()


async def test_a_silent_target_times_out_in_its_phase(calm: LagMeter) -> None:
    [outcome] = await run(calm, make_target(hang, timeout=0.3))
    assert (outcome.verdict, outcome.error_kind, outcome.phase) == (State.DOWN, ErrorKind.TIMEOUT, Phase.BODY)
    assert outcome.attempts == 1
    assert outcome.latency_us >= 290_000
    assert outcome.phases.body_us >= 290_000
    assert outcome.evidence
    assert outcome.evidence.found == "no end within 0.3 s"


@pytest.mark.parametrize("error", [REFUSED, RuntimeError("closed"), None])
async def test_a_timeout_stays_one_whatever_a_library_makes_of_it(calm: LagMeter, error: Exception | None) -> None:
    async def translate(session: CheckSession) -> Observation:
        try:
            return await hang(session)
        except asyncio.CancelledError:
            if error is None:
                return OK
            raise error from None

    [outcome] = await run(calm, make_target(translate, timeout=0.2))
    assert (outcome.verdict, outcome.error_kind, outcome.phase) == (State.DOWN, ErrorKind.TIMEOUT, Phase.BODY)


async def test_what_the_group_cut_off_is_no_data(calm: LagMeter) -> None:
    [outcome] = await run(calm, make_target(hang, timeout=10.0), limits=make_limits(deadline=0.2))
    assert (outcome.verdict, outcome.error_kind, outcome.phase) == (State.UNKNOWN, ErrorKind.CAPACITY, Phase.BODY)
    assert outcome.evidence
    assert outcome.evidence.found == "the group's deadline came before its own"


@pytest.mark.parametrize(("deadline", "verdict"), [(0.3, State.UNKNOWN), (20.0, State.DOWN)])
async def test_what_gave_up_just_before_the_group_cut_it_off_is_no_data(
    calm: LagMeter, deadline: float, verdict: State
) -> None:
    async def give_up(session: CheckSession) -> Observation:
        due = session.deadline.when()
        assert due is not None
        with session.stopwatch.measure(Phase.REQUEST):
            await asyncio.sleep(due - 0.05 - asyncio.get_running_loop().time())
            raise ProbeFailure(ErrorKind.TIMEOUT, Phase.REQUEST, "no reply")

    [outcome] = await run(calm, make_target(give_up, timeout=1.0), limits=make_limits(deadline=deadline))
    assert (outcome.verdict, outcome.phase) == (verdict, Phase.REQUEST)


async def test_what_never_got_a_place_is_no_data(calm: LagMeter) -> None:
    limits = make_limits(deadline=0.3, concurrency=1)
    first, second = await run(calm, make_target(hang), make_target(answer), limits=limits)
    assert (first.verdict, first.error_kind) == (State.UNKNOWN, ErrorKind.CAPACITY)
    assert (second.verdict, second.error_kind, second.phase) == (State.UNKNOWN, ErrorKind.CAPACITY, None)
    assert second.latency_us == 0


async def test_a_check_that_had_nearly_all_of_its_time_did_time_out(calm: LagMeter) -> None:
    [outcome] = await run(calm, make_target(hang, timeout=1.0), limits=make_limits(deadline=0.99))
    assert (outcome.verdict, outcome.error_kind) == (State.DOWN, ErrorKind.TIMEOUT)


async def test_waiting_for_a_place_is_outside_latency_and_deadline(calm: LagMeter) -> None:
    async def wait(session: CheckSession) -> Observation:
        await asyncio.sleep(0.4)
        return OK

    async def measure(session: CheckSession) -> Observation:
        await asyncio.sleep(0)
        return Observation(latency_us=session.stopwatch.latency_us, status=200)

    targets = [make_target(wait), make_target(measure, timeout=0.2)]
    _, second = await run(calm, *targets, limits=make_limits(concurrency=1))
    assert second.verdict is State.UP
    assert second.latency_us < 200_000


async def test_a_place_of_ours_that_never_came_is_no_data(calm: LagMeter) -> None:
    async def queue(session: CheckSession) -> Observation:
        with session.waiting():
            await asyncio.Event().wait()
        raise AssertionError

    [outcome] = await run(calm, make_target(queue, timeout=0.1), limits=make_limits(deadline=0.3))
    assert (outcome.verdict, outcome.error_kind) == (State.UNKNOWN, ErrorKind.CAPACITY)


async def hang_in_the_resolver(session: CheckSession) -> Observation:
    with session.stopwatch.measure(Phase.RESOLVE):
        await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("threads", "verdict", "kind"),
    [(4, State.DOWN, ErrorKind.TIMEOUT), (0, State.UNKNOWN, ErrorKind.CAPACITY)],
    ids=["living", "silent"],
)
async def test_a_timeout_in_the_resolver_is_ours_when_it_answers_nobody(
    calm: LagMeter, threads: int, verdict: State, kind: ErrorKind
) -> None:
    dialer = Dialer(
        policy=AddressPolicy(AddressRules()),
        resolver=Resolver(control_name="localhost", threads=LookupThreads(threads)),
        caps=AddressCaps(1),
    )
    target = make_target(hang_in_the_resolver, timeout=0.2)
    [outcome] = await probe_all([target], make_limits(), now=NOW, lag=calm, load=load, dialer=dialer)
    assert (outcome.verdict, outcome.error_kind, outcome.phase) == (verdict, kind, Phase.RESOLVE)
