"""The driver proxy: HTTP apps on a cluster's driver, called through the workspace, or directly from the driver itself."""

from services.driver_proxy.call import DriverCallJob
from services.driver_proxy.direct import can_call_directly, is_this_machine
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
    problems_of,
    url_of,
)

__all__ = [
    "METHODS",
    "PORTS",
    "USUAL_PORT",
    "DriverCallJob",
    "DriverReply",
    "SavedTargets",
    "Target",
    "Via",
    "can_call_directly",
    "cautions",
    "check_target",
    "is_this_machine",
    "problems_of",
    "saved_targets",
    "url_of",
]
