"""Every place where a canary could have come out: rows, the broker, files of logs, pages, commands."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import redis
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
# What is reached by no link. A new kind of page, twin, feed or export joins by one line here.
SEEDS = (
    "/",
    "/status.json",
    "/status/canaries/",
    "/status/canaries.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/admin/",
    "/admin/jsi18n/",
    "/admin/healthcheck/endpoint/desk/",
    "/admin/healthcheck/endpoint/export/",
    "/admin/healthcheck/endpoint/members/?q=",
    "/admin/healthcheck/endpointgroup/export/",
    "/admin/autocomplete/?app_label=healthcheck&model_name=endpoint&field_name=credential&term=",
)
# What a person types. A new command joins by one line here.
COMMANDS: Sequence[Sequence[str]] = (
    ("check", "--database", "default"),
    ("rotate_secrets", "--dry-run"),
    ("rotate_secrets",),
    ("check_group", "canaries", "--json"),
    ("check_group", "canaries"),
    ("overview",),
    ("export_endpoints",),
)
MAX_PAGES = 600
# Pages of one shape differ in their row alone, and filters together only choose fewer of what each of them shows.
MAX_OF_A_SHAPE = 2
_LINK = re.compile(r"(?:href|action|src)=[\"']([^\"']+)[\"']")
# They sort and fold the same rows, log out, or are files of the theme.
_SKIPPED = re.compile(r"^/static/|/logout/|[?&](?:o|_facets|all)=|/password_change/")


def crawl(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page that links lead to, headers included."""
    seen, waiting, shapes = set(SEEDS), list(SEEDS), Counter[str]()
    while waiting:
        assert len(shapes) < MAX_PAGES, "links lead everywhere"
        url = waiting.pop(0)
        response = client.get(url)
        yield url, f"{response.headers}\n{response.text}"
        if "html" in response.headers.get("content-type", ""):
            for link in sorted(set(_find_links(url, response.text)) - seen):
                seen.add(link)
                found = find_shapes(link)
                if any(shapes[shape] < MAX_OF_A_SHAPE for shape in found):
                    shapes.update(found)
                    waiting.append(link)


def find_shapes(link: str) -> set[str]:
    """Return what is new of a page that nobody has seen: its path with each of its parameters, or alone."""
    path, _, query = re.sub(r"[0-9]+|(?<==)[^&]+", "_", link).partition("?")
    return {f"{path}?{parameter}" for parameter in query.split("&")}


def _find_links(base: str, text: str) -> Iterator[str]:
    for link in _LINK.findall(text):
        found = urlsplit(urljoin(f"http://here{base}", urldefrag(unescape(link)).url))
        target = found.path + (f"?{found.query}" if found.query else "")
        if found.netloc == "here" and not _SKIPPED.search(target):
            yield target


def read_rows(*hidden: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield every table with all its rows, but for the columns that are hidden, given as (table, column)."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            shown = [index for index, name in enumerate(names) if (table, name) not in hidden]
            yield table, "\n".join(str([_spell_out(row[index]) for index in shown]) for row in cursor.fetchall())


def _spell_out(cell: object) -> object:
    # PostgreSQL's bytes come as what shows nothing of itself.
    return bytes(cell) if isinstance(cell, memoryview) else cell


def read_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what the processes have written into the folder, logs first of all."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.name, file.read_bytes().decode("utf-8", "replace")


def run_commands() -> Iterator[tuple[str, str]]:
    """Yield what the commands print."""
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        yield " ".join(command), done.stdout + done.stderr


class Wire:
    """Everything that is said to the broker while it listens, and what the broker holds at the end."""

    def __init__(self, socket: str) -> None:
        # Without a timeout: nothing is said for a while, and that is no fault.
        self._client = redis.Redis(unix_socket_path=socket, socket_timeout=None)
        self._lines: list[str] = []
        self._monitor = self._client.monitor()  # type: ignore[no-untyped-call]
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            command = self._monitor.next_command()
            self._lines.append(str(command))
            if "end of listening" in str(command):
                return

    def read(self) -> Iterator[tuple[str, str]]:
        """Stop listening and yield what there is."""
        self._client.echo("end of listening")
        self._thread.join(30)
        self._monitor.__exit__(None, None, None)
        yield "commands to the broker", "\n".join(self._lines)
        for key in self._client.scan_iter():
            yield f"broker key {key!r}", f"{key!r} {self._client.dump(key)!r}"
        self._client.close()
