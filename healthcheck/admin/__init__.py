"""The operator's window: ModelAdmins by family on the stock admin, and histories in views of our own."""

from healthcheck.admin.corrections import CorrectionAdmin
from healthcheck.admin.credentials import CredentialAdmin
from healthcheck.admin.deploys import DeployHookAdmin
from healthcheck.admin.endpoints import EndpointAdmin
from healthcheck.admin.groups import EndpointGroupAdmin
from healthcheck.admin.locations import LocationAdmin
from healthcheck.admin.maintenance import MaintenanceWindowAdmin
from healthcheck.admin.pages import StatusPageAdmin
from healthcheck.admin.tags import TagAdmin
from healthcheck.admin.tell.channels import NotificationChannelAdmin
from healthcheck.admin.tell.deliveries import DeliveryAdmin
from healthcheck.admin.tell.dependencies import DependencyAdmin
from healthcheck.admin.tell.incidents import IncidentAdmin
from healthcheck.admin.tell.policies import NotificationPolicyAdmin
from healthcheck.admin.tell.templates import UpdateTemplateAdmin

__all__ = [
    "CorrectionAdmin",
    "CredentialAdmin",
    "DeliveryAdmin",
    "DependencyAdmin",
    "DeployHookAdmin",
    "EndpointAdmin",
    "EndpointGroupAdmin",
    "IncidentAdmin",
    "LocationAdmin",
    "MaintenanceWindowAdmin",
    "NotificationChannelAdmin",
    "NotificationPolicyAdmin",
    "StatusPageAdmin",
    "TagAdmin",
    "UpdateTemplateAdmin",
]
