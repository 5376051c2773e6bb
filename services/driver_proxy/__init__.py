"""The driver proxy: HTTP apps on a cluster's driver, called through the workspace, or directly from the driver itself."""

from services.driver_proxy.call import DriverCallJob
from services.driver_proxy.direct import is_this_machine, why_not_directly
from services.driver_proxy.health import Health, HealthKind, get_health
from services.driver_proxy.question import MORE, any_json, headers_of, question
from services.driver_proxy.reply import DriverReply
from services.driver_proxy.saved_targets import SavedTargets, saved_targets
from services.driver_proxy.target import (
    METHODS,
    PORTS,
    USUAL_PORT,
    Target,
    Via,
    cautions,
    check_target,
    is_private,
    problems_of,
    url_of,
)

__all__ = [
    "METHODS",
    "MORE",
    "PORTS",
    "USUAL_PORT",
    "DriverCallJob",
    "DriverReply",
    "Health",
    "HealthKind",
    "SavedTargets",
    "Target",
    "Via",
    "any_json",
    "cautions",
    "check_target",
    "get_health",
    "headers_of",
    "is_private",
    "is_this_machine",
    "problems_of",
    "question",
    "saved_targets",
    "url_of",
    "why_not_directly",
]
