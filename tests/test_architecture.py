"""The rooms of the house, as docs/architecture.md draws them: who may import whom, and how large anything may grow."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms import ALLOWED

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

# The outermost guards: what a check raises and nobody can name becomes its own outcome. And the one deadline, which,
# once it has passed, is the reason for whatever a probe made of its cancellation; anything else is raised again.
BROAD_EXCEPT_ALLOWED = {
    "healthcheck/engine/runner.py",
    "healthcheck/engine/attempts.py",
    "healthcheck/engine/judging.py",
    # Code of third parties is loaded and called behind one of its own.
    "healthcheck/engine/probes/plugins.py",
    # A kind of channel may be theirs as well: what it raises becomes an answer, which is seen on the channel.
    "healthcheck/pipeline/deliver.py",
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
