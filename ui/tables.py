"""Tables that several pages show."""

from collections.abc import Sequence

import streamlit as st

from services.endpoints import Endpoint


def endpoint_table(endpoints: Sequence[Endpoint]) -> None:
    """Name, task, state, what is served and what I may do. A Markdown table: the data grid costs pandas at the first page."""
    if not endpoints:
        st.info("There are no serving endpoints here that you may see.", icon=":material/bedtime:")
        return
    rows = [
        f"| {_cell(e.name)} | {_cell(e.task or 'custom model')} | {e.state} "
        f"| {_cell(', '.join(entity.entity or entity.name for entity in e.served_entities))} | {_cell(e.permission_level)} |"
        for e in endpoints
    ]
    st.markdown("\n".join(["| Endpoint | Task | State | Serves | My permission |", "|---|---|---|---|---|", *rows]))


def _cell(text: str) -> str:
    """Text of others in a table of ours: code, without what would end the cell."""
    clean = " ".join(text.split()).replace("|", "¦").replace("`", "'")
    return f"`{clean}`" if clean else ""
