"""What is remembered: one family of tables per file. People's and machines' columns share no row but the clock's."""

from healthcheck.models.endpoint import Assertion, Endpoint
from healthcheck.models.group import EndpointGroup
from healthcheck.models.location import Location
from healthcheck.models.page import StatusPage
from healthcheck.models.result import CheckResult, Evidence
from healthcheck.models.run import CheckRun, Reason, RunStatus, Trigger
from healthcheck.models.state import EndpointState, Transition
from healthcheck.models.tick import Tick

__all__ = [
    "Assertion",
    "CheckResult",
    "CheckRun",
    "Endpoint",
    "EndpointGroup",
    "EndpointState",
    "Evidence",
    "Location",
    "Reason",
    "RunStatus",
    "StatusPage",
    "Tick",
    "Transition",
    "Trigger",
]
