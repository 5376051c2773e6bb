"""The only place where an error becomes pixels."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from services.errors import PlaygroundError
from ui.foreign_text import literal


@contextlib.contextmanager
def showing_errors() -> Iterator[None]:
    """Draw a PlaygroundError raised within and end the block there. Anything else is a bug, and stays loud."""
    try:
        yield
    except PlaygroundError as error:
        draw_error(error)


def draw_error(error: PlaygroundError) -> None:
    """What happened, whose side it is on, and the next thing to do; the raw reply on request."""
    st.error(
        f"{literal(error.message)}\n\n**Next:** {literal(error.hint)}\n\n*Where: {error.side.value}*",
        icon=":material/warning:",
    )
    if error.raw is not None:
        with st.expander(f"What the server answered (HTTP {error.raw.status})"):
            st.code(error.raw.body or "(an empty body)", language=None, wrap_lines=True)
