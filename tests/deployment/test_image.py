"""The `Dockerfile`, line by line, by an unprivileged user in an empty folder; its command from a read-only tree."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment.dockerfile import read_dockerfile
from tests.deployment.image import Image, build_image
from tests.deployment.test_compose import SERVICES
from tests.figures.deployment import wait_until
from tests.free_ports import find_free_ports

WAIT_SECONDS = 60
IS_ROOT = os.geteuid() == 0
BUILDER = pwd.getpwnam("nobody").pw_uid if IS_ROOT else None
# Our own interpreter may lie where only we may look; the system's may be looked at by everybody.
PYTHON = "/usr/bin/python3" if IS_ROOT else sys.executable
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def read_pip_settings() -> dict[str, str]:
    """Return where our own pip finds packages, as variables: the builder does not see our configuration."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, flags=re.MULTILINE)
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in found if name != "cache-dir"}


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    folder = Path(tempfile.mkdtemp(prefix="hcim", dir="/tmp"))
    try:
        if BUILDER is not None:
            os.chown(folder, BUILDER, -1)
        folder.chmod(0o755)
        # In the place of the image's own Python.
        subprocess.run([PYTHON, "-m", "venv", str(folder / "venv")], user=BUILDER, cwd=folder, check=True)
        path = f"{folder / 'venv' / 'bin'}:{SYSTEM_PATH}"
        built = build_image(folder, path=path, builder=BUILDER, settings=read_pip_settings())
        subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
        yield built
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def address(image: Image) -> Iterator[str]:
    """Where the image's command answers, run as the image's user, who can write nowhere in the tree."""
    (port,) = find_free_ports(1)
    environment = {
        "PATH": f"{image.folder / 'venv' / 'bin'}:{SYSTEM_PATH}",
        **image.environment,
        **SERVICES["web"].environment,
        "PORT": str(port),
    }
    user = image.user if IS_ROOT else None
    program = str(image.folder / "venv" / "bin" / image.command[0])
    with subprocess.Popen(
        [program, *image.command[1:]],
        cwd=image.work_folder,
        env=environment,
        user=user,
        group=user,
        extra_groups=[] if IS_ROOT else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            output, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, output.decode()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_every_kind_of_line_is_one_that_the_build_knows() -> None:
    known = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "CMD"}
    assert {instruction.word for instruction in read_dockerfile()} == known


def test_command_answers_from_a_read_only_tree(image: Image, address: str) -> None:
    assert wait_until(lambda: answers(f"{address}/healthz"), seconds=WAIT_SECONDS)


def test_static_files_are_collected_with_names_that_never_change(image: Image) -> None:
    assert (image.work_folder / "staticfiles" / "staticfiles.json").is_file()


def test_image_holds_the_deployment_and_no_test(image: Image) -> None:
    found = {path.name for path in image.work_folder.iterdir()}
    assert found == {"requirements.txt", "LICENSE", "manage.py", "healthcheck", "project", "staticfiles"}
    assert list(image.work_folder.glob("project/__pycache__/settings.*.pyc")) != []


@pytest.mark.parametrize("name", ["web", "worker", "scheduler", "migrate"])
def test_programs_of_every_service_are_in_the_image(image: Image, name: str) -> None:
    program = (SERVICES[name].command or image.command)[0]
    assert os.access(image.folder / "venv" / "bin" / program, os.X_OK)
