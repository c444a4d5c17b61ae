"""Texts of many lines: what their help promises is accepted."""

from __future__ import annotations

import pytest

from healthcheck.admin.fields.text_fields import _EXAMPLES
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.probes import list_kinds


@pytest.mark.parametrize("example", _EXAMPLES)
def test_every_example_is_an_assertion_of_a_kind_that_is_known(example: str) -> None:
    assert len(parse_assertions(example)) == 1
    assert set(_EXAMPLES[example].split()) <= set(list_kinds())
