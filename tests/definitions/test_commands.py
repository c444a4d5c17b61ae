"""The same from the terminal: export to a file or a pipe, import as a whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from healthcheck.models import Endpoint, EndpointGroup, Version
from tests.factories import make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_export_imports_as_no_change(tmp_path: Path) -> None:
    make_endpoint(options={"headers": [["X-Key", "k"]]})
    file = tmp_path / "endpoints.csv"
    run("export_endpoints", str(file))
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_bytes().decode() == run("export_endpoints")
    assert run("import_endpoints", str(file)) == "Checked 1 row; writing none of them.\n1 as before.\n"


def test_dry_run_says_and_writes_nothing(tmp_path: Path) -> None:
    make_endpoint(make_group())
    file = tmp_path / "endpoints.csv"
    file.write_text("group,name,address\nweb,site,http://new.example/\nweb,more,http://more.example/\n")
    assert run("import_endpoints", str(file), "--dry-run") == "1 new, 1 changed. Nothing was written.\n"
    assert Endpoint.objects.count() == 1
    run("import_endpoints", str(file))
    assert sorted(Endpoint.objects.values_list("address", flat=True)) == ["http://more.example/", "http://new.example/"]
    assert set(Version.objects.exclude(comment="as found").values_list("author_name", "comment")) == {
        ("import_endpoints", "from endpoints.csv")
    }


def test_refused_file_names_the_lines_and_writes_nothing(tmp_path: Path) -> None:
    make_group()
    file = tmp_path / "endpoints.csv"
    file.write_text("group,name,address\nweb,fine,http://a.example/\n" + "web,bad,ftp://b\n" * 30)
    with pytest.raises(CommandError) as caught:
        run("import_endpoints", str(file))
    lines = str(caught.value).split("\n")
    assert lines[:2] == [
        "Nothing was written:",
        "Line 3: address: The address must start with http:// or https://; add it.",
    ]
    assert (len(lines), Endpoint.objects.count()) == (22, 0)


def test_groups_have_files_of_their_own(tmp_path: Path) -> None:
    make_group(interval_seconds=300)
    file = tmp_path / "groups.csv"
    run("export_endpoints", str(file), "--groups")
    file.write_text(file.read_text().replace("300", "120"))
    run("import_endpoints", str(file), "--groups")
    assert EndpointGroup.objects.get().interval_seconds == 120


@pytest.mark.parametrize("command", ["import_endpoints", "export_endpoints"])
def test_file_that_cannot_be_opened_is_named(command: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing/a\.csv cannot be (read|written): No such file or directory\."):
        run(command, str(tmp_path / "missing" / "a.csv"))
