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


SHOTS = (
    Shot("status", _go("")),
    Shot("admin-start", _go("admin/")),
    Shot("admin-groups", _go("admin/healthcheck/endpointgroup/")),
    Shot("admin-group", _go_to_group("change/")),
    Shot("admin-runs", _go_to_group("runs/")),
    Shot("admin-endpoints", _go("admin/healthcheck/endpoint/")),
    Shot("admin-endpoint", _go_to_endpoint("change/")),
    Shot("admin-results", _go_to_endpoint("results/")),
    Shot("admin-status-pages", _go("admin/healthcheck/statuspage/")),
)
