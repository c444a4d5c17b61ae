"""German is complete: every text of the sources is there, whole, and compiled."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils.translation import override

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, State
from healthcheck.web.words import STATE_WORDS

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "healthcheck"
FOLDER = Path("locale") / "de" / "LC_MESSAGES"
PATIENCE_SECONDS = 120.0

needs_gettext = pytest.mark.skipif(
    shutil.which("xgettext") is None, reason="gettext is not installed (Debian: apt-get install gettext)"
)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The German texts after the sources of now were read into a copy of them."""
    copy = tmp_path_factory.mktemp("texts") / "healthcheck"
    shutil.copytree(APP, copy, ignore=shutil.ignore_patterns("__pycache__", "static", "*.mo"))
    _run([sys.executable, "-m", "django", "makemessages", "-l", "de", "--no-location", "--no-wrap"], folder=copy)
    return copy / FOLDER / "django.po"


def _run(command: list[str], *, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_gettext
@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        ("--untranslated", "translate these in healthcheck/locale/de"),
        ("--only-fuzzy", "look at these again"),
        ("--only-obsolete", "remove these, no source uses them any more"),
    ],
)
def test_german_has_every_text_of_the_sources(merged: Path, kind: str, cure: str) -> None:
    found = _run(["msgattrib", kind, "--no-wrap", str(merged)], folder=merged.parent)
    texts = re.findall(r'^(?:#~ )?(?:msgid|msgctxt) "(.+)"$', found, flags=re.MULTILINE)
    assert texts == [], cure


@needs_gettext
def test_compiled_texts_are_those_of_the_source(tmp_path: Path) -> None:
    _run(["msgfmt", "--check-format", "-o", str(tmp_path / "new.mo"), str(APP / FOLDER / "django.po")], folder=tmp_path)
    compiled, committed = (_read_catalogue(path) for path in (tmp_path / "new.mo", APP / FOLDER / "django.mo"))
    assert compiled == committed


def _read_catalogue(path: Path) -> dict[object, str]:
    with path.open("rb") as file:
        catalogue: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return catalogue


def test_every_placeholder_of_a_text_is_in_its_translation() -> None:
    places = re.compile(r"%\(\w+\)[a-z]|\{\}")
    # Those with a plural are pairs; what `--check-format` says of them is all that can be asked.
    texts = {
        text: german for text, german in _read_catalogue(APP / FOLDER / "django.mo").items() if isinstance(text, str)
    }
    assert len(texts) > 100
    for text, german in texts.items():
        assert sorted(places.findall(text)) == sorted(places.findall(german)), text


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_sentence_of_every_failure_is_german(kind: ErrorKind) -> None:
    catalogue = _read_catalogue(APP / FOLDER / "django.mo")
    assert catalogue[SENTENCES[kind]] not in {"", SENTENCES[kind]}


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_german_word(state: State) -> None:
    with override("en"):
        english = str(STATE_WORDS[state])
    with override("de"):
        assert str(STATE_WORDS[state]) != english
