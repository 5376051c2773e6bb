"""Serving endpoints: what there is to call, how each one is doing, and changes of what is there.

Creating one, and what it serves, is in ``services.endpoint_setup``.
"""

from services.endpoints.change import Change, ChangeKind, send_change
from services.endpoints.changing import (
    ai_gateway_change,
    ai_gateway_of,
    delete_change,
    rate_limits_change,
    rate_limits_of,
    start_change,
    stop_change,
    tags_change,
    tags_of,
    why_not_changeable,
    why_not_servable,
)
from services.endpoints.comparing import Difference, config_differences, differences
from services.endpoints.metrics import Metrics, Sample, metrics_from_text
from services.endpoints.observing import Event, get_build_logs, get_logs, get_metrics, list_events
from services.endpoints.permissions import LEVELS, PRINCIPALS, Grant, grant_change, list_grants, revoke_change
from services.endpoints.reading import endpoint_path, get_endpoint, get_endpoint_detail, list_endpoints
from services.endpoints.records import CHAT_TASKS, Config, Endpoint, EndpointDetail, Route, ServedEntity
from services.endpoints.tally import Share, shares, verdict

__all__ = [
    "CHAT_TASKS",
    "LEVELS",
    "PRINCIPALS",
    "Change",
    "ChangeKind",
    "Config",
    "Difference",
    "Endpoint",
    "EndpointDetail",
    "Event",
    "Grant",
    "Metrics",
    "Route",
    "Sample",
    "ServedEntity",
    "Share",
    "ai_gateway_change",
    "ai_gateway_of",
    "config_differences",
    "delete_change",
    "differences",
    "endpoint_path",
    "get_build_logs",
    "get_endpoint",
    "get_endpoint_detail",
    "get_logs",
    "get_metrics",
    "grant_change",
    "list_endpoints",
    "list_events",
    "list_grants",
    "metrics_from_text",
    "rate_limits_change",
    "rate_limits_of",
    "revoke_change",
    "send_change",
    "shares",
    "start_change",
    "stop_change",
    "tags_change",
    "tags_of",
    "verdict",
    "why_not_changeable",
    "why_not_servable",
]
