"""Endpoint: what it serves, how it is doing, who may do what, and what can be changed about it."""

from collections.abc import Callable

import streamlit as st

from services.endpoints import EndpointDetail, why_not_changeable
from services.workspace import Workspace
from ui.address import endpoints_in_address
from ui.banner import banner
from ui.connecting import workspace
from ui.endpoints.change_button import draw_reason
from ui.endpoints.config import endpoint_config
from ui.endpoints.end import endpoint_end
from ui.endpoints.gateway import endpoint_gateway
from ui.endpoints.header import TAB, TEST_CALL, endpoint_header
from ui.endpoints.limits import endpoint_limits
from ui.endpoints.logs import endpoint_logs
from ui.endpoints.metrics import endpoint_metrics
from ui.endpoints.permissions import endpoint_permissions
from ui.endpoints.tags import endpoint_tags
from ui.endpoints.traffic import endpoint_traffic
from ui.endpoints.view import EndpointView
from ui.errors import showing_errors
from ui.foreign_text import literal
from ui.navigation import link_to
from ui.session import remembered
from ui.test_call import test_call

Part = Callable[[Workspace, EndpointView, EndpointDetail], None]


def changing(part: Callable[[Workspace, EndpointView, EndpointDetail, str], None]) -> Part:
    """A part that changes something: says first why this person may not, where that is so."""

    def draw(here: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
        reason = why_not_changeable(detail.endpoint)
        draw_reason(reason)
        part(here, view, detail, reason)

    return draw


PARTS: dict[str, Part] = {
    "Config": endpoint_config,
    TEST_CALL: lambda here, _view, detail: test_call(here, detail),
    "Traffic": endpoint_traffic,
    "Events and logs": endpoint_logs,
    "Metrics": lambda here, view, _detail: endpoint_metrics(here, view),
    "Permissions": changing(endpoint_permissions),
    "Tags": changing(endpoint_tags),
    "AI gateway": changing(endpoint_gateway),
    "Rate limits": changing(endpoint_limits),
    "Stop and delete": changing(endpoint_end),
}


def parts(here: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    for tab, draw in zip(st.tabs(list(PARTS), key=TAB, bind="query-params"), PARTS.values(), strict=True):
        if tab.open:
            with tab, showing_errors():
                draw(here, view, detail)


def page(here: Workspace, name: str) -> None:
    view = remembered(EndpointView)
    view.shows(here, name)
    if done := view.take_done():
        st.success(done, icon=":material/check_circle:")
    detail = view.detail(here)
    endpoint_header(here, view, detail)
    parts(here, view, detail)


name = next(iter(endpoints_in_address()), "")
link_to("endpoints", "All endpoints", icon=":material/arrow_back:")
st.title(literal(name) or "Endpoint")
with showing_errors():
    here = workspace()
    banner(here)
    if name:
        page(here, name)
    else:
        st.info("The address names no endpoint: choose one from the list.", icon=":material/lan:")
