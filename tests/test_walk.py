"""A walk through one incident: a server breaks, a mail comes, its link acknowledges, it is mended, a mail comes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from healthcheck.models import EndpointGroup, Incident
from healthcheck.pipeline.deliver import deliver
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.manual import request_check
from healthcheck.pipeline.perform import Performer
from tests.factories import make_channel, make_endpoint, make_group, make_location, make_policy
from tests.free_ports import find_free_ports
from tests.notifiers.mail_server import Mailbox, run_mail_server
from tests.web_servers import run_child

pytestmark = [pytest.mark.django_db(transaction=True)]

BASE = "https://status.example.org"
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 10; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    settings = {"ADDRESS_MODE": "everything", "BASE_URL": BASE}
    with run_mail_server() as mailbox, override_settings(HEALTHCHECK=settings):
        yield mailbox


def check(group: EndpointGroup) -> None:
    """Check now, as the button does, and send what is to be sent once the pause of the channel is over."""
    run_id = request_check(group.pk, timezone.now())
    Performer().perform(run_id)
    deliver_due(timedelta(minutes=2))


def deliver_due(later: timedelta) -> None:
    now = timezone.now() + later
    for channel_id, _is_own in find_due_channels(now):
        deliver(channel_id, now)


def read_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


def test_incident_from_the_broken_server_to_the_mail_of_its_recovery(tmp_path: Path, mailbox: Mailbox) -> None:
    make_location()
    [port] = find_free_ports(1)
    (tmp_path / "nginx.conf").write_text(_NGINX.format(folder=tmp_path, port=port))
    nginx = ("nginx", ["-c", str(tmp_path / "nginx.conf")], port)
    details = {"host": "127.0.0.1", "port": str(mailbox.port), "security": "plain", "sender": "checks@example.test"}
    channel = make_channel("mail", "email", details=details | {"recipients": "ops@example.test"}, pause_seconds=1)
    make_policy(steps={0: [channel]}, reminder_minutes=30)
    group = make_group("shop", deadline_seconds=20.0)
    make_endpoint(group, "front", address=f"http://127.0.0.1:{port}/", failure_threshold=1, recovery_threshold=1)

    with ExitStack() as running:
        running.enter_context(run_child(*nginx))
        check(group)
        assert mailbox.mails == []
    # Broken.
    check(group)
    [told] = mailbox.mails
    assert told["Subject"] == "DOWN: front in Shop"
    assert "Cause: down: refused, on 127.0.0.1" in read_text(told)

    link = re.search(rf"{BASE}(/acknowledge/\S+)", read_text(told))
    assert link is not None
    person = Client()
    assert person.get(link[1]).status_code == 200
    # Looked at, as a scanner does: nobody has acknowledged it.
    assert Incident.objects.get().acknowledged_at is None
    assert person.post(link[1]).status_code == 303
    assert Incident.objects.get().acknowledged_by_name == "mail, by its link"
    deliver_due(timedelta(minutes=4))
    # A reminder would have been due.
    deliver_due(timedelta(minutes=40))

    with ExitStack() as running:
        running.enter_context(run_child(*nginx))
        check(group)
        deliver_due(timedelta(minutes=50))
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert subjects == ["DOWN: front in Shop", "Acknowledged: front in Shop", "Resolved: front in Shop"]
    assert Incident.objects.get().resolved_at is not None
    assert "Lasted: " in read_text(mailbox.mails[-1])
