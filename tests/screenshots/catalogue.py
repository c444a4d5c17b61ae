"""The pages by name, and how a person gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import FilePayload

from tests.screenshots.scene import GATED_SLUG, Scene
from tests.screenshots.told import find_channel, find_incident, find_past, find_policy, open_newest_delivery


@dataclass(frozen=True, slots=True)
class Shot:
    """`visit` leaves the tab on the page. `complaint` is what the browser says of it that is no fault of the page."""

    name: str
    visit: Callable[[Scene], None]
    complaint: str = ""


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


def _preview_edit(scene: Scene) -> None:
    _edit_many(scene)
    scene.tab.get_by_role("checkbox", name="Replace Timeout (seconds) with").check()
    scene.tab.get_by_role("spinbutton", name="Replace Timeout (seconds) with").fill("3")
    scene.press("Preview")


def _preview_import(scene: Scene) -> None:
    exported = scene.tab.request.get("admin/healthcheck/endpoint/export/").text()
    scene.open("admin/healthcheck/endpoint/import/")
    # As after an afternoon with a spreadsheet: one address is another, one name is new.
    edited = exported.replace("/average-order", "/average-order?days=7").replace("Basket", "Shopping basket")
    file: FilePayload = {"name": "endpoints.csv", "mimeType": "text/csv", "buffer": edited.encode()}
    scene.tab.locator("#id_file").set_input_files(file)
    scene.press("Preview")


def _add_by_url(scene: Scene) -> None:
    scene.open("admin/healthcheck/endpoint/add-by-url/")
    scene.tab.get_by_label("URL").fill(scene.find_address("JSON document"))
    scene.press("Probe it")


SHOTS = (
    Shot("status", _go("")),
    Shot("status-endpoint", lambda scene: scene.open(f"status/status/{scene.find_endpoint('Basket')}/")),
    Shot("status-password", lambda scene: scene.open(f"status/{GATED_SLUG}/")),
    Shot("missing", _go("nowhere/"), complaint="404 (Not Found)"),
    Shot("admin-start", _go("admin/")),
    Shot("admin-groups", _go("admin/healthcheck/endpointgroup/")),
    Shot("admin-group", _go_to_group("change/")),
    Shot("admin-runs", _go_to_group("runs/")),
    Shot("admin-run", lambda scene: scene.open(f"admin/healthcheck/endpointgroup/runs/{scene.find_run('demo-shop')}/")),
    Shot("admin-endpoints", _go("admin/healthcheck/endpoint/")),
    Shot("admin-endpoint", _go_to_endpoint("change/")),
    Shot("admin-history", _go_to_endpoint("history/")),
    Shot("admin-results", _go_to_endpoint("results/")),
    Shot("admin-uptime", _go_to_endpoint("uptime/")),
    Shot("admin-explanation", _go_to_endpoint("latest/")),
    Shot("admin-add-by-url", _add_by_url),
    Shot("admin-edit-many", _edit_many),
    Shot("admin-edit-many-preview", _preview_edit),
    Shot("admin-import-preview", _preview_import),
    Shot("admin-credentials", _go("admin/healthcheck/credential/")),
    Shot("admin-credential", _go("admin/healthcheck/credential/add/?kind=oauth2")),
    Shot("admin-tags", _go("admin/healthcheck/tag/")),
    Shot("admin-locations", _go("admin/healthcheck/location/")),
    Shot("admin-incidents", _go("admin/healthcheck/incident/")),
    Shot("admin-incident", lambda scene: scene.open(f"admin/healthcheck/incident/{find_incident(scene)}/change/")),
    Shot("admin-incident-over", lambda scene: scene.open(f"admin/healthcheck/incident/{find_past(scene)}/change/")),
    Shot("admin-incident-new", _go("admin/healthcheck/incident/add/")),
    Shot("acknowledge", lambda scene: scene.open(scene.acknowledge_path)),
    Shot("admin-channels", _go("admin/healthcheck/notificationchannel/")),
    Shot(
        "admin-channel",
        lambda scene: scene.open(f"admin/healthcheck/notificationchannel/{find_channel(scene)}/change/"),
    ),
    Shot(
        "admin-policy", lambda scene: scene.open(f"admin/healthcheck/notificationpolicy/{find_policy(scene)}/change/")
    ),
    Shot("admin-dependencies", _go("admin/healthcheck/dependency/")),
    Shot("admin-deliveries", _go("admin/healthcheck/delivery/")),
    Shot("admin-delivery", open_newest_delivery),
    Shot("admin-status-pages", _go("admin/healthcheck/statuspage/")),
    Shot("admin-status-page", lambda scene: scene.open(f"admin/healthcheck/statuspage/{scene.find_page()}/change/")),
)
