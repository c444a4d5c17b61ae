"""CSV files: what goes out comes back as it was, and what cannot be read is refused with its line."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.csv_columns import defuse_formula, restore_formula
from healthcheck.definitions.csv_export import write_csv
from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import MAX_FILE_BYTES, read_csv
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.plans import MAX_ROWS, Plan, apply_plan
from healthcheck.definitions.versions import Change
from healthcheck.engine.probes import list_kinds
from healthcheck.models import Assertion, Credential, Endpoint, EndpointGroup, Tag, Version, VersionAction
from tests.factories import NOW, make_assertion, make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOSTILE = [
    *("a;=HYPERLINK(1)", "a;'=1", 'a;"=1;b', "a;;=1", "a\t@x", "a\n -1", "a\r\n＝1", "\t;+1", ";'", "'\t;=1"),
    "=1+1",
    "'=x",
    "''",
    "@cmd",
    'a,b;c\t"d"',
    "two\nlines",
    "-1",
    "＝1",
    "<b>",
    "\u202eabc",
    " spaces ",
    "Ü",
]


def export(model: type[Model], *, shows_hidden: bool = True) -> str:
    ids = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    return "".join(write_csv(model, ids, shows_hidden=shows_hidden))


def plan(text: str, model: type[Model] = Endpoint, *, may_use_credentials: bool = True) -> Plan:
    rows = read_csv(model, io.BytesIO(text.encode()))
    return plan_rows(model, rows, may_use_credentials=may_use_credentials)


def import_text(text: str, model: type[Model] = Endpoint) -> None:
    planned = plan(text, model)
    ids = [draft.pk for draft in planned.changed if draft.pk is not None]
    change = Change(NOW, action=VersionAction.IMPORTED)
    apply_plan(model, ids, lambda: plan(text, model), digest=planned.digest, change=change)


def refusals(text: str, model: type[Model] = Endpoint) -> list[tuple[int, str]]:
    return [(draft.line, sentence) for draft in plan(text, model).refused for sentence in draft.refusals]


@pytest.mark.parametrize("text", [*HOSTILE, "", "'", "'a", "a'=b", "\r\n", "+49", "''''=1"])
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    cell = defuse_formula(text)
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}
    assert restore_formula(cell) == text


# What the rule is about, often enough to stand together.
PIECES = st.sampled_from([";", "\t", "\n", "\r", ",", "'", '"', " ", "=", "+", "-", "@", "＝", "a"])
CELLS = st.text() | st.lists(PIECES, max_size=12).map("".join)


@given(CELLS)
def test_any_text_comes_back_from_a_cell(text: str) -> None:
    assert restore_formula(defuse_formula(text)) == text


@given(st.lists(CELLS, min_size=1, max_size=4), st.sampled_from([",", ";", "\t"]))
def test_no_cell_is_a_formula_wherever_lines_are_divided(texts: list[str], delimiter: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(["web", *(defuse_formula(text) for text in texts)])
    rows = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter)
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@＝＋－＠"))]


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(TEXTS | st.sampled_from(HOSTILE), min_size=1, max_size=4, unique=True),
    description=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50)
    | st.lists(PIECES, max_size=20).map("".join),
    timeout=st.floats(0.1, 30.0),
    header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
def test_an_export_imports_as_no_change(names: list[str], description: str, timeout: float, header: str) -> None:
    Endpoint.objects.all().delete()
    EndpointGroup.objects.all().delete()
    group = make_group(name=names[0], cron="*/5 * * * *", interval_seconds=None)
    for name in names:
        options = {"headers": [["X-A", header.strip()]]}
        make_endpoint(group, name, description=description, timeout_seconds=timeout, options=options)
    assert [draft.after for draft in plan(export(Endpoint)).changed] == []
    assert plan(export(EndpointGroup), EndpointGroup).changed == []


def test_an_export_makes_the_same_again_where_there_is_nothing() -> None:
    group = make_group(deadline_seconds=20.5)
    group.tags.add(Tag.objects.create(name="eu"))
    for number, name in enumerate(HOSTILE):
        endpoint = make_endpoint(
            group, name, position=number, credential=Credential.objects.create(name=f"c{number}", kind="basic")
        )
        endpoint.tags.add(Tag.objects.get())
        make_assertion(endpoint, 'body contains "a, b"')
        make_assertion(endpoint, "latency < 1s", position=1)
    groups, endpoints = export(EndpointGroup), export(Endpoint)
    before = list(read_documents(Endpoint, Endpoint.objects.order_by("pk").values_list("pk", flat=True)).values())
    Endpoint.objects.all().delete()
    EndpointGroup.objects.all().delete()
    import_text(groups, EndpointGroup)
    import_text(endpoints)
    after = list(read_documents(Endpoint, Endpoint.objects.order_by("pk").values_list("pk", flat=True)).values())
    assert after == before
    assert set(Version.objects.values_list("action", flat=True)) == {VersionAction.IMPORTED}
    assert export(EndpointGroup) == groups


def test_file_changes_what_it_says_and_leaves_the_rest() -> None:
    group = make_group()
    endpoint = make_endpoint(group, "site", options={"method": "HEAD"}, description="kept")
    other = make_endpoint(group, "other")
    import_text("group;name;timeout_seconds;is_paused\r\nweb;site;5;yes\r\nweb;new;;\r\n".replace("web;new;;\r\n", ""))
    endpoint.refresh_from_db()
    assert (endpoint.timeout_seconds, endpoint.is_paused, endpoint.description) == (5.0, True, "kept")
    assert endpoint.options == {"method": "HEAD"}
    assert list(Version.objects.values_list("object_id", "number")) == [(endpoint.pk, 1), (endpoint.pk, 2)]
    assert Endpoint.objects.existing().filter(pk=other.pk).exists()


def test_new_lines_take_the_defaults_for_what_they_do_not_say() -> None:
    make_group()
    import_text(
        'group,name,address,timeout_seconds,assertions\nweb,new,http://a.example/,,"status 200\nlatency < 1s"\n'
    )
    endpoint = Endpoint.objects.get()
    assert (endpoint.timeout_seconds, endpoint.failure_threshold, endpoint.kind) == (10.0, 2, "http")
    assert list(Assertion.objects.values_list("text", flat=True)) == ["status 200", "latency < 1s"]


def test_group_with_only_one_of_the_schedules_takes_that_one() -> None:
    import_text("slug,name,cron\nnightly,Nightly,0 3 * * *\n", EndpointGroup)
    assert EndpointGroup.objects.values_list("interval_seconds", "cron").get() == (None, "0 3 * * *")


def test_all_refusals_come_with_their_lines_and_nothing_is_written() -> None:
    make_endpoint(make_group())
    text = (
        "group,name,address,timeout_seconds,is_paused,options,tags,assertions,credential\n"
        "web,a,http://a.example/,5,yes,,,,\n"
        'web,b,"ftp://b",fast,maybe,[],,,\n'
        "nowhere,c,http://c.example/,5,no,,,,\n"
        "web,a,http://a.example/,5,no,,,,\n"
        'web,d,http://d.example/,99,no,"{""colour"": 1}",,"status 200\nstatus x",gone\n'
        "web,e,http://e.example/,5,no,,a\u202eb,,\n"
        "web,,http://e.example/,5,no,,,,\n"
    )
    assert refusals(text) == [
        (3, "is_paused: “maybe” is neither yes nor no; write one of them."),
        (3, "timeout_seconds: “fast” is not a number; write it like 2.5."),
        (3, 'options: The options are not a JSON object; write them like {"method": "HEAD"}.'),
        (4, "There is no group “nowhere”; add it or restore it from its history first."),
        (5, "“web / a” stands on line 2 already; keep one of the two."),
        (6, "There is no credential “gone” any more; add it again or choose another."),
        (6, "options: The kind http has no option “colour”; remove it."),
        (6, "timeout_seconds: The timeout must not be longer than the group's deadline of 30 s; lower it."),
        (6, "Assertions, line 2: Write status codes and ranges, for example: status 200-299, 301."),
        (8, "tags: A tag holds a comma or an invisible character; write it with visible ones."),
        (9, "name: This field cannot be blank."),
    ]
    assert Endpoint.objects.count() == 1


def test_group_whose_hours_would_go_before_its_raw_results_is_refused() -> None:
    text = "slug,name,retention_days,hour_retention_days\na,A,30,20\nb,B,,10\nc,C,101,\nd,D,30,30\n"
    raise_it = "hour_retention_days: Hours must be kept at least as long as raw results, %s days; raise it."
    lower_it = "Raw results must not outlast hours, which are kept for 100 days; lower it, or keep hours longer."
    assert refusals(text, EndpointGroup) == [
        (2, raise_it % 30),
        (3, raise_it % 14),
        (4, f"retention_days: {lower_it}"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty; its first line names the columns."),
        (b"group,name,colour\n", "There is no column “colour”; remove it. Known are: group, name, kind, address,"),
        (b"group,name,name\n", "The column “name” stands there twice; remove one."),
        (b"name,address\n", "The column “group” is missing; add it to the first line."),
        (b"group,name\nweb,a,b\n", "Line 2 has 3 cells and the header 2; check its commas and quotes."),
        (b'group,name\nweb,"a\n', "Line 2 cannot be read as CSV (unexpected end of data); check its quotes."),
        (b"group,name\nweb,\xff\xfe\n", "Line 2 is not UTF-8 text; save the file as “CSV UTF-8”."),
        (b"x" * (MAX_FILE_BYTES + 1), "The file is larger than 10 MB; split it."),
        (b"group,name\n" + b"a,b\n" * (MAX_ROWS + 1), "The file has more than 20000 rows; split it."),
        (b"\x00\x01\x02", "There is no column “\x00\x01\x02”; remove it."),
    ],
)
def test_file_that_cannot_be_read_is_refused_with_the_cure(content: bytes, sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_csv(Endpoint, io.BytesIO(content))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_own_dialects_are_read(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["Group", " name "]) + "\r\n" + delimiter.join(["web", "Ü"]) + "\r\n\r\n"
    [row] = read_csv(Endpoint, io.BytesIO(text.encode(encoding)))
    assert (row.line, row.cells) == (2, {"group": "web", "name": "Ü"})


def test_nul_is_refused_before_the_database_is_asked() -> None:
    make_group()
    assert refusals("group,name,address\nweb,a\x00b,http://a/\n") == [(2, "A text holds a NUL character; remove it.")]


def test_file_written_without_headers_keeps_those_that_are_there() -> None:
    options = {"query": [["key", "canary"]], "headers": [["X-Key", "canary"]], "body": "canary", "method": "POST"}
    endpoint = make_endpoint(options=options)
    text = export(Endpoint, shows_hidden=False)
    assert "canary" not in text
    assert plan(text).changed == []
    import_text(text.replace("POST", "PUT"))
    endpoint.refresh_from_db()
    assert endpoint.options == options | {"method": "PUT"}
    [first, _second, _third] = refusals(text.replace("site", "another"))
    assert first[1].startswith("The file was written without the body, and there are none to keep;")


def test_kinds_go_out_and_come_back_with_their_own_options() -> None:
    group = make_group()
    dialogue = 'send line "canary"\nexpect line contains "=ok"'
    mail = make_endpoint(group, "mail", kind="tcp", address="127.0.0.1:25", options={"dialogue": dialogue})
    make_endpoint(group, "cert", kind="tls", address="tls://127.0.0.1", options={"verify": "off"})
    text, before = export(Endpoint), read_documents(Endpoint, [mail.pk])
    assert plan(text).changed == []
    hidden = export(Endpoint, shows_hidden=False)
    assert "canary" not in hidden
    assert plan(hidden).changed == []
    import_text(text.replace("mail", "second"))
    added = Endpoint.objects.get(name="second")
    assert read_documents(Endpoint, [added.pk])[added.pk] == before[mail.pk] | {"name": "second"}


def test_option_of_another_kind_is_refused_with_its_line() -> None:
    make_group()
    text = (
        "group,name,kind,address,options\n"
        'web,a,tcp,127.0.0.1:25,"{""method"": ""GET""}"\n'
        'web,b,tls,tls://127.0.0.1,"{""dialogue"": """"}"\n'
        "web,c,gopher,127.0.0.1:70,\n"
        "web,d,tcp,http://127.0.0.1/,\n"
    )
    assert refusals(text) == [
        (2, "options: The kind tcp has no option “method”; remove it."),
        (3, "options: The kind tls has no option “dialogue”; remove it."),
        (4, f"kind: There is no kind “gopher”; choose one of {', '.join(sorted(list_kinds()))}."),
        (5, "address: The address is a host and a port; write it like tcp://example.com:25."),
    ]


def test_credential_is_changed_only_by_who_may_see_it() -> None:
    credential = Credential.objects.create(name="shop", kind="basic")
    make_endpoint()
    text = f"group,name,credential\nweb,site,{credential.name}\n"
    [draft] = plan(text, may_use_credentials=False).refused
    assert draft.refusals == ["The credential may only be changed by people who may see credentials; leave it."]
    assert plan(text).refused == []


def test_deleted_name_is_made_anew() -> None:
    make_endpoint(make_group(), "site", deleted_at=NOW)
    import_text("group,name,address\nweb,site,http://a.example/\n")
    assert Endpoint.objects.existing().get().address == "http://a.example/"


@pytest.mark.parametrize("count", [1, 30])
def test_planning_costs_the_same_for_one_and_thirty(
    django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        make_endpoint(group, f"e{number}")
    text = export(Endpoint).replace("127.0.0.1", "127.0.0.2")
    with django_assert_num_queries(8):
        assert len(plan(text).changed) == count


def test_file_of_old_names_is_the_same_on_every_run(tmp_path: Any) -> None:
    make_endpoint()
    assert export(Endpoint) == export(Endpoint)
    assert export(Endpoint).startswith("\ufeffgroup,name,kind,address,position,is_paused,timeout_seconds,")


def test_file_written_without_the_secrets_of_an_address_keeps_them() -> None:
    endpoint = make_endpoint(address="https://a.example/?token=canary")
    text = export(Endpoint, shows_hidden=False)
    assert ("canary" in text, plan(text).changed) == (False, [])
    import_text(text)
    endpoint.refresh_from_db()
    assert endpoint.address == "https://a.example/?token=canary"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("web,site,", "web,another,", id="new row"),
        pytest.param("/?token", "/v2?token", id="address edited"),
        pytest.param("canary", "another", id="secret changed meanwhile"),
    ],
)
def test_mask_of_an_address_is_never_imported_as_an_address(old: str, new: str) -> None:
    endpoint = make_endpoint(address="https://u:pass@a.example/?token=canary")
    text = export(Endpoint, shows_hidden=False).replace(old, new)
    if old == "canary":
        Endpoint.objects.update(address=endpoint.address.replace("u:pass@", ""))
    [(line, sentence)] = refusals(text)
    assert (line, sentence) == (
        2,
        "The address holds [hidden] where a secret was; write all of it, or leave the column out.",
    )
    assert not Endpoint.objects.filter(address__contains="hidden").exists()


def test_a_new_endpoint_has_a_timeout_that_its_group_allows() -> None:
    make_group(slug="quick", deadline_seconds=4.0)
    import_text("group,name,address,timeout_seconds\nquick,new,http://a.example/,\n")
    import_text("group,name,address\nquick,other,http://a.example/\n")
    assert list(Endpoint.objects.values_list("timeout_seconds", flat=True)) == [4.0, 4.0]
