"""What the pictures show: the demo, looked at by its operator, with a few things done to it beforehand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.project.running import RunningUp, query

# A page of the operator's own, behind a password.
GATED_SLUG = "team"


@dataclass(slots=True)
class Scene:
    """A tab that is logged in, and the rows to visit."""

    tab: Page
    server: RunningUp
    # Of the link in a message, once there is one.
    acknowledge_path: str = ""

    def find_id(self, statement: str) -> int:
        """Return the one number that a statement over the demo's database finds."""
        return int(query(self.server.data, statement)[0][0])

    def find_endpoint(self, name: str) -> int:
        return self.find_id(f"SELECT id FROM healthcheck_endpoint WHERE name = '{name}'")  # our own name

    def find_address(self, name: str) -> str:
        statement = f"SELECT address FROM healthcheck_endpoint WHERE name = '{name}'"  # our own name
        return str(query(self.server.data, statement)[0][0])

    def find_group(self, slug: str) -> int:
        return self.find_id(f"SELECT id FROM healthcheck_endpointgroup WHERE slug = '{slug}'")  # our own

    def find_run(self, slug: str) -> int:
        return self.find_id(
            "SELECT max(id) FROM healthcheck_checkrun WHERE status = 3 AND group_id = "
            f"(SELECT id FROM healthcheck_endpointgroup WHERE slug = '{slug}')"  # our own
        )

    def find_page(self) -> int:
        return self.find_id("SELECT min(id) FROM healthcheck_statuspage")

    def open(self, path: str) -> None:
        self.tab.goto(path, wait_until="load")

    def press(self, button: str) -> None:
        """Press the button, and wait for the page that it leads to."""
        with self.tab.expect_navigation():
            self.tab.get_by_role("button", name=button, exact=True).click()


def prepare_scene(tab: Page, server: RunningUp) -> Scene:
    """Log in by the link, which is good for one use, and do what an operator does on the first day."""
    tab.goto(server.login_link)
    scene = Scene(tab, server)
    _add_gated_page(scene)
    _add_credential(scene)
    _change_endpoint(scene, "Average order")
    return scene


def _add_gated_page(scene: Scene) -> None:
    tab = scene.tab
    scene.open("admin/healthcheck/statuspage/add/")
    # The slug writes itself after the title.
    tab.locator("#id_title").press_sequentially(GATED_SLUG.title())
    expect(tab.locator("#id_slug")).to_have_value(GATED_SLUG)
    tab.locator("#id_visibility").select_option("password")
    tab.locator("#id_new_password").fill(secrets.token_urlsafe())
    scene.press("Save")


def _add_credential(scene: Scene) -> None:
    scene.open("admin/healthcheck/credential/add/?kind=bearer")
    scene.tab.locator("#id_name").fill("Read-only token of the shop")
    scene.tab.locator("input[type=password]").first.fill(secrets.token_urlsafe())
    scene.press("Save")


def _change_endpoint(scene: Scene, name: str) -> None:
    """Change it twice, so that there is a history, and tags to look at."""
    for description, tags in (("Owner: payments", "production"), ("Owner: payments. Runbook: wiki", "production, eu")):
        scene.open(f"admin/healthcheck/endpoint/{scene.find_endpoint(name)}/change/")
        scene.tab.locator("#id_description").fill(description)
        scene.tab.locator("#id_tags").fill(tags)
        scene.press("Save")
