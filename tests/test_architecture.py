"""The rooms of the house, as docs/architecture.md draws them: who may import whom, and how large anything may grow."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 50

# Where the engine opens sockets, and what keeps them from where the address policy lets nobody go. Whatever is added
# here has its place in tests/golden/reach.py as well.
OPENERS = {
    "datagrams.py": "is handed an address that the policy has permitted, or that of the system's name server",
    "dialer.py": "connects to what it has filtered, and to nothing else",
    "dns/lookup.py": "asks the kernel for the way to what the policy permits, and sends nothing",
    "probes/icmp_socket.py": "is handed an address that the dialer has filtered",
    "route.py": "asks the kernel for the way to it, and sends nothing",
}
OPENING = frozenset(
    {"create_connection", "create_datagram_endpoint", "open_connection", "sock_connect", "connect", "sendto", "socket"}
)

# What lies under a path may import these, itself and the standard library. The longest path that fits decides.
ALLOWED: dict[str, set[str]] = {
    "healthcheck/__init__.py": set(),
    "healthcheck/engine/": {
        "certifi",
        "cronsim",
        "dateutil",
        "cryptography",
        "dns",
        "httptools",
        "httpx",
        "jsonpath",
        "lxml",
        "re2",
        "uvloop",
    },
    "healthcheck/models/secrets.py": {"cryptography", "healthcheck.conf"},
    # How long its history is kept is held against what holds everywhere.
    "healthcheck/models/group.py": {
        "django",
        "healthcheck.conf",
        "healthcheck.engine.schedule",
        "healthcheck.engine.types",
        "healthcheck.models",
    },
    "healthcheck/models/": {
        "django",
        "healthcheck.engine.assertions",
        "healthcheck.engine.credentials",
        "healthcheck.engine.incidents",
        "healthcheck.engine.probes",
        "healthcheck.engine.recurrence",
        "healthcheck.engine.recurrence_rule",
        "healthcheck.engine.schedule",
        "healthcheck.engine.types",
        # What the rows of a history are handed to uptime's arithmetic as.
        "healthcheck.engine.uptime",
    },
    "healthcheck/notifiers/": {"apprise", "healthcheck.engine", "httpx", "cryptography"},
    "healthcheck/migrations/": {"django", "healthcheck.engine.types"},
    "healthcheck/pipeline/": {
        "django",
        "healthcheck.engine",
        "healthcheck.models",
        "healthcheck.notifiers",
        "healthcheck.conf",
    },
    # What runs at once after a change is said with the pipeline's one statement, and versions travel as its rows do.
    "healthcheck/definitions/": {
        "django",
        "healthcheck.engine.assertions",
        # What an origin is, and whom a check trusts: who may not see a credential may not have it sent elsewhere.
        "healthcheck.engine.credentials",
        "healthcheck.engine.masking",
        "healthcheck.engine.probes",
        # The mark that stands where a secret was hidden.
        "healthcheck.engine.redaction",
        "healthcheck.engine.schedule",
        "healthcheck.engine.trust",
        "healthcheck.engine.types",
        "healthcheck.models",
        "healthcheck.pipeline.bulk",
        "healthcheck.pipeline.clock",
        "healthcheck.pipeline.maintain",
        "healthcheck.pipeline.prune",
    },
    "healthcheck/web/": {"django", "healthcheck.engine", "healthcheck.models", "healthcheck.conf"},
    # What people write in Markdown.
    "healthcheck/web/written.py": {"django", "markdown_it", "nh3"},
    # Jobs report here: recorded through the same door as a probe.
    "healthcheck/web/inbox.py": {
        "django",
        "healthcheck.engine",
        "healthcheck.models",
        "healthcheck.conf",
        "healthcheck.pipeline",
        "healthcheck.publisher",
        "healthcheck.tasks",
        "healthcheck.web",
    },
    # It asks whether the broker answers.
    "healthcheck/web/health.py": {
        "django",
        "celery",
        "kombu",
        "healthcheck.models",
        "healthcheck.conf",
        "healthcheck.web.pending",
        "healthcheck.web.untaken",
    },
    "healthcheck/admin/": {
        "django",
        "healthcheck.definitions",
        "healthcheck.engine.assertions",
        "healthcheck.engine.credentials",
        "healthcheck.engine.curl",
        "healthcheck.engine.dig",
        "healthcheck.engine.faults",
        "healthcheck.engine.freshness",
        "healthcheck.engine.incidents",
        "healthcheck.engine.masking",
        "healthcheck.engine.openssl",
        "healthcheck.engine.phases",
        "healthcheck.engine.ping",
        "healthcheck.engine.probes",
        "healthcheck.engine.recurrence",
        "healthcheck.engine.recurrence_rule",
        "healthcheck.engine.schedule",
        "healthcheck.engine.transitions",
        "healthcheck.engine.trust",
        "healthcheck.engine.types",
        "healthcheck.models",
        # The forms of channels are made of what their kinds ask for.
        "healthcheck.notifiers",
        "healthcheck.pipeline",
        "healthcheck.publisher",
        "healthcheck.tasks",
        "healthcheck.conf",
        "healthcheck.web.language",
        # What the last check says of a state is told on the start page as on the status page.
        "healthcheck.web.words",
        "healthcheck.web.written",
    },
    "healthcheck/templatetags/": {"django"},
    # An endpoint's past is read and drawn once, for its public page and for the operator's.
    "healthcheck/admin/explain/past.py": {
        "django",
        "healthcheck.engine.uptime",
        "healthcheck.models",
        "healthcheck.admin",
        "healthcheck.web.choosing",
        "healthcheck.web.past",
        "healthcheck.web.past_rendering",
        "healthcheck.web.past_rows",
        "healthcheck.web.uptime",
        "healthcheck.web.uptime_words",
    },
    # So is the uptime of many.
    "healthcheck/admin/uptime_column.py": {
        "django",
        "healthcheck.engine.types",
        "healthcheck.engine.uptime",
        "healthcheck.models",
        "healthcheck.web.uptime",
        "healthcheck.web.uptime_rows",
        "healthcheck.web.uptime_words",
    },
    "healthcheck/admin/fields/logos.py": {"django", "PIL"},
    # The theme, where a project installs it.
    "healthcheck/admin/look/bases.py": {"django", "unfold", "healthcheck.admin.look.dress"},
    "healthcheck/admin/look/dress.py": {"django", "unfold"},
    "healthcheck/admin/look/themed_rows.py": {"django", "unfold"},
    # What a status page shows is printed in the page's own words and by its own judgement: the overview reads the board
    # through the page's door. rich is loaded only where there is a terminal and rich.
    "healthcheck/management/": {
        "django",
        "rich",
        "healthcheck.web.board",
        "healthcheck.web.json_twin",
        "healthcheck.web.snapshot",
        "healthcheck.web.verdict",
        "healthcheck.web.words",
        "healthcheck.definitions",
        "healthcheck.engine",
        "healthcheck.models",
        "healthcheck.pipeline",
        "healthcheck.conf",
        "healthcheck.beat",
        "healthcheck.pulse",
    },
    "healthcheck/tasks.py": {
        "celery",
        "healthcheck.models.clock",
        "healthcheck.pipeline",
        "healthcheck.conf",
        "healthcheck.beat",
        "healthcheck.publisher",
    },
    "healthcheck/beat.py": {
        "celery",
        "django",
        "healthcheck.models.clock",
        "healthcheck.pipeline",
        "healthcheck.conf",
        "healthcheck.publisher",
        "healthcheck.pulse",
    },
    "healthcheck/publisher.py": {"celery", "kombu", "healthcheck.conf"},
    "healthcheck/pulse.py": set(),
    "healthcheck/conf.py": {"django", "healthcheck.engine.types"},
    "healthcheck/apps.py": {"django", "healthcheck.conf"},
    "healthcheck/checks.py": {"django", "celery", "healthcheck"},
    "healthcheck/urls.py": {"django", "healthcheck.web"},
}
# The outermost guards: what a check raises and nobody can name becomes its own outcome. And the one deadline, which,
# once it has passed, is the reason for whatever a probe made of its cancellation; anything else is raised again.
BROAD_EXCEPT_ALLOWED = {
    "healthcheck/engine/runner.py",
    "healthcheck/engine/attempts.py",
    "healthcheck/engine/judging.py",
    # Code of third parties is loaded and called behind one of its own.
    "healthcheck/engine/probes/plugins.py",
}
# Written by Django.
GENERATED = "migrations"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_module(dotted: str) -> bool:
    path = ROOT / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def find_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the module of each import; `from package import module` names the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield node.lineno, inner if is_module(inner) else module


def find_rule(name: str) -> str:
    return max((rule for rule in ALLOWED if name == rule or name.startswith(rule)), key=len, default="")


def is_allowed(imported: str, rule: str) -> bool:
    own = rule.rstrip("/").removesuffix(".py").replace("/", ".")
    return imported.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
        imported == each or imported.startswith(f"{each}.") for each in {own, *ALLOWED[rule]}
    )


def find_forbidden_imports(name: str, tree: ast.AST) -> list[str]:
    rule = find_rule(name)
    if not rule:
        return [f"{name}:1 lies in no room; give it one in ALLOWED"]
    return [f"{name}:{line} imports {module}" for line, module in find_imports(tree) if not is_allowed(module, rule)]


def find_inline_imports(name: str, tree: ast.AST) -> list[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return [
        f"{name}:{node.lineno} imports inside {function.name}"
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def find_broad_excepts(name: str, tree: ast.AST) -> list[str]:
    """One that cleans up and raises again swallows nothing."""
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    return [f"{name}:{h.lineno} catches everything" for h in handlers if _is_broad(h) and not _raises_again(h)]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {each.id for each in caught if isinstance(each, ast.Name)}
    return handler.type is None or bool(names & {"Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def find_long_functions(name: str, tree: ast.AST) -> list[str]:
    return [
        f"{name}:{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(tree)
        if isinstance(node, Function)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def test_rooms_import_only_what_they_may() -> None:
    offences = []
    for path in find_sources("healthcheck"):
        offences += find_forbidden_imports(name_path(path), ast.parse(path.read_text()))
    assert offences == []


def test_nothing_is_imported_inside_a_function() -> None:
    offences = []
    for path in find_sources("healthcheck"):
        offences += find_inline_imports(name_path(path), ast.parse(path.read_text()))
    assert offences == []


def test_nothing_catches_everything_but_the_outermost_guard() -> None:
    offences = []
    for path in find_sources("healthcheck"):
        if name_path(path) not in BROAD_EXCEPT_ALLOWED:
            offences += find_broad_excepts(name_path(path), ast.parse(path.read_text()))
    assert offences == []


def test_files_and_functions_stay_small() -> None:
    offences = []
    for path in find_sources("healthcheck", "project", "tests"):
        text = path.read_text()
        if GENERATED in path.parts:
            continue
        if len(text.splitlines()) > MAX_FILE_LINES:
            offences.append(f"{name_path(path)} has {len(text.splitlines())} lines")
        offences += find_long_functions(name_path(path), ast.parse(text))
    assert offences == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("healthcheck/engine/runner.py", "import django"),
        ("healthcheck/engine/runner.py", "from healthcheck import conf"),
        ("healthcheck/engine/runner.py", "from healthcheck.models import Endpoint"),
        ("healthcheck/models/run.py", "from healthcheck.engine import runner"),
        ("healthcheck/pipeline/sweep.py", "from celery import shared_task"),
        ("healthcheck/pipeline/sweep.py", "from healthcheck import publisher"),
        ("healthcheck/pipeline/sweep.py", "if True:\n    import healthcheck.tasks"),
        ("healthcheck/definitions/versions.py", "from healthcheck.admin import versioned"),
        ("healthcheck/definitions/versions.py", "from healthcheck.pipeline import tick"),
        ("healthcheck/web/views.py", "from healthcheck.pipeline.tick import tick"),
        ("healthcheck/tasks.py", "from healthcheck import models"),
        ("healthcheck/checks.py", "import project.settings"),
        ("healthcheck/models/run.py", "from .endpoint import Endpoint"),
        ("healthcheck/elsewhere.py", ""),
    ],
)
def test_forbidden_import_is_found(name: str, source: str) -> None:
    assert len(find_forbidden_imports(name, ast.parse(source))) == 1


def test_inline_import_is_found_with_its_line() -> None:
    tree = ast.parse("async def act():\n    import json")
    assert find_inline_imports("a.py", tree) == ["a.py:2 imports inside act"]


@pytest.mark.parametrize("caught", ["", " Exception", " (OSError, BaseException)"])
def test_broad_except_is_found_unless_it_raises_again(caught: str) -> None:
    swallowed = f"try:\n    pass\nexcept{caught}:\n    pass"
    assert find_broad_excepts("a.py", ast.parse(swallowed)) == ["a.py:3 catches everything"]
    assert find_broad_excepts("a.py", ast.parse(f"{swallowed}\n    raise")) == []


def test_long_function_is_found_at_one_line_too_many() -> None:
    def write(lines: int) -> ast.AST:
        return ast.parse("def act():\n" + "    pass\n" * (lines - 1))

    assert find_long_functions("a.py", write(MAX_FUNCTION_LINES)) == []
    assert find_long_functions("a.py", write(MAX_FUNCTION_LINES + 1)) == ["a.py:1 act has 51 lines"]


def test_engine_opens_sockets_where_it_is_known_to() -> None:
    engine = ROOT / "healthcheck" / "engine"
    opening = {
        str(path.relative_to(engine))
        for path in sorted(engine.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OPENING
    }
    assert opening == set(OPENERS)
