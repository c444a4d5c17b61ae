"""What the documentation says of names, defaults and commands is what the code says."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from pathlib import Path

import pytest

from healthcheck.admin.deploy_call import write_call
from healthcheck.admin.explain.probing import MAX_PROBES, MAX_SECONDS
from healthcheck.conf import Settings
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.assertions.condition import Operator
from healthcheck.engine.assertions.grammar import MAX_ASSERTIONS, SUBJECTS
from healthcheck.engine.assertions.patterns import MAX_PATTERN_CHARS
from healthcheck.engine.dialer import MAX_TRIES
from healthcheck.engine.faults import VERDICTS
from healthcheck.engine.heartbeats import MAX_EXIT_CODE
from healthcheck.engine.lookup_threads import MAX_THREADS
from healthcheck.engine.probes import PROBES, read_defaults
from healthcheck.engine.probes.http_options import MAX_BODY_BYTES, MAX_REDIRECTS, HttpOptions
from healthcheck.engine.probes.tcp_steps import MAX_STEPS, READY_MADE, parse_steps
from healthcheck.engine.recurrence import MAX_DURATION
from healthcheck.engine.recurrence import MAX_STEPS as MAX_PERIODS
from healthcheck.engine.recurrence_rule import MAX_COUNT, MAX_RULE_LENGTH, MAX_STARTS_PER_DAY
from healthcheck.engine.recurrence_text import MAX_DATES, MAX_RECURRENCE_LENGTH
from healthcheck.engine.transport import MAX_HEADER_BYTES, MAX_HEADER_LINES, MAX_INTERIM_RESPONSES
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Reason, RunStatus
from healthcheck.models.deploy import MAX_DEPLOY_LENGTH, MAX_MINUTES
from healthcheck.models.heartbeat import MAX_BODY_LENGTH
from healthcheck.pipeline.deploy_calls import MAX_CALLS, TOLERANCE
from healthcheck.pipeline.deploys import MAX_OPEN as MAX_DEPLOYS
from healthcheck.pipeline.dispatch import CLAIM_BATCH, MAX_TAKES
from healthcheck.pipeline.maintain import CATCH_UP, LOOK_AGAIN
from healthcheck.pipeline.prune_deploys import DEPLOY_RETENTION
from healthcheck.pipeline.signals import MAX_OPEN_RUNS, MAX_SIGNALS
from healthcheck.pipeline.spool import FILE_BYTES, MAX_SPOOL_BYTES
from healthcheck.pipeline.storing import MAX_WAITING_RUNS
from healthcheck.web.inbox.deploys import MAX_BODY_BYTES as MAX_BODY_BYTES_OF_DEPLOYS
from healthcheck.web.inbox.signals import MAX_BODY_BYTES as MAX_BODY_BYTES_OF_SIGNALS
from healthcheck.web.strangers import MAX_TRIES as MAX_STRANGE_TRIES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
OPTIONS = (ROOT / "docs" / "options.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
DEFAULTS, MAX_BODY_MIB = HttpOptions(), MAX_BODY_BYTES >> 20
STEPS = ("send", "expect", "until", "check", "capture", "starttls", "use")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def find_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python manage.py up",
        "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt && .venv/bin/pytest",
    ],
)
def test_readme_gives_each_command_a_block_of_its_own(command: str) -> None:
    assert find_blocks(README, "sh").count(f"{command}\n") == 1


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_settings_page_lists_every_setting_with_its_default(field: dataclasses.Field[object]) -> None:
    default = str(field.default) if isinstance(field.default, str) else field.default
    assert f"| `{field.name.upper()}` | `{default!r}` |".replace("'", '"') in SETTINGS


def test_settings_page_lists_every_variable_of_the_environment() -> None:
    sources = [*(ROOT / "project").glob("*.py"), *(ROOT / "healthcheck").glob("*.py")]
    read = {
        name
        for source in sources
        for name in re.findall(r'(?:env|environ)\.\w+\(\s*"([A-Z_]+)"', source.read_text())
        if name != "DJANGO_SETTINGS_MODULE"
    }
    assert "DATABASE_URL" in read
    assert {name for name in read if f"| `{name}` |" not in SETTINGS} == set()


@pytest.mark.parametrize(
    ("what", "bound"),
    [
        (
            "Header of an answer",
            f"{MAX_HEADER_BYTES // 1024} KiB, {MAX_HEADER_LINES} lines, {MAX_INTERIM_RESPONSES} interim answers",
        ),
        (
            "Body of an answer",
            f"{DEFAULTS.max_body_bytes >> 20} MiB unless the endpoint says otherwise, {MAX_BODY_MIB} MiB",
        ),
        ("Redirects", f"{DEFAULTS.max_redirects} unless the endpoint says otherwise, {MAX_REDIRECTS} at most"),
        ("Addresses tried for one name", f"{MAX_TRIES}"),
        ("Assertions of an endpoint", f"{MAX_ASSERTIONS}"),
        ("Regular expression", f"{MAX_PATTERN_CHARS} characters"),
        ("Name lookups at once in a process", f"{MAX_THREADS}"),
        ("Claims of one tick", f"{CLAIM_BATCH} groups"),
        ("Takes of one run", f"{MAX_TAKES}"),
        ("Spool", f"{MAX_SPOOL_BYTES >> 20} MiB in one folder, in files of {FILE_BYTES >> 20} MiB"),
        ("Runs of a process that wait for the database with their results in memory", f"{MAX_WAITING_RUNS}"),
        ("Probes from the admin at once", f"{MAX_PROBES} in a web process, each with {MAX_SECONDS:g} s at most"),
    ],
)
def test_settings_page_states_the_bounds_in_force(what: str, bound: str) -> None:
    (row,) = re.findall(rf"^\| {what} \| (.*) \|$", SETTINGS, flags=re.MULTILINE)
    assert re.search(rf"\b{re.escape(bound)}(?!\d)", row)


@pytest.mark.parametrize("kind", ErrorKind, ids=lambda kind: kind.word)
def test_readme_explains_every_error_kind_with_its_verdict(kind: ErrorKind) -> None:
    assert f"| `{kind.word}` | {VERDICTS[kind].word} |" in README


def test_readme_explains_every_state_and_every_end_of_a_run() -> None:
    words = [state.word for state in State] + [status.name.lower() for status in RunStatus]
    assert [word for word in words if f"**{word}**" not in README] == []
    assert [reason.name for reason in Reason if f"*{reason.name.lower()}*" not in README] == []


@pytest.mark.parametrize("page", [README, OPTIONS], ids=["README.md", "options.md"])
def test_assertions_in_the_documentation_are_accepted(page: str) -> None:
    (block,) = find_blocks(page, "assertions")
    assert len(parse_assertions(block)) == len(block.splitlines())


def test_options_page_shows_every_subject_and_operator() -> None:
    section = OPTIONS[OPTIONS.index("| Line | What") : OPTIONS.index("```assertions")]
    lines = re.findall(r"`([^`]+)`", section)
    assert [subject for subject in SUBJECTS if not any(line.startswith(f"{subject} ") for line in lines)] == []
    positive = [each for each in Operator if not each.startswith("not ")]
    assert [each for each in positive if not any(each.split()[0] in line.split() for line in lines)] == []
    # Whatever stands there as a whole line is accepted.
    whole = [line for line in lines if line.split()[0] in SUBJECTS and len(line.split()) > 2]
    assert len(whole) >= len(SUBJECTS)
    assert [len(parse_assertions(line)) for line in whole] == [1] * len(whole)


def find_section(title: str) -> str:
    return OPTIONS.split(f"### {title}\n", 1)[1].split("\n###", 1)[0]


@pytest.mark.parametrize("name", READY_MADE)
def test_options_page_lists_every_ready_made_dialogue(name: str) -> None:
    assert f"`use {name}`" in find_section("TCP")


def test_options_page_shows_every_step_and_each_is_accepted() -> None:
    section = find_section("TCP")
    table = section[section.index("| Step |") : section.index("| Ready-made |")]
    shown = [line for line in re.findall(r"`([^`]+)`", table) if line.split()[0] in STEPS and len(line) > len("check")]
    assert {line.split()[0] for line in shown} == set(STEPS)
    # In this order: what is sent in a captured part's place has been captured before.
    parse_steps("\n".join(shown))
    for line in re.findall(r"`(use [^`]+)`", section):
        assert parse_steps(line)
    (block,) = find_blocks(OPTIONS, "dialogue")
    assert len(parse_steps(block)) == len(block.splitlines())
    assert f"At most {MAX_STEPS}\nsteps" in section


@pytest.mark.parametrize("kind", PROBES)
def test_every_kind_is_listed_with_all_of_its_options(kind: str) -> None:
    for page in (README, OPTIONS):
        assert re.search(rf"^\| `{kind}` \| `", page, flags=re.MULTILINE)
    section = find_section({"http": "HTTP and HTTPS"}.get(kind, kind.upper()))
    rows = [name for row in re.findall(r"^\| ([^|]+) \|", section, flags=re.MULTILINE) for name in row.split(", ")]
    assert {f"`{name}`" for name in read_defaults(kind)} <= set(rows)


def test_heartbeats_are_documented_with_the_limits_in_force() -> None:
    section = find_section("Heartbeat")
    for name, value in read_defaults("heartbeat").items():
        assert f"| `{name}` | {value or {'cron': 'empty'}.get(name, value)} |" in section.replace("`UTC`", "UTC")
    page = (ROOT / "docs" / "heartbeats.md").read_text()
    for limit in (
        f"More than {MAX_SIGNALS} signals of one token within a minute",
        f"more than {MAX_STRANGE_TRIES} unknown tokens from one address",
        f"the first {MAX_BODY_LENGTH} characters",
        f"No more than {MAX_BODY_BYTES_OF_SIGNALS >> 10} KiB of a body is read",
        f"most {MAX_OPEN_RUNS} may be open at once",
        f"`/ping/<token>/{MAX_EXIT_CODE}`",
    ):
        assert limit in page


def test_deploys_are_documented_with_the_script_that_is_tested_and_the_limits_in_force() -> None:
    page = (ROOT / "docs" / "deploys.md").read_text()
    address = re.search(r"DEPLOY_HOOK='(.*)'", page)
    assert address is not None
    assert find_blocks(page, "sh") == [write_call(address[1])]
    for limit in (
        f"has {MAX_DEPLOYS} deploys open",
        f"larger than {MAX_BODY_BYTES_OF_DEPLOYS >> 10} KiB",
        f"More than {MAX_STRANGE_TRIES} wrong calls from one address in a minute, or more than {MAX_CALLS} calls",
        f"more than {TOLERANCE // timedelta(minutes=1)} minutes off",
        f"{MAX_MINUTES // 60} hours at most",
        f"1 to {MAX_DEPLOY_LENGTH} printable characters",
        f"| {DEPLOY_RETENTION.days} days later |",
    ):
        assert limit in page, limit


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_maintenance_page_states_its_limits() -> None:
    page = (ROOT / "docs" / "maintenance.md").read_text()
    years, months, weeks, days, _hours = MAX_PERIODS.values()
    for words in (
        f"| {MAX_RULE_LENGTH} characters |",
        f"| {MAX_RECURRENCE_LENGTH:,} characters |",
        f"together | {MAX_DATES} |",
        f"and {MAX_STARTS_PER_DAY} starts a day",
        f"| `COUNT`, `INTERVAL` | {MAX_COUNT:,} |",
        f"| {MAX_DURATION.days} days, and",
        f"| {years} years, {months:,} months, {weeks:,} weeks or {days:,} days,",
        f"within {LOOK_AGAIN.seconds} seconds",
        f"up to {CATCH_UP.days} days later",
    ):
        assert words in page
