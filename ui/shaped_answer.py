"""What a transform made of a reply, below the reply itself: all of it is foreign text."""

import json
from typing import Any

import streamlit as st

from services.jobs import Job
from ui.errors import draw_error
from ui.foreign_text import literal

SHOWN = 60_000
"""Characters that are drawn."""
SCROLLED = 1_500
"""Characters of a value that is drawn as high as it is."""


def draw_shaped(job: Job[Any], *, key: str, notes: bool = True) -> None:
    """Which transform was at work, and what its ``transform_output`` gave; nothing where there was none.

    *notes*: those of the trace too, where that is not drawn beside it.
    """
    if job.hooks is None:
        return
    name = literal(job.hooks.trace.transform.label)
    reply = job.reply
    if reply.shaped:
        st.markdown(f"**After transform_output** ({name})")
        with st.container(key=f"{key}-shaped"):
            draw_value(reply.shaped_value)
    elif reply.shaping_error is not None:
        draw_error(reply.shaping_error)
    if not reply.shaped:
        st.caption(f":material/function: Transform: {name}")
    for note in job.hooks.trace.notes if notes else ():
        st.caption(f":material/info: {literal(note)}")


def draw_value(value: Any) -> None:
    """A JSON value: a text as it is, anything else indented."""
    text, language = _as_text(value)
    st.code(text[:SHOWN], language=language, wrap_lines=True, height=420 if len(text) > SCROLLED else "content")
    if len(text) > SHOWN:
        st.caption(f"The first {SHOWN:,} characters.")


def _as_text(value: Any) -> tuple[str, str | None]:
    """The beginning of a JSON value as text, at least what is drawn of it, and its language for the highlighter."""
    if isinstance(value, str):
        return value[: SHOWN + 1].encode("utf-8", errors="replace").decode() or "(an empty text)", None
    parts: list[str] = []
    length = 0
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        parts.append(part)
        length += len(part)
        if length > SHOWN:  # a value of megabytes is drawn at each rerun
            break
    # Half a character, which a reply may hold, would end the session.
    return "".join(parts).encode("utf-8", errors="replace").decode(), "json"
