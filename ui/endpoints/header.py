"""The head of the endpoint page: what it is, how it is doing, and where to go from here."""

from typing import Literal

import streamlit as st

from services.endpoints import EndpointDetail, why_not_servable
from services.workspace import Workspace
from ui.clock import clock, day_and_clock
from ui.endpoint_setup.stages import deployment_stages, watch
from ui.endpoints.end import start_button
from ui.endpoints.rows import served_text, state_badge
from ui.endpoints.view import EndpointView
from ui.foreign_text import code, literal
from ui.navigation import go_to
from ui.session import new_conversation, reseed

TAB = "tab"
"""The key of the page's tabs, and their name in its address."""
TEST_CALL = "Test call"


def endpoint_header(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    """Draw it."""
    endpoint = detail.endpoint
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="endpoint-state"):
        badge = ":gray-badge[:material/stop_circle: Stopped]" if detail.stopped else state_badge(endpoint)
        st.markdown(badge, width="content")
        if detail.scaled_to_zero:
            st.badge("Scaled to zero", icon=":material/bedtime:", color="gray")
        st.badge(literal(endpoint.task or "custom model"), color="gray")
        st.caption(f"As of {clock(view.asked_at())}", width="content")
        st.button("Refresh", key="endpoint-refresh", on_click=view.refresh, icon=":material/refresh:", type="tertiary")
    if endpoint.description:
        st.markdown(literal(endpoint.description))
    st.caption(" · ".join(part for part in _facts(detail) if part))
    if endpoint.updating:
        watch(of, detail)
    if not deployment_stages(of, endpoint.name) and endpoint.update_failed:
        entities = detail.pending.entities if detail.pending else ()
        said = "".join(f" {code(one.name)}: {literal(one.message)}" for one in entities if one.message)
        st.warning(f"Its last update failed.{said} **Next:** read Events and logs.", icon=":material/error:")
    _ways_on(of, view, detail)


def _facts(detail: EndpointDetail) -> list[str]:
    endpoint = detail.endpoint
    return [
        f"serves {served_text(endpoint)}",
        f"created by {code(endpoint.creator)}" if endpoint.creator else "",
        f"last changed {day_and_clock(endpoint.updated_ms)}" if endpoint.updated_ms else "",
        f"you have {literal(endpoint.permission_level)}" if endpoint.permission_level else "",
    ]


def _ways_on(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    endpoint, reason = detail.endpoint, why_not_servable(detail.endpoint)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="endpoint-tools"):
        if detail.stopped:
            start_button(of, view, key="endpoint-start-now", disabled=bool(reason))
        opens = None if endpoint.chats else _open_test_call
        kind: Literal["primary", "secondary"] = "secondary" if detail.stopped else "primary"
        tried = st.button("Try it", key="endpoint-try", type=kind, icon=":material/play_arrow:", on_click=opens)
        if tried and endpoint.chats:
            new_conversation()
            go_to("chat", endpoint=endpoint.name)
        if endpoint.embeds and st.button("Embed texts", key="endpoint-embed", icon=":material/scatter_plot:"):
            go_to("embeddings", endpoint=endpoint.name)
        if st.button("Invoke", key="endpoint-invoke", icon=":material/send:", help="With a form, or any JSON"):
            go_to("invoke", endpoint=endpoint.name)
        if st.button("Change what it serves", key="endpoint-change", icon=":material/edit:", disabled=bool(reason)):
            go_to("endpoint_setup", endpoint=endpoint.name)
    if reason:
        st.caption(f":material/lock: {literal(reason)}")


def _open_test_call() -> None:
    reseed(TAB, TEST_CALL)
