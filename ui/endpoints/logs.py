"""What happened to an endpoint, and what its models wrote."""

import streamlit as st

from services.endpoints import EndpointDetail, Event, get_build_logs, get_logs, list_events
from services.workspace import Workspace
from ui.clock import day_and_clock
from ui.endpoints.view import EndpointView
from ui.errors import showing_errors
from ui.foreign_text import code, literal

SHOWN = 100
LONGEST = 60_000
"""Characters that are drawn."""
_KINDS = {"Service log": get_logs, "Build log": get_build_logs}


def endpoint_logs(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    """Draw events and logs."""
    st.header("Events")
    with showing_errors():
        _draw_events(view.answer("events", "Asking for its events", lambda: list_events(of, view.name)))
    st.header("Logs")
    with showing_errors():
        _draw_log(of, view, detail)


def _draw_events(events: list[Event]) -> None:
    if not events:
        st.caption("Nothing has happened to it yet.")
    lines = []
    for event in events[:SHOWN]:
        about = [code(event.entity), f"config version {event.version}" if event.version else ""]
        lines.append(" · ".join(part for part in [day_and_clock(event.at_ms), *about, literal(event.message)] if part))
    st.markdown("\n".join(f"- {line}" for line in lines))
    if len(events) > SHOWN:
        st.caption(f"The newest {SHOWN} of {len(events)}.")


def _draw_log(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    configs = [config for config in (detail.config, detail.pending) if config]
    names = list(dict.fromkeys(entity.name for config in configs for entity in config.entities))
    if not names:
        st.caption("It serves nothing that could write a log.")
        return
    with st.container(horizontal=True, vertical_alignment="top"):
        name = st.selectbox("Served entity", names, key=f"endpoint.log.{view.saved}", width=320) or names[0]
        kind = st.segmented_control("Log", list(_KINDS), default="Service log", key="endpoint.log-kind", required=True)
    ask = _KINDS[kind or "Service log"]
    text = view.answer(f"{kind} {name}", f"Asking for the log of {literal(name)}", lambda: ask(of, view.name, name))
    if text:
        if len(text) > LONGEST:
            st.caption(f"The last {LONGEST:,} of {len(text):,} characters; the download has all.")
        st.code(text[-LONGEST:], language=None, height=420)
        st.download_button("Download", text, f"{name}.log", "text/plain", key="endpoint-log-save", on_click="ignore")
    else:
        st.caption("It is empty.")
