"""The pages by name, and how a person gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.screenshots.scene import Scene


@dataclass(frozen=True, slots=True)
class Shot:
    """`visit` leaves the tab on the page."""

    name: str
    visit: Callable[[Scene], None]


def _go(path: str) -> Callable[[Scene], None]:
    return lambda scene: scene.open(path)


def _go_to_group(path: str) -> Callable[[Scene], None]:
    return lambda scene: scene.open(f"admin/healthcheck/endpointgroup/{scene.find_group('demo-shop')}/{path}")


def _go_to_endpoint(path: str) -> Callable[[Scene], None]:
    return lambda scene: scene.open(f"admin/healthcheck/endpoint/{scene.find_endpoint('Average order')}/{path}")


def _edit_many(scene: Scene) -> None:
    scene.open("admin/healthcheck/endpoint/")
    scene.tab.locator("#action-toggle").check()
    scene.tab.locator("select[name=action]").select_option("edit_selected")
    scene.tab.locator("#changelist-form [type=submit][name=index], #changelist-form button[name=index]").click()
    scene.tab.wait_for_load_state()


SHOTS = (
    Shot("status", _go("")),
    Shot("status-endpoint", lambda scene: scene.open(f"status/status/{scene.find_endpoint('Basket')}/")),
    Shot("admin-start", _go("admin/")),
    Shot("admin-groups", _go("admin/healthcheck/endpointgroup/")),
    Shot("admin-group", _go_to_group("change/")),
    Shot("admin-runs", _go_to_group("runs/")),
    Shot("admin-run", lambda scene: scene.open(f"admin/healthcheck/endpointgroup/runs/{scene.find_run('demo-shop')}/")),
    Shot("admin-endpoints", _go("admin/healthcheck/endpoint/")),
    Shot("admin-endpoint", _go_to_endpoint("change/")),
    Shot("admin-history", _go_to_endpoint("history/")),
    Shot("admin-results", _go_to_endpoint("results/")),
    Shot("admin-explanation", _go_to_endpoint("latest/")),
    Shot("admin-edit-many", _edit_many),
    Shot("admin-credentials", _go("admin/healthcheck/credential/")),
    Shot("admin-credential", _go("admin/healthcheck/credential/add/?kind=oauth2")),
    Shot("admin-tags", _go("admin/healthcheck/tag/")),
    Shot("admin-locations", _go("admin/healthcheck/location/")),
    Shot("admin-status-pages", _go("admin/healthcheck/statuspage/")),
    Shot("admin-status-page", lambda scene: scene.open(f"admin/healthcheck/statuspage/{scene.find_page()}/change/")),
)
