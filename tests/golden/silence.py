"""`python -m tests.golden.silence SECONDS`: checks one target, while our resolver answers nobody for so long.

Prints the verdict and the words that explain it. The target is well, and its check may take 1.5 s.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.resolver import warm_up
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Target
from tests.dns_server import DnsServer, Reply
from tests.golden.namespace import settle
from tests.hostile import HostileServer

NAME, CONTROL_NAME, ADDRESS = "well.test", "control.test", "127.0.0.1"
TIMEOUT_SECONDS = 1.5


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hcsilence") as folder:
        settle(Path(folder))
        with DnsServer(port=53) as dns, HostileServer() as targets:
            for name in (NAME, CONTROL_NAME):
                dns.play(name, Reply(is_silent=True))
            timer = threading.Timer(float(sys.argv[1]), _answer, (dns,))
            warm_up()
            target = _freeze(f"http://{NAME}:{targets.listen('good')}/")
            timer.start()
            _check(target)
            timer.cancel()


def _answer(dns: DnsServer) -> None:
    for name in (NAME, CONTROL_NAME):
        dns.add(name, f"A {ADDRESS}")


def _freeze(url: str) -> Target:
    return Target(
        endpoint_id=1,
        kind="http",
        address=url,
        options=load_probe("http").parse(url, {}),
        assertions=(),
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _check(target: Target) -> None:
    loop = get_engine_loop()
    limits = Limits(3.0, address_rules=AddressRules(AddressMode.EVERYTHING), control_name=CONTROL_NAME)
    (outcome,) = loop.submit(probe_all([target], limits, now=datetime.now(UTC), lag=loop.lag)).result()
    sys.stdout.write(f"{outcome.verdict.word} {outcome.evidence.found if outcome.evidence else ''}\n")


if __name__ == "__main__":
    main()
