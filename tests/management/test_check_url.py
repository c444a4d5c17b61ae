from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import trustme
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.dns_server import DnsServer
from tests.engine.conftest import serve_with
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer, play, redirect_to
from tests.management.conftest import (
    PATIENCE_SECONDS,
    ROOT,
    Terminal,
    make_environment,
    run_at_terminal,
    run_command,
    run_manage,
    start_manage,
)
from tests.pipeline.test_explain import KEYS
from tests.scripted_judge import KIND, register

# What stands in a project's own manage.py, which knows nothing of interrupts.
MANAGE = (
    "import sys; from django.core.management import execute_from_command_line as run; run(['manage.py', *sys.argv[1:]])"
)
WITHOUT_RICH = f"import sys; sys.modules['rich'] = None; {MANAGE}"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "project.settings"}


def test_answer_is_told_from_the_verdict_to_the_curl_line(hostile: HostileServer) -> None:
    body = b'{"status": "ok"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: canary\r\nContent-Length: 16\r\n\r\n"
    last = f"http://127.0.0.1:{hostile.listen(play(head + body))}/end"
    first = f"http://127.0.0.1:{hostile.listen(redirect_to(last))}/?token=canary"
    status, shown = run_command("check_url", first, "--expect", "status 200", "--expect", 'json $.status == "ok"')
    lines = shown.splitlines()
    assert status == 0
    assert lines[0].startswith(f"up  {first.replace('canary', '[hidden]')}  200 in ")
    assert lines[1] == "It answered as expected."
    assert f"request  GET {last}" in lines
    assert 'holds    json $.status == "ok"  "ok"' in lines
    assert "  Set-Cookie: [hidden]" in lines
    assert '  {"status": "ok"}' in lines
    assert '  header content-type contains "json"' in lines
    assert lines[-1].startswith("  curl --include ")
    assert "canary" not in shown


def test_failure_is_told_with_what_was_expected(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    status, shown = run_command("check_url", url, "--expect", "status 201", "--expect", "latency < 9s")
    lines = shown.splitlines()
    assert status == 1
    assert lines[0].startswith(f"down  {url}  200 in ")
    assert lines[1:3] == ["It answered with an unexpected status.", "expected status 201, found status 200"]
    assert "fails    status 201    status 200" in lines


def test_every_address_is_told(hostile: HostileServer) -> None:
    url = f"http://localhost:{hostile.listen('good')}/"
    options = ("--option", "addresses=all", "--option", "family=ipv4", "--option", "max_redirects=0")
    status, shown = run_command("check_url", url, *options)
    lines = [line.split() for line in shown.splitlines()]
    header = lines.index(["Verdict", "Part", "Latency", "Error", "Found"])
    assert (status, lines[header + 1][:2]) == (0, ["up", "127.0.0.1"])
    status, told = run_command("check_url", url, *options, "--expect", "status 201", "--json")
    answer = json.loads(told)
    [part] = answer["parts"]
    assert (status, part["name"], part["verdict"], part["error_kind"]) == (1, "127.0.0.1", "down", "status")
    assert (part["found"], answer["found"]) == ("status 200", "1 of 1 address failed: 127.0.0.1: status 200")


def test_degraded_is_not_up(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    status, shown = run_command("check_url", url, "--expect", "status 201 degraded")
    assert (status, shown.split()[0]) == (1, "degraded")


def test_certificates_are_told_in_their_order(hostile: HostileServer, authority: trustme.CA) -> None:
    leaf = authority.create_child_ca().issue_cert("localhost", not_after=None)
    status, shown = run_command("check_url", f"https://localhost:{hostile.listen('good', tls=serve_with(leaf))}/")
    assert status == 1
    assert "Its certificate was not accepted." in shown
    assert [line.split()[0] for line in shown.splitlines() if "valid until" in line] == ["certificate", "issued"]


def test_port_is_dialled_by_its_scheme(hostile: HostileServer) -> None:
    port = hostile.listen("silent")
    status, shown = run_command("check_url", f"tcp://127.0.0.1:{port}", "--expect", "latency < 9s")
    assert status == 0
    assert shown.startswith(f"up  tcp://127.0.0.1:{port}  in ")
    assert "address  127.0.0.1" in shown.splitlines()


def test_name_server_is_asked_by_its_scheme() -> None:
    with DnsServer() as server:
        server.add("a.example", "MX 10 mail.example.", ttl=30)
        options = ("--option", "record_type=MX", "--option", f"server={server.address}")
        status, shown = run_command("check_url", "dns://a.example", *options, "--expect", "ttl >= 60 degraded")
        told = json.loads(run_command("check_url", "dns://a.example", *options, "--json")[1])
        gone = json.loads(run_command("check_url", "dns://b.example", *options, "--json")[1])
    lines = shown.splitlines()
    assert (status, lines[0].partition("  in ")[0]) == (1, "degraded  dns://a.example")
    assert lines[2] == "expected ttl >= 60, found 30"
    assert "  a.example. 30 IN MX 10 mail.example." in lines
    assert f"  dig -r @127.0.0.1 -p {server.port} -q a.example. -t MX" in lines
    assert (told["verdict"], told["kind"], told["address"], told["encryption"]) == ("up", "dns", "127.0.0.1", None)
    assert told["suggestions"][0] == 'answers exactly "10 mail.example."'
    assert [each["text"] for each in told["assertions"]] == ["rcode == NOERROR", "answers exists"]
    assert (gone["verdict"], gone["error_kind"], gone["phase"], gone["found"]) == (
        "down",
        "status",
        "assert",
        "NXDOMAIN",
    )


def test_handshake_is_repeated_with_openssl(hostile: HostileServer, authority: trustme.CA) -> None:
    served = serve_with(authority.issue_cert("localhost"))
    address = f"tls://localhost:{hostile.listen('silent', tls=served)}"
    answer = json.loads(run_command("check_url", address, "--json")[1])
    assert (answer["kind"], answer["curl"], answer["encryption"]) == ("tls", "", None)
    assert answer["openssl"].startswith("openssl s_client -connect localhost:")
    _, shown = run_command("check_url", address)
    assert "To repeat it\n  openssl s_client -connect localhost:" in shown
    assert "curl" not in shown


def test_echo_is_told_and_repeated_with_ping() -> None:
    status, shown = run_command("check_url", "icmp://127.0.0.1", "--expect", "loss == 0%")
    lines = shown.splitlines()
    assert (status, lines[0].startswith("up  icmp://127.0.0.1  in ")) == (0, True)
    assert any(line.startswith("echoes   3 of 3 came back, jitter ") for line in lines)
    assert lines[-1] == "  ping -n -c 3 -i 0.2 -W 1 -s 56 127.0.0.1"
    answer = json.loads(run_command("check_url", "icmp://127.0.0.1", "--json")[1])
    assert (answer["kind"], answer["echoes"]["sent"], answer["echoes"]["received"]) == ("icmp", 3, 3)
    assert answer["ping"] == "ping -n -c 3 -i 0.2 -W 1 -s 56 127.0.0.1"


def test_handshake_is_explained_by_its_scheme(hostile: HostileServer, authority: trustme.CA) -> None:
    port = hostile.listen("silent", tls=serve_with(authority.issue_cert("localhost")))
    status, shown = run_command("check_url", f"tls://localhost:{port}")
    assert status == 1
    assert "Its certificate was not accepted." in shown


def test_long_body_is_cut(hostile: HostileServer) -> None:
    body = b"line\n" * 100
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    _, shown = run_command("check_url", f"http://127.0.0.1:{hostile.listen(play(answer))}/")
    assert (shown.count("  line\n"), shown.count("  …\n")) == (12, 1)


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["ftp://example.com"], "must start with http:// or https://; add it"),
        (["http://127.0.0.1:1/", "--expect", "nonsense"], "--expect “nonsense”: Begin with what is judged"),
        (["http://127.0.0.1:1/", "--option", "addresses"], "write it as NAME=VALUE"),
        (["http://127.0.0.1:1/", "--option", "addresses=none"], "such as at least 2; choose one"),
        (["http://127.0.0.1:1/", "--option", "max_redirects=a"], "--option “max_redirects”: the value is not text"),
        (["http://127.0.0.1:1/", "--option", "colour=red"], "The kind http has no option “colour”; remove it"),
        (["http://127.0.0.1:1/", "--timeout", "0"], "between 0.1 and 600 seconds"),
        (["http://127.0.0.1:1/", "--timeout", "nan"], "between 0.1 and 600 seconds"),
    ],
)
def test_nonsense_is_refused_with_a_cure(arguments: list[str], cure: str) -> None:
    with pytest.raises(CommandError, match=cure) as caught:
        call_command("check_url", *arguments)
    assert caught.value.returncode == 2


def test_kind_that_asks_nobody_is_refused_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
    with pytest.raises(
        CommandError, match="asks nobody, so there is nothing to try; check its group instead"
    ) as caught:
        call_command("check_url", f"{KIND}://anything")
    assert caught.value.returncode == 2


def test_terminal_is_told_in_colour(hostile: HostileServer) -> None:
    status, shown = run_command("check_url", f"http://127.0.0.1:{hostile.listen('good')}/", stream=Terminal())
    assert status == 0
    assert shown.startswith("\x1b[32mup\x1b[0m")


def test_address_without_a_scheme_is_tried_with_both(hostile: HostileServer) -> None:
    address = f"127.0.0.1:{hostile.listen('good')}/"
    status, shown = run_command("check_url", address)
    assert status == 0
    assert shown.startswith(f"up  http://{address}  200 in ")


def test_address_without_a_scheme_that_no_scheme_answers_is_told_with_the_first() -> None:
    (free_port,) = find_free_ports(1)
    status, shown = run_command("check_url", f"127.0.0.1:{free_port}")
    assert status == 1
    assert shown.startswith(f"down  https://127.0.0.1:{free_port}")


def test_blocked_address_is_told_with_its_cure(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "private"}
    status, shown = run_command("check_url", "http://127.0.0.1/")
    assert status == 1
    assert "The address policy does not allow checking it." in shown
    assert "allow its network in the setting ADDRESS_ALLOW, or set HEALTHCHECK_ADDRESS_MODE=everything" in shown


def test_json_is_all_that_a_program_reads(hostile: HostileServer) -> None:
    evil = "\u202e\x1b[31m".encode()
    answer = b"HTTP/1.1 200 OK\r\nX: \xe2\x80\xae\r\nContent-Length: %d\r\n\r\n%b" % (len(evil), evil)
    ended = run_manage("check_url", f"http://127.0.0.1:{hostile.listen(play(answer))}/", "--json")
    described = json.loads(ended.stdout)
    assert (ended.status, ended.stderr) == (0, "")
    assert list(described)[:12] == KEYS
    assert (described["verdict"], described["http_status"], described["attempts"]) == ("up", 200, 1)
    assert ended.stdout.isascii()
    assert "\x1b" not in ended.stdout


def test_process_ends_with_its_statuses(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    assert run_manage("check_url", url).status == 0
    assert run_manage("check_url", url, "--expect", "status 500").status == 1
    refused = run_manage("check_url", "ftp://example.com")
    assert (refused.status, refused.stdout) == (2, "")
    assert refused.stderr.strip() == "CommandError: The address must start with http:// or https://; add it."


def test_ctrl_c_ends_it_without_a_traceback(hostile: HostileServer) -> None:
    port = hostile.listen("silent")
    url = f"http://127.0.0.1:{port}/"
    process = start_manage("check_url", url, "--timeout", "600", program=("-c", MANAGE), **SETTINGS)
    while not hostile.accepted[port]:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
    assert process.returncode == 130


def test_reader_that_leaves_is_no_error_and_changes_no_status(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    with start_manage("check_url", url, "--expect", "status 500") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE_SECONDS) == 1


def test_terminal_without_rich_is_told_in_plain_text(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    ended = run_at_terminal(sys.executable, "-c", WITHOUT_RICH, "check_url", url, **SETTINGS)
    assert ended.status == 0
    assert ended.stdout.startswith("up  http://")
    assert "\x1b" not in ended.stdout


def test_terminal_that_lacks_a_character_gets_another(hostile: HostileServer) -> None:
    body = "grüße".encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    url = f"http://127.0.0.1:{hostile.listen(play(answer))}/"
    shown = subprocess.run(
        [sys.executable, "manage.py", "check_url", url],
        cwd=ROOT,
        env=make_environment(PYTHONIOENCODING="ascii"),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert b"gr??e" in shown.stdout
