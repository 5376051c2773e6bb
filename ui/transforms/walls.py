"""Whether transforms can run here, and behind what."""

import streamlit as st

from services.sandbox import Layer, SandboxState, sandbox
from ui.foreign_text import literal


def walls() -> SandboxState:
    """Draw why transforms are off, where they are; the state."""
    with st.spinner("Starting the sandbox", show_time=True):
        state = sandbox().state
    if not state.available:
        st.warning(
            f"Transforms cannot run here: {literal(state.reason)} **Next:** they can still be written, saved and exported; "
            "calls without a transform work as ever.",
            icon=":material/block:",
        )
    return state


def draw_walls(state: SandboxState) -> None:
    """Draw the layers, folded away."""
    engine = f"engine: {literal(state.engine)}" if state.engine else "there is none"
    with st.expander(f"The sandbox ({engine})", icon=":material/shield:"):
        st.markdown(
            "Each run is a process of its own, with nothing of Brickyard's in it: no files, no network, no secrets; "
            "2 s, and a limit of memory. Sources are kept as text, and never pickled."
        )
        if state.layers:
            rows = (_row(layer) for layer in state.layers)
            st.markdown("\n".join(("| Layer | | Needed | |", "|---|---|---|---|", *rows)))


def _row(layer: Layer) -> str:
    stands = ":material/check: stands" if layer.active else ":material/close: does not stand"
    needed = "nothing runs without it" if layer.required else "no"
    return f"| {literal(layer.name)} | {stands} | {needed} | {literal(layer.says)} |"
