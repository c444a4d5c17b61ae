"""Messages leave by known doors: nothing else of the notifiers opens a socket, or starts a process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import healthcheck.notifiers
from tests.test_architecture import OPENING

FOLDER = Path(healthcheck.notifiers.__file__).parent
DOORS = {
    "apprise.py": "starts the process in which each connection is judged when it is made",
    "apprise_run.py": "is that process, and names what it refuses",
    "http.py": "asks over the engine's transport",
    "smtp.py": "connects to what the engine's dialer has filtered, and to nothing else",
}
LIBRARIES = {"asyncio", "http", "smtplib", "socket", "ssl", "subprocess", "urllib.request", "requests"}


def find_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def find_opening(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OPENING:
            yield node.func.attr


def test_only_doors_import_what_connects() -> None:
    found = {
        path.name: set(find_modules(ast.parse(path.read_text()))) & (LIBRARIES - {"smtplib"})
        for path in FOLDER.glob("*.py")
    }
    assert {name for name, modules in found.items() if modules} <= set(DOORS)


def test_one_file_opens_sockets_of_its_own() -> None:
    opening = {path.name: set(find_opening(ast.parse(path.read_text()))) for path in FOLDER.glob("*.py")}
    assert {name: calls for name, calls in opening.items() if calls} == {"smtp.py": {"create_connection", "socket"}}
