"""Lists that several pages show."""

from collections.abc import Sequence

import streamlit as st

from services.endpoints import Endpoint

MOST = 50


def endpoint_list(endpoints: Sequence[Endpoint]) -> None:
    """Name, task, state, what is served and what I may do. A Markdown list: it wraps on a phone, and costs no data grid."""
    if not endpoints:
        st.info("There are no serving endpoints here that you may see.", icon=":material/bedtime:")
        return
    st.markdown("\n".join(f"- {_line(endpoint)}" for endpoint in endpoints[:MOST]))
    if len(endpoints) > MOST:
        st.caption(f"The first {MOST} of {len(endpoints)}; the chat page's list has every chat endpoint.")


def _line(endpoint: Endpoint) -> str:
    served = ", ".join(_code(entity.entity or entity.name) for entity in endpoint.served_entities)
    parts = [
        f"**{_code(endpoint.name)}**",
        endpoint.state,
        _code(endpoint.task) or "custom model",
        f"serves {served}" if served else "serves nothing yet",
        _code(endpoint.permission_level),
    ]
    return " · ".join(part for part in parts if part)


def _code(text: str) -> str:
    """Text of others in Markdown of ours: as code, without what would end it."""
    clean = " ".join(text.split()).replace("`", "'")
    return f"`{clean}`" if clean else ""
