"""What came back: its predictions, what the transform made of them, and always the reply as it came."""

from typing import Any

import streamlit as st

from services.invocation import InvocationJob, Predictions, predictions_in, text_in_events
from ui.invocation_reply import draw_ending, draw_inspect, draw_raw, draw_shaping

SHOWN_TEXTS = 20
"""Texts that are drawn one by one; more are drawn as a table."""
SCROLLED = 2_000
"""Characters of a text that is drawn as high as it is."""


def draw_reply(job: InvocationJob, *, key: str) -> None:
    """Draw all of it."""
    draw_ending(job)
    if job.call.record.forgotten:
        draw_raw(job, key=key)  # says so
        return
    draw_shaping(job, key=key)
    found = _predictions(job)
    if found is not None:
        with st.container(key=f"{key.replace('.', '-')}-predictions"):
            _draw_predictions(found)
    if job.reply.text:
        with st.expander("The reply as it came", key=f"{key}.raw", expanded=found is None):
            draw_raw(job, key=key)
    draw_inspect(job, key=key)


def _predictions(job: InvocationJob) -> Predictions | None:
    if job.reply.body is not None:
        return predictions_in(job.reply.body)
    text = text_in_events(tuple(job.reply.events))
    return Predictions((text,), count=1) if text else None


def _draw_predictions(found: Predictions) -> None:
    if found.note:
        st.caption(found.note)
    if found.columns:
        _draw_table(found.columns, found.rows)
    elif len(found.texts) > SHOWN_TEXTS:
        _draw_table(("row", "prediction"), tuple(enumerate(found.texts, 1)))
    else:
        for place, text in enumerate(found.texts, 1):
            if len(found.texts) > 1:
                st.caption(f"{place} of {found.count}")
            tall = len(text) > SCROLLED
            st.code(text or "(an empty text)", language=None, wrap_lines=True, height=420 if tall else "content")
    shown = len(found.rows) or len(found.texts)
    if found.count > shown:
        st.caption(f"The first {shown:,} of {found.count:,}; the reply as it came has all.")


def _draw_table(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
    import pandas as pd

    frame = pd.DataFrame([[_cell(one) for one in row] for row in rows])
    # By place: names of others may be there twice.
    st.dataframe(
        frame,
        hide_index=True,
        column_config={str(place): st.column_config.Column(name) for place, name in enumerate(columns)},
        height="content" if len(rows) <= 12 else 460,
    )


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, int) and abs(value) >= 2**53 else value
