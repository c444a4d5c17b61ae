"""What docs/changes.md says of the files is what the code reads."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.db.models import Model

from healthcheck.definitions.csv_columns import COLUMNS
from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import MAX_FILE_BYTES, read_csv
from healthcheck.definitions.plans import MAX_ROWS
from healthcheck.definitions.tagging import MAX_TAG_LENGTH, MAX_TAGS
from healthcheck.models import Endpoint, EndpointGroup
from tests.factories import make_group

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "changes.md").read_text()


@pytest.mark.parametrize(("model", "title"), [(Endpoint, "endpoints"), (EndpointGroup, "groups")])
def test_page_lists_every_column_in_order(model: type[Model], title: str) -> None:
    section = PAGE.partition(f"### Columns of {title}\n")[2].partition("\n### ")[0].partition("An example:")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == [each.name for each in COLUMNS[model]]


@pytest.mark.django_db
def test_example_is_accepted() -> None:
    make_group("shop")
    example = re.findall(r"```csv\n(.*?)```", PAGE, flags=re.DOTALL)[0]
    plan = plan_rows(Endpoint, read_csv(Endpoint, io.BytesIO(example.encode())), may_use_credentials=False)
    assert [draft.refusals for draft in plan.drafts] == [[], []]


def test_page_states_the_bounds_in_force() -> None:
    assert f"At most {MAX_FILE_BYTES >> 20} MB and {MAX_ROWS:,} rows." in PAGE
    assert f"at most {MAX_TAG_LENGTH} characters each and {MAX_TAGS} on one object" in " ".join(PAGE.split())
