"""What is kept of any target is storable in both databases, capped, and holds no secret."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthcheck.definitions.csv_columns import COLUMNS
from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import read_csv
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.engine.masking import mask_named_values, mask_url
from healthcheck.engine.redaction import MASK, Redactor
from healthcheck.engine.types import AssertionOutcome, Certificate, Evidence, State
from healthcheck.models import CheckRun, Endpoint, EndpointGroup
from healthcheck.models import Evidence as EvidenceRow
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.facts import write_evidence
from tests.factories import make_endpoint, make_run
from tests.fuzz.wire import NOW

ANYTHING = st.text(st.characters(), max_size=60)
HOSTILE = ANYTHING | st.text("\0\ud800\udfff\u202e\u2066\ufeff\ue000\ufffe\n\t\r\x1b\\\"'<a", max_size=60)
CERTIFICATES = st.builds(
    Certificate,
    HOSTILE,
    HOSTILE,
    st.just(NOW),
    st.just(NOW),
    fingerprint_sha256=st.text("0123456789abcdef", max_size=64),
)
EVIDENCE = st.builds(
    Evidence,
    sentence=HOSTILE,
    expected=HOSTILE,
    found=HOSTILE,
    address=HOSTILE,
    excerpt=HOSTILE | st.integers(900, 3000).map("\ud800x".__mul__),
    certificate=st.none() | CERTIFICATES,
    redirects=st.lists(HOSTILE, max_size=3).map(tuple),
    assertions=st.lists(st.builds(AssertionOutcome, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(State)), max_size=3).map(
        tuple
    ),
    chain=st.lists(CERTIFICATES, max_size=3).map(tuple),
)


@pytest.fixture
def run(db: None) -> CheckRun:
    make_endpoint()
    return make_run(EndpointGroup.objects.get())


@pytest.mark.django_db
@pytest.mark.database
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVIDENCE)
def test_any_evidence_is_stored_as_it_was_cleaned(run: CheckRun, evidence: Evidence) -> None:
    facts = write_evidence(evidence)
    insert_rows(EvidenceRow, ("run_id", "endpoint_id", "facts"), [(run.pk, 1, facts)])
    [stored] = EvidenceRow.objects.filter(run_id=run.pk)
    assert stored.facts == facts
    assert len(json.dumps(facts)) < 64_000
    EvidenceRow.objects.all().delete()


SECRETS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=1, max_size=3)


@given(SECRETS, st.lists(ANYTHING, min_size=1, max_size=4))
def test_no_secret_is_left_between_any_texts(secrets: list[str], texts: list[str]) -> None:
    redactor = Redactor(secrets)
    said = "".join(text + secrets[index % len(secrets)] for index, text in enumerate(texts))
    for cleaned in (redactor.clean(said), redactor.clean_url(said)):
        # Beside the mark itself, in which a short secret may stand by chance.
        rest = cleaned.split(MASK)
        assert not [secret for secret in secrets if any(secret in each for each in rest)]


@given(HOSTILE | st.text("?&;#=@:/%token=secretk1A", max_size=80))
def test_any_text_is_masked(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)
    assert isinstance(mask_named_values(text), str)


CELLS = st.one_of(
    HOSTILE,
    st.sampled_from(
        [
            "web",
            "a",
            "http",
            "tcp",
            "http://127.0.0.1/",
            "1",
            "1e400",
            "nan",
            "-1",
            "yes",
            "{}",
            '{"method": "GET"}',
            "*/5 * * * *",
            '{"a": NaN}',
            '{"headers": {"a": "\\ud800"}}',
            "[" * 2000,
            "=1+1",
            "'=1",
            "9" * 31,
            "٣",
            "status 200\nlatency < 1s",
        ]
    ),
)


@st.composite
def files(draw: st.DrawFn, model: type[Model]) -> bytes:
    names = [column.name for column in COLUMNS[model]]
    header = draw(st.lists(st.sampled_from([*names, "x"]), max_size=6) | st.just(names))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)) | st.lists(CELLS), max_size=3))
    quoted = [[f'"{cell}"' if draw(st.booleans()) else cell for cell in row] for row in [header, *rows]]
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(delimiter.join(row) for row in quoted)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"])), "replace")


@pytest.mark.django_db
@pytest.mark.database
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("model", [Endpoint, EndpointGroup])
@given(data=st.data())
def test_any_file_is_planned_or_refused(db: None, model: type[Model], data: st.DataObject) -> None:
    content = data.draw(files(model) | st.binary(max_size=100))
    with suppress(DefinitionError):
        rows = read_csv(model, io.BytesIO(content))
        for row in rows:
            for column in COLUMNS[model]:
                with suppress(ValidationError):
                    column.read(row.cells.get(column.name, ""))
        planned = plan_rows(model, rows, may_use_credentials=True)
        assert planned.digest
