"""What the pictures show: the demo, looked at by its operator, with a few things done to it beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.project.running import RunningUp, query


@dataclass(frozen=True, slots=True)
class Scene:
    """A tab that is logged in, and the rows to visit."""

    tab: Page
    server: RunningUp

    def find_id(self, statement: str) -> int:
        """Return the one number that a statement over the demo's database finds."""
        return int(query(self.server.data, statement)[0][0])

    def find_endpoint(self, name: str) -> int:
        return self.find_id(f"SELECT id FROM healthcheck_endpoint WHERE name = '{name}'")  # our own name

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


def prepare_scene(tab: Page, server: RunningUp) -> Scene:
    """Log in by the link, which is good for one use."""
    tab.goto(server.login_link)
    return Scene(tab, server)
