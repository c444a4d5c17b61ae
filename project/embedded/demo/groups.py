"""What the demo shows, as data. Every path is served by `targets.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoEndpoint:
    name: str
    path: str
    assertions: tuple[str, ...]
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class DemoGroup:
    slug: str
    name: str
    interval_seconds: int
    deadline_seconds: float
    endpoints: tuple[DemoEndpoint, ...]


GROUPS = (
    DemoGroup(
        "demo-slow-trio",
        "Slow trio",
        20,
        10.0,
        (
            DemoEndpoint("Answers after 1 s", "/slow/1", ("status 200",)),
            DemoEndpoint("Answers after 2 s", "/slow/2", ("status 200",)),
            DemoEndpoint("Answers after 3 s", "/slow/3", ("status 200",)),
        ),
    ),
    DemoGroup(
        "demo-shop",
        "Shop with a fault",
        10,
        5.0,
        (
            DemoEndpoint("Catalogue", "/catalogue", ("status 200", 'body contains "teapot"')),
            DemoEndpoint("Average order", "/average-order", ("status 200", 'body not contains "Error"')),
            DemoEndpoint("Basket", "/basket", ("status 200", 'json $.status == "ok"')),
        ),
    ),
    DemoGroup(
        "demo-private-authority",
        "Private authority",
        10,
        5.0,
        (DemoEndpoint("TLS with its own authority", "/basket", ("status 200", "certificate > 14 days"), is_tls=True),),
    ),
    DemoGroup(
        "demo-flapping",
        "Flapping",
        # So often that a start, however late in the slots of the others, shows a fresh result within seconds.
        5,
        4.0,
        (DemoEndpoint("Up and down by the minute", "/flapping", ("status 200",)),),
    ),
    DemoGroup(
        "demo-everyday",
        "Everyday checks",
        15,
        5.0,
        (
            DemoEndpoint("Page with a keyword", "/catalogue", ("status 200-299", 'body contains "teapot"')),
            DemoEndpoint("JSON document", "/basket", ('json $.items[0].name == "cup"', "status 200")),
            DemoEndpoint("Redirect to a page", "/old-catalogue", ("status 200",)),
            DemoEndpoint("Slower than it should be", "/slow/0.5", ("status 200", "latency < 300ms degraded")),
        ),
    ),
)
