"""Endpoints as rows: each a link to its page, with its state, what it serves and what one may do."""

from collections.abc import Sequence

import streamlit as st

from services.endpoints import Endpoint
from ui.foreign_text import code, literal
from ui.navigation import link_to

SERVED = 4
"""What a row names of many served entities."""


def state_badge(endpoint: Endpoint) -> str:
    """Its state in the platform's words, as Markdown, with a colour and an icon that say the same."""
    if endpoint.updating:
        icon, color = "sync", "blue"
    elif endpoint.update_failed:
        icon, color = "error", "orange" if endpoint.ready else "red"
    else:
        icon, color = ("check", "green") if endpoint.ready else ("bedtime", "gray")
    return f":{color}-badge[:material/{icon}: {endpoint.state}]"


def endpoint_rows(endpoints: Sequence[Endpoint], *, key: str) -> None:
    """Draw a row for each. Two elements a row, no more: a page of them is drawn anew at each letter of a search."""
    for place, endpoint in enumerate(endpoints):
        with st.container(border=True, gap=None, key=f"{key}-{place}"):
            name = f"**{literal(endpoint.name) or 'without a name'}**"
            link_to("endpoint", f"{name} &nbsp; {state_badge(endpoint)}", endpoint=endpoint.name)
            st.caption(f"&ensp;{_about(endpoint)}")  # as wide as what a link has before its icon


def served_text(endpoint: Endpoint) -> str:
    """What it serves, in Markdown, with each one's share of the traffic where it is known."""
    share = {route.entity: f" {route.percentage} %" for route in endpoint.routes} if len(endpoint.routes) > 1 else {}
    one = len(endpoint.served_entities) == 1
    served = [
        (literal(entity.entity or entity.name) if one else f"{literal(entity.name)} {literal(f'({entity.entity})')}")
        + share.get(entity.name, "")
        for entity in endpoint.served_entities[:SERVED]
    ]
    more = len(endpoint.served_entities) - SERVED
    return ", ".join(served) + (f" and {more} more" if more > 0 else "") if served else "nothing yet"


def _about(endpoint: Endpoint) -> str:
    parts = [
        literal(endpoint.task) or "custom model",
        f"serves {served_text(endpoint)}",
        f"by {code(endpoint.creator)}" if endpoint.creator else "",
        literal(endpoint.permission_level),
    ]
    return " · ".join(part for part in parts if part)
