"""What is remembered: one family of tables per file. People's and machines' columns share no row but the clock's."""

from healthcheck.models.channel import ChannelState, NotificationChannel
from healthcheck.models.correction import Correction, CorrectionEffect
from healthcheck.models.credential import Credential, CredentialKind
from healthcheck.models.dependency import Dependency
from healthcheck.models.deploy import DeployCall, DeployHook, DeployWindow
from healthcheck.models.endpoint import Assertion, Endpoint
from healthcheck.models.group import EndpointGroup
from healthcheck.models.heartbeat import Heartbeat, HeartbeatToken, Signal, SignalKind
from healthcheck.models.import_file import ImportFile
from healthcheck.models.incident import Incident, IncidentMember, IncidentUpdate, IncidentUpdateKind
from healthcheck.models.location import Location
from healthcheck.models.maintenance import MaintenanceSpan, MaintenanceWindow, WindowClock
from healthcheck.models.member import EndpointMember
from healthcheck.models.notification import Delivery, DeliveryStatus, Notification, NotificationStatus
from healthcheck.models.page import PageItem, PageSection, StatusPage
from healthcheck.models.policy import NotificationPolicy, PolicyStep
from healthcheck.models.result import CheckResult, Evidence
from healthcheck.models.rollup import Resolution, Rollup, RollupMark, RollupProgress
from healthcheck.models.run import CheckRun, Reason, RunStatus, Trigger
from healthcheck.models.state import EndpointState, Transition
from healthcheck.models.tag import Tag
from healthcheck.models.tick import SIGNED_OFF, Tick, WorkerPulse
from healthcheck.models.trouble import Trouble
from healthcheck.models.update_template import UpdateTemplate
from healthcheck.models.uptime_strip import STRIP_SIZES, UptimeStrip
from healthcheck.models.version import Version, VersionAction

__all__ = [
    "SIGNED_OFF",
    "STRIP_SIZES",
    "Assertion",
    "ChannelState",
    "CheckResult",
    "CheckRun",
    "Correction",
    "CorrectionEffect",
    "Credential",
    "CredentialKind",
    "Delivery",
    "DeliveryStatus",
    "Dependency",
    "DeployCall",
    "DeployHook",
    "DeployWindow",
    "Endpoint",
    "EndpointGroup",
    "EndpointMember",
    "EndpointState",
    "Evidence",
    "Heartbeat",
    "HeartbeatToken",
    "ImportFile",
    "Incident",
    "IncidentMember",
    "IncidentUpdate",
    "IncidentUpdateKind",
    "Location",
    "MaintenanceSpan",
    "MaintenanceWindow",
    "Notification",
    "NotificationChannel",
    "NotificationPolicy",
    "NotificationStatus",
    "PageItem",
    "PageSection",
    "PolicyStep",
    "Reason",
    "Resolution",
    "Rollup",
    "RollupMark",
    "RollupProgress",
    "RunStatus",
    "Signal",
    "SignalKind",
    "StatusPage",
    "Tag",
    "Tick",
    "Transition",
    "Trigger",
    "Trouble",
    "UpdateTemplate",
    "UptimeStrip",
    "Version",
    "VersionAction",
    "WindowClock",
    "WorkerPulse",
]
