"""How often an address may try unknown tokens, in bounded memory."""

from __future__ import annotations

from healthcheck.web.strangers import KNOWN_SECONDS, MAX_TRIES, WINDOW_SECONDS, Strangers


def test_so_many_tries_in_a_minute_and_then_a_pause() -> None:
    strangers = Strangers()
    for _ in range(MAX_TRIES - 1):
        strangers.count("a", at=100.0)
    assert strangers.find_wait("a", at=100.0) == 0
    strangers.count("a", at=110.0)
    assert (strangers.find_wait("a", at=110.0), strangers.find_wait("b", at=110.0)) == (WINDOW_SECONDS - 10, 0)
    assert strangers.find_wait("a", at=100.0 + WINDOW_SECONDS) == 0


def test_no_crowd_fills_the_memory() -> None:
    strangers = Strangers(max_addresses=10)
    for number in range(1000):
        strangers.count(f"address-{number}", at=0.0)
    assert len(strangers._tries) == 10
    assert "address-999" in strangers._tries


def test_known_tokens_are_read_every_few_seconds_at_most() -> None:
    strangers, asked = Strangers(), []

    def load(limit: int) -> frozenset[str]:
        asked.append(limit)
        return frozenset({f"digest-{len(asked)}"})

    answers = [strangers.is_known("digest-1", load, at=at) for at in (0.0, 1.0, KNOWN_SECONDS)]
    assert (answers, len(asked)) == ([True, True, False], 2)
