"""`python -m tests.golden.reach few|all`: tries to be led to where a policy does not let us go, and counts connections.

Every spelling is asked for directly by each kind, as a token server, and by redirect from an allowed target; every
answer of a name server directly, by redirect, by alias, beside an allowed address, and by rebinding: after the lookup,
between two hops, between two attempts. Prints a JSON document for each mode, see `Report`. It is the kernel that
counts, whatever library opened the sockets.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError, Limits, Outcome, Target
from tests.figures.children import ROOT
from tests.golden import spellings
from tests.golden.namespace import settle

# The one address where checks may go: every mode lets them.
ALLOWED = "81.99.9.9"
# The same server answers as a proxy does, for whatever it is asked.
PROXY = f"http://{ALLOWED}:80"
# A name server that checks may ask, and that knows the same names as the system's.
NAME_SERVER = "81.99.9.10"
AT_ONCE = 200
TIMEOUT_SECONDS = 5.0
FEW = ("127.0.0.1", "169.254.169.254", "0.0.0.0", "168.63.129.16")
FEW_PRIVATE = ("10.0.0.1",)

Answers = list[list[str]]


@dataclass(frozen=True)
class Attempt:
    """A way to be led astray. `names` are the answers of a name server, one after the other; the last one stays.

    With a `token_url` the check has a credential of that token server.
    """

    way: str
    what: str
    kind: str
    address: str
    options: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Answers] = field(default_factory=dict)
    token_url: str = ""


@dataclass
class Report:
    """What one mode of the policy made of it. `reached` are connections and datagrams by local address."""

    mode: str
    attempts: dict[str, int] = field(default_factory=dict)
    spellings: int = 0
    answers: int = 0
    refused: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    up: list[str] = field(default_factory=list)
    reached: dict[str, int] = field(default_factory=dict)
    opened: int = 0
    echoes: int = 0


def list_direct(hosts: dict[str, str]) -> Iterator[Attempt]:
    for name, host in hosts.items():
        yield Attempt("direct", name, "http", f"http://{host}/")
        yield Attempt("direct", name, "http", f"https://{host}/", options={"verify": "off"})
        yield Attempt("direct", name, "tcp", f"tcp://{host}:80")
        yield Attempt("direct", name, "tls", f"tls://{host}:443", options={"verify": "off"})
        yield Attempt("direct", name, "icmp", f"icmp://{host}", options={"packets": 1})
        yield Attempt("direct", name, "dns", "reach.test", options={"server": f"{host}:80"})
        yield Attempt("direct", name, "dns", "reach.test", options={"server": f"tcp://{host}:80"})
        yield Attempt("resolver", name, "http", "http://somebody.reach.test/", options={"resolver": f"{host}:80"})
        yield Attempt("resolver", name, "tcp", "tcp://somebody.reach.test:80", options={"resolver": f"{host}:80"})
        yield Attempt("proxy", name, "http", f"http://{ALLOWED}/", options={"proxy": f"http://{host}:80"})
        for scheme in ("http", "https"):
            yield Attempt("by a proxy", name, "http", f"{scheme}://{host}/", options={"proxy": PROXY})
        yield Attempt("token server", name, "http", f"http://{ALLOWED}/", token_url=f"https://{host}/token")


def list_redirects(hosts: dict[str, str]) -> Iterator[Attempt]:
    for name, host in hosts.items():
        for location in (f"http://{host}/", f"//{host}/", f"https://{host}/"):
            address = f"http://{ALLOWED}/to/{quote(location, safe='')}"
            yield Attempt("redirect", name, "http", address)
            yield Attempt("redirect by a proxy", name, "http", address, options={"proxy": PROXY})


def list_answers(answers: dict[str, str]) -> Iterator[Attempt]:
    numbers = itertools.count()
    good = f"A {ALLOWED}"
    for what, record in answers.items():

        def lead(way: str, replies: Answers, path: str = "", what: str = what, **more: Any) -> Attempt:
            name = f"n{next(numbers)}.reach.test"
            address = f"http://{name}/{path.format(name=name)}"
            return Attempt(way, what, "http", address, names={name: replies}, **more)

        yield lead("name", [[record]])
        alias = [["CNAME inside.reach.test.", f"inside.reach.test. 60 IN {record}"]]
        yield lead("alias", alias)
        yield lead("mixed", [[record, good]])
        yield lead("mixed, every address", [[record, good]], options={"addresses": "all"})
        # A lookup asks two questions, for the two types of addresses.
        yield lead("by a proxy", [[record]], options={"proxy": PROXY})
        yield lead("by a proxy, mixed", [[record, good]], options={"proxy": PROXY})
        yield lead("own resolver", [[record]], options={"resolver": NAME_SERVER})
        yield lead("own resolver, alias", alias, options={"resolver": NAME_SERVER})
        yield lead(
            "own resolver, between hops", [[good], [good], [record]], "to/%2Fnext", options={"resolver": NAME_SERVER}
        )
        yield lead("rebinding after the lookup", [[good], [good], [record]])
        yield lead("rebinding between hops", [[good], [good], [record]], "to/%2Fnext")
        yield lead("rebinding between attempts", [[good], [good], [record]], "bad")
        yield lead("rebinding back", [[record], [record], [good]])
        name = f"n{next(numbers)}.reach.test"
        names = {name: [[record]]}
        yield Attempt("redirect to a name", what, "http", f"http://{ALLOWED}/to/http%3A%2F%2F{name}%2F", names=names)
        yield Attempt("name", what, "dns", "reach.test", options={"server": f"{name}:80"}, names=names)
        yield Attempt("name", what, "dns", "reach.test", options={"server": f"tcp://{name}:80"}, names=names)
        yield Attempt("proxy", what, "http", f"http://{ALLOWED}/", options={"proxy": f"http://{name}:80"}, names=names)
        yield Attempt("name", what, "tcp", f"tcp://{name}:80", names=names)
        yield Attempt("name", what, "tls", f"tls://{name}:443", options={"verify": "off"}, names=names)
        yield Attempt("name", what, "icmp", f"icmp://{name}", options={"packets": 1}, names=names)


class Ground:
    """The process that counts."""

    def __init__(self, folder: Path) -> None:
        self._names = folder / "names.json"
        self._names.write_text("{}")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.golden.reach_ground", str(self._names)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def name(self, names: dict[str, Answers]) -> None:
        self._names.write_text(json.dumps(names))
        self.count()

    def count(self) -> dict[str, int]:
        """Return how many connections came since the last time, by the address that they were for."""
        assert self._process.stdin is not None
        self._process.stdin.write("count\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> None:
        self._process.communicate()

    def _read(self) -> dict[str, int]:
        assert self._process.stdout is not None
        counted: dict[str, int] = json.loads(self._process.stdout.readline())
        return counted


def read_counter(kind: str, name: str) -> int:
    """Return one of the kernel's counters of this network."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith(f"{kind}:")]
    if lines:
        return int(dict(zip(*lines, strict=True))[name])
    rows = (line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return next(int(row[1]) for row in rows if row[0] == f"{kind}{name}")


def count_echoes() -> int:
    return read_counter("Icmp", "OutEchos") + read_counter("Icmp6", "OutEchos")


def freeze(attempt: Attempt) -> Target | None:
    """Return the target; None where nobody could save it."""
    try:
        options = load_probe(attempt.kind).parse(attempt.address, attempt.options)
        credential = _ask_for_tokens(attempt.token_url) if attempt.token_url else None
    except ConfigurationError:
        return None
    return Target(1, attempt.kind, attempt.address, options, timeout_seconds=TIMEOUT_SECONDS, credential=credential)


def _ask_for_tokens(url: str) -> Any:
    return parse_credential("oauth2", {"token_url": url, "client_id": "us"}, {"client_secret": "a secret of ours"})


def try_all(mode: AddressMode, attempts: Sequence[Attempt], ground: Ground) -> Report:
    """Make every attempt under the mode; return what came of it."""
    report = Report(mode.value, attempts=dict(Counter(attempt.way for attempt in attempts)))
    frozen = [(attempt, target) for attempt in attempts if (target := freeze(attempt)) is not None]
    report.refused = len(attempts) - len(frozen)
    ground.name({name: answers for attempt in attempts for name, answers in attempt.names.items()})
    opened, echoes = read_counter("Tcp", "ActiveOpens"), count_echoes()
    outcomes: Counter[str] = Counter()
    for start in range(0, len(frozen), AT_ONCE):
        some = frozen[start : start + AT_ONCE]
        for (attempt, _), outcome in zip(some, _probe(mode, [target for _, target in some]), strict=True):
            kind = outcome.error_kind.word if outcome.error_kind else ""
            outcomes[f"{attempt.way}: {outcome.verdict.word} {kind}".strip()] += 1
            if not kind:
                report.up.append(f"{attempt.way}: {attempt.kind}: {attempt.what}")
    report.opened, report.echoes = read_counter("Tcp", "ActiveOpens") - opened, count_echoes() - echoes
    report.outcomes, report.reached = dict(outcomes), ground.count()
    return report


def _probe(mode: AddressMode, targets: list[Target]) -> list[Outcome]:
    loop = get_engine_loop()
    limits = Limits(deadline_seconds=30.0, per_address=AT_ONCE, address_rules=AddressRules(mode), control_name="")
    return loop.submit(probe_all(targets, limits, now=datetime.now(UTC), lag=loop.lag)).result()


def make_attempts(mode: AddressMode, *, is_full: bool) -> tuple[list[Attempt], int, int]:
    """Return every attempt under a mode, and the numbers of spellings and of answers in it."""
    never = spellings.ALWAYS_FORBIDDEN if is_full else FEW
    private = spellings.PRIVATE if is_full else FEW_PRIVATE
    addresses = never if mode is AddressMode.PRIVATE else (*never, *private)
    v6 = spellings.FORBIDDEN_V6 if mode is AddressMode.PRIVATE else (*spellings.FORBIDDEN_V6, *spellings.PRIVATE_V6)
    others = {text: text for text in spellings.HOSTS_V6 if mode is AddressMode.PUBLIC or not _is_private(text)}
    hosts = spellings.spell_hosts(addresses) | others
    answers = spellings.spell_answers(addresses) | {text: f"AAAA {text}" for text in v6}
    attempts = [*list_direct(hosts), *list_redirects(hosts), *list_answers(answers)]
    return attempts, len(set(hosts.values())), len(answers)


def _is_private(host: str) -> bool:
    return host.strip("[]") in spellings.PRIVATE_V6


def _is_telling(attempt: Attempt) -> bool:
    """Whether it is one of those that show that there is something to count: connections, and a few datagrams."""
    is_datagram = attempt.kind == "dns" and not attempt.options["server"].startswith("tcp://")
    return attempt.kind == "http" or (is_datagram and attempt.what.startswith("plain"))


def main() -> None:
    is_full = sys.argv[1] == "all"
    with tempfile.TemporaryDirectory(prefix="hcreach") as folder:
        settle(Path(folder))
        ground = Ground(Path(folder))
        for mode in (AddressMode.PRIVATE, AddressMode.PUBLIC):
            attempts, hosts, answers = make_attempts(mode, is_full=is_full)
            report = try_all(mode, attempts, ground)
            report.spellings, report.answers = hosts, answers
            sys.stdout.write(json.dumps(asdict(report)) + "\n")
        # Without a policy the same names do lead there: what is counted above could have been more than nothing.
        attempts, _, answers = make_attempts(AddressMode.PUBLIC, is_full=is_full)
        led = [each for each in attempts if each.way == "name" and _is_telling(each)]
        report = try_all(AddressMode.EVERYTHING, led, ground)
        report.answers = answers
        sys.stdout.write(json.dumps(asdict(report)) + "\n")
        ground.end()


if __name__ == "__main__":
    main()
