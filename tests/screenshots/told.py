"""What an operator of the demo sets up so that people are told, and what they did of an incident since."""

from __future__ import annotations

import re
from email.message import EmailMessage

from playwright.sync_api import Page, expect

from healthcheck.engine.incidents import Severity, Stage
from tests.notifiers.mail_server import Mailbox
from tests.project.running import wait_until
from tests.screenshots.scene import Scene

MAILS, PUSHES = "Mails to the shop's team", "Pushes to who is on call"
_PUBLIC, _PAST = "Payments are slow", "Checkout was away"


def prepare_messages(scene: Scene, mailbox: Mailbox) -> None:
    """Let people be told of what is down from now on, and wait until they were."""
    _add_mails(scene, mailbox)
    _add_pushes(scene)
    _add_policy(scene)
    _add_dependency(scene)
    _add_template(scene)
    _open_and_resolve(scene)
    _open_and_update(scene)
    scene.acknowledge_path = wait_until(lambda: _find_acknowledge_path(mailbox), scene.server)
    _write_of(scene)


def _add_mails(scene: Scene, mailbox: Mailbox) -> None:
    scene.open("admin/healthcheck/notificationchannel/add/?kind=email")
    fill = scene.tab.locator
    fill("#id_name").fill(MAILS)
    fill("#id_own_recipients").fill("shop@example.com\nops@example.com")
    fill("#id_own_sender").fill("Checks <checks@example.com>")
    fill("#id_own_host").fill("127.0.0.1")
    fill("#id_own_port").fill(str(mailbox.port))
    fill("#id_own_security").select_option("plain")
    fill("#id_pause_seconds").fill("5")
    scene.press("Save")


def _add_pushes(scene: Scene) -> None:
    scene.open("admin/healthcheck/notificationchannel/add/?kind=ntfy")
    scene.tab.locator("#id_name").fill(PUSHES)
    scene.tab.locator("#id_own_topic").fill("shop-alerts")
    # Nobody listens there.
    scene.tab.locator("#id_own_url").fill("http://127.0.0.1:9")
    scene.press("Save")


def _choose(tab: Page, field: str, words: str) -> None:
    """Search in a choice of many, and take what is found."""
    tab.locator(f".field-{field} .select2-search__field, #id_{field} + .select2 .select2-search__field").first.click()
    tab.keyboard.type(words)
    tab.locator(".select2-results__option--highlighted", has_text=words).click()


def _add_policy(scene: Scene) -> None:
    tab = scene.tab
    scene.open("admin/healthcheck/notificationpolicy/add/")
    tab.locator("#id_name").fill("Whatever is not as it should be")
    tab.locator("#id_min_severity").select_option(str(Severity.NOTICE.value))
    tab.locator("#id_reminder_minutes").fill("30")
    _choose(tab, "steps-0-channels", MAILS)
    scene.press("Save and continue editing")
    tab.get_by_text("Add another step").click()
    tab.locator("#id_steps-1-after_minutes").fill("15")
    _choose(tab, "steps-1-channels", PUSHES)
    scene.press("Save")


def _add_dependency(scene: Scene) -> None:
    scene.open("admin/healthcheck/dependency/add/")
    for field, words in (("child_endpoint", "Basket"), ("parent_group", "Private authority")):
        scene.tab.locator(f"#id_{field} + .select2").click()
        scene.tab.locator(".select2-container--open .select2-search__field").fill(words)
        scene.tab.locator(".select2-results__option--highlighted", has_text=words).click()
    scene.press("Save")


def _add_template(scene: Scene) -> None:
    scene.open("admin/healthcheck/updatetemplate/add/")
    scene.tab.locator("#id_name").fill("We are looking into it")
    scene.tab.locator("#id_stage").select_option(str(Stage.INVESTIGATING.value))
    scene.tab.locator("#id_text").fill("We see errors and are looking into them. **Orders are kept**; none is lost.")
    scene.press("Save")


def _open(scene: Scene, title: str, text: str, severity: Severity) -> None:
    scene.open("admin/healthcheck/incident/add/")
    scene.tab.get_by_label("Title").fill(title)
    scene.tab.get_by_label("Severity").select_option(str(severity.value))
    scene.tab.get_by_label("What you know").fill(text)
    scene.tab.get_by_label("Show it on status pages").check()
    scene.press("Open it")


def _write(scene: Scene, text: str, stage: Stage) -> None:
    scene.tab.get_by_label("What you know").fill(text)
    scene.tab.get_by_label("Stage").select_option(str(stage.value))
    scene.tab.get_by_label("Show this update on status pages").check()
    scene.press("Write it")


def _open_and_resolve(scene: Scene) -> None:
    _open(scene, _PAST, "Orders could not be finished.", Severity.DOWN)
    _write(scene, "A full disk; there is room again, and orders go through.", Stage.RESOLVED)
    scene.tab.get_by_role("textbox", name="Post-mortem").fill(
        "The disk was full of logs. They are **rotated** now, and watched."
    )
    scene.tab.locator("form", has=scene.tab.get_by_role("textbox", name="Post-mortem")).get_by_role("button").click()
    expect(scene.tab.locator(".hc-written strong", has_text="rotated")).to_be_visible()


def _open_and_update(scene: Scene) -> None:
    _open(scene, _PUBLIC, "Some payments take a minute.", Severity.DEGRADED)
    _write(scene, "Our payment provider is *slow* since noon; nothing is lost.", Stage.IDENTIFIED)


def find_incident(scene: Scene) -> int:
    """Return the open incident that checks found in the shop."""
    return scene.find_id(
        "SELECT max(id) FROM healthcheck_incident WHERE resolved_at IS NULL AND NOT is_manual AND group_id = "
        "(SELECT id FROM healthcheck_endpointgroup WHERE slug = 'demo-shop')"
    )


def find_past(scene: Scene) -> int:
    return scene.find_id(f"SELECT max(id) FROM healthcheck_incident WHERE title = '{_PAST}'")  # our own


def find_channel(scene: Scene) -> int:
    return scene.find_id(f"SELECT id FROM healthcheck_notificationchannel WHERE name LIKE '{MAILS[:5]}%'")  # our own


def find_policy(scene: Scene) -> int:
    return scene.find_id("SELECT min(id) FROM healthcheck_notificationpolicy")


def open_newest_delivery(scene: Scene) -> None:
    scene.open("admin/healthcheck/delivery/")
    scene.tab.locator("#result_list a[href*='/change/']").first.click()
    scene.tab.wait_for_load_state()


def _write_of(scene: Scene) -> None:
    scene.open(f"admin/healthcheck/incident/{find_incident(scene)}/change/")
    scene.tab.get_by_label("What you know").fill("The database of the shop was moved this morning; ask the team.")
    scene.press("Write it")


def _find_acknowledge_path(mailbox: Mailbox) -> str:
    """Return the path of the link that acknowledges what is not over; empty before there is one."""
    link = re.compile(_PUBLIC + r".*?Acknowledge: http://[^/\s]+/(acknowledge/\S+)", re.DOTALL)
    links = [found for mail in mailbox.mails for found in link.findall(_read(mail))]
    return links[0] if links else ""


def _read(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    text: str = body.get_content() if body is not None else ""
    return text
