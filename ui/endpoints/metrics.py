"""How busy an endpoint is."""

import streamlit as st

from services.endpoints import Sample, get_metrics
from services.workspace import Workspace
from ui.endpoints.view import EndpointView
from ui.foreign_text import code, literal
from ui.session import seed

SHOWN = 100
LONGEST = 60_000
"""Characters that are drawn."""


def endpoint_metrics(of: Workspace, view: EndpointView) -> None:
    """Draw its metrics as a table with a search, and as they came. Raises PlaygroundError."""
    metrics = view.answer("metrics", "Asking for its metrics", lambda: get_metrics(of, view.name))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key=seed("endpoint.metrics", ""), type="search", live=True, width=320) or ""
        buckets = st.toggle("Histograms' buckets", key="endpoint.metrics.buckets")
    samples = [one for one in metrics.samples if buckets or not one.name.endswith("_bucket")]
    found = [one for one in samples if _has(one, words.lower().split())]
    if not metrics.samples:
        st.info("It reports no metrics now.", icon=":material/bedtime:")
    elif not found:
        st.info("No metric fits the search.", icon=":material/search_off:")
    else:
        st.markdown(_table(found[:SHOWN]))
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(found)}: search for the others.")
    if metrics.unreadable:
        st.warning(f"{metrics.unreadable} lines could not be read; they are below.", icon=":material/warning:")
    with st.expander("As it came", icon=":material/notes:"):
        st.code(metrics.text[:LONGEST] or "(nothing)", language=None, height=420)
        if len(metrics.text) > LONGEST:
            st.caption(f"The first {LONGEST:,} of {len(metrics.text):,} characters.")


def _table(samples: list[Sample]) -> str:
    # Two columns: more of them do not fit on a phone.
    rows = [f"| {one.value:g} | {_cell(one.name)} {_labels(one)} {literal(one.help)} |" for one in samples]
    return "\n".join(["| Value | Metric |", "|---:|---|", *rows])


def _labels(sample: Sample) -> str:
    # Every row is of this endpoint.
    return " ".join(_cell(f"{name}={text}") for name, text in sample.labels.items() if name != "endpoint_name" and text)


def _cell(text: str) -> str:
    return code(text).replace("|", "\\|")


def _has(sample: Sample, words: list[str]) -> bool:
    text = f"{sample.name} {' '.join(sample.labels.values())} {sample.help}".lower()
    return all(word in text for word in words)
