"""Serving endpoints: what there is to call, how each one is doing, and changes of what is there.

Creating one, and what it serves, is in ``services.endpoint_setup``.
"""

from services.endpoints.reading import endpoint_path, get_endpoint, get_endpoint_detail, list_endpoints
from services.endpoints.records import CHAT_TASKS, Config, Endpoint, EndpointDetail, Route, ServedEntity

__all__ = [
    "CHAT_TASKS",
    "Config",
    "Endpoint",
    "EndpointDetail",
    "Route",
    "ServedEntity",
    "endpoint_path",
    "get_endpoint",
    "get_endpoint_detail",
    "list_endpoints",
]
