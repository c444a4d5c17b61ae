"""What is expected of an observation: text that people write, parsed when saved, judged with bounded work."""

from healthcheck.engine.assertions.grammar import parse_assertion, parse_assertions
from healthcheck.engine.assertions.judge import Judgement, evaluate, judge
from healthcheck.engine.assertions.model import Assertion

__all__ = ["Assertion", "Judgement", "evaluate", "judge", "parse_assertion", "parse_assertions"]
