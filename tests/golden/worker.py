"""`python -m tests.golden.worker LOOP`: checks every target of the table by itself, one JSON line for each.

Runs in the table's own network and starts its targets as a process of their own, so that they neither share the
engine's interpreter nor its memory. The engine has its one loop per process and is called as a worker calls it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from healthcheck.engine import loop as engine_loop
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressRules, ErrorKind, Limits, Outcome, Target
from tests.figures.children import ROOT
from tests.golden.case import Case, Golden
from tests.golden.namespace import settle
from tests.golden.table import CASES

# Long enough for every target that answers, on a machine that is busy with other tests as well.
ALONE_SECONDS = 1.0
# A check that our own loop disturbed says so, and is no measurement; then it is made again.
TRIES = 5


@dataclass(frozen=True)
class Seen:
    """What came of one check, as it travels to the test."""

    name: str
    verdict: str
    kind: str
    phase: str
    found: str
    sentence: str
    address: str
    attempts: int
    seconds: float

    @property
    def is_excused(self) -> bool:
        """Whether the engine says that it could not measure."""
        # What is wrong with a proxy on the way is no fault of the loop's.
        return self.kind == ErrorKind.CAPACITY.word and not self.found.startswith("the proxy ")

    def is_as(self, golden: Golden) -> bool:
        """Whether this is what must come of the case."""
        kind, phase = golden.kind.word if golden.kind else "", golden.phase.word if golden.phase else ""
        sentence = SENTENCES[golden.kind] if golden.kind else ""
        said = (self.verdict, self.kind, self.phase, self.sentence)
        return said == (golden.verdict.word, kind, phase, sentence) and golden.words in self.found

    @classmethod
    def of(cls, case: Case, outcome: Outcome, seconds: float) -> Seen:
        evidence = outcome.evidence
        return cls(
            name=case.name,
            verdict=outcome.verdict.word,
            kind=outcome.error_kind.word if outcome.error_kind else "",
            phase=outcome.phase.word if outcome.phase else "",
            found=evidence.found if evidence else "",
            sentence=evidence.sentence if evidence else "",
            address=evidence.address if evidence else "",
            attempts=outcome.attempts,
            seconds=seconds,
        )


class Ground:
    """A process with a part of the world, see `ground.py`."""

    def __init__(self, *part: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.golden.ground", *part],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await_ready()

    def begin_anew(self) -> None:
        """Have every name answered as at the beginning."""
        assert self.process.stdin is not None
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        self._await_ready()

    def _await_ready(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the targets of the table did not start")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()


@contextmanager
def open_ground() -> Iterator[tuple[Ground, str]]:
    """Settle in, and give the name server and the authority of the targets' certificates."""
    with tempfile.TemporaryDirectory(prefix="hcgolden") as folder:
        settle(Path(folder))
        with Ground("hostile", folder), Ground("names") as names:
            yield names, Path(folder, "authority.pem").read_text()


def freeze(case: Case, authority: str, timeout: float, *, prefix: str = "") -> Target:
    """Return the target of a case, as a run would have it; under the prefixed name where the case has one."""
    host = f"{prefix}{case.host}" if f"{prefix}{case.host}" in case.names else case.host
    url = case.url or f"{'https' if case.is_encrypted else 'http'}://{host}/"
    is_trusting = case.trusts and any(door.port == 443 for door in case.doors)
    trust = {"verify": "custom", "ca_pem": authority} if is_trusting else {}
    options: dict[str, Any] = {**trust, **case.options}
    if options.get("verify") == "off":
        options.pop("ca_pem", None)
    expected = [f'address one of "{case.becomes.address}"'] if case.becomes.address else []
    return Target(
        endpoint_id=1,
        kind="http",
        address=url,
        options=load_probe("http").parse(url, options),
        assertions=parse_assertions("\n".join((case.assertions, *expected))),
        timeout_seconds=max(timeout, case.timeout_seconds),
    )


def check_alone(case: Case, authority: str) -> Seen:
    """Check one target while nothing else runs."""
    loop = get_engine_loop()
    target = freeze(case, authority, ALONE_SECONDS)
    limits = Limits(deadline_seconds=2 * target.timeout_seconds, address_rules=AddressRules(case.mode))
    for _ in range(TRIES):
        began = datetime.now(UTC)
        (outcome,) = loop.submit(probe_all([target], limits, now=began, lag=loop.lag)).result()
        seen = Seen.of(case, outcome, (outcome.observed_at - began).total_seconds())
        if not seen.is_excused:
            break
    return seen


def main() -> None:
    engine_loop.LOOP_MODULE = sys.argv[1]
    with open_ground() as (_, authority):
        for case in CASES:
            sys.stdout.write(json.dumps(asdict(check_alone(case, authority))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
