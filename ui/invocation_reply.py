"""One invocation on a page: its wait, its figures, and its raw reply, which can always be read."""

from typing import Any

import streamlit as st

from services.invocation import text_in_events
from services.jobs import Job, Outcome
from ui.errors import draw_error
from ui.exchange_dialog import inspector_dialog
from ui.foreign_text import code
from ui.readiness import draw_waiting
from ui.shaped_answer import draw_shaped
from ui.transform_trace import draw_trace

LOOK_SECONDS = 0.4
SHOWN = 60_000
"""Characters of a reply that are drawn; the download has all."""
FORGOTTEN = "This reply is no longer kept: newer ones needed the memory. Send again for another."
SCROLLED = 1_500
"""Characters of a reply that is drawn as high as it is."""


def draw_progress(job: Job[Any], *, key: str) -> None:
    """What it waits for and what has come of a stream, looked at again until it is over."""
    st.fragment(_progress, run_every=LOOK_SECONDS)(job, key)


def _progress(job: Job[Any], key: str) -> None:
    job.watched()
    if not job.running:
        st.rerun()
    draw_waiting(st.empty(), job.waiting)
    if job.reply.events:
        st.caption(f"{len(job.reply.events)} events have come")
        if text := text_in_events(tuple(job.reply.events)):
            st.code(text[-SHOWN:], language=None, wrap_lines=True, height=420 if len(text) > SCROLLED else "content")
    st.button(
        "Stop", key=f"{key}.stop", on_click=job.stop, icon=":material/stop_circle:", help="End the request itself"
    )


def draw_ending(job: Job[Any], *more: str) -> None:
    """How it ended, where that was not well, and its figures; *more* of them, as Markdown."""
    if job.reply.error is not None:
        draw_error(job.reply.error)
    if job.reply.ended_because:
        st.warning(job.reply.ended_because, icon=":material/warning:")
    st.caption(" · ".join(part for part in (figures(job), *more) if part))


def draw_shaping(job: Job[Any], *, key: str) -> None:
    """What the transform made of the reply, and both sides of it; nothing without one."""
    place = key.replace(".", "-")
    draw_shaped(job, key=place)
    trace = job.call.record.trace
    if trace is not None and st.toggle(
        "Before and after", key=f"{key}.trace", help="What the transform did to both sides"
    ):
        with st.container(border=True):
            draw_trace(trace, key=f"{place}-trace")


def draw_raw(job: Job[Any], *, key: str, language: str | None = "json") -> None:
    """The reply as it came, as code: a web page of somebody's is never drawn as one."""
    if job.call.record.forgotten:
        st.caption(f":material/history: {FORGOTTEN}")
        return
    text = job.reply.text
    if text:
        with st.container(key=f"{key.replace('.', '-')}-reply"):
            st.code(text[:SHOWN], language=language, wrap_lines=True, height=420 if len(text) > SCROLLED else "content")
    if len(text) > SHOWN or job.reply.left_out:
        left = f" and {job.reply.left_out:,} events more" if job.reply.left_out else ""
        st.caption(f"The first {min(SHOWN, len(text)):,} of {len(text):,} characters{left}; Inspect has it as it came.")


def draw_inspect(job: Job[Any], *, key: str) -> None:
    """The button that opens the exchange."""
    if st.button("Inspect", key=f"{key}.inspect", icon=":material/search:", type="tertiary"):
        inspector_dialog(job.call.record)


def figures(job: Job[Any]) -> str:
    """What was measured, on one line of Markdown."""
    record = job.call.record
    parts = ["stopped: the request itself was ended"] if job.reply.outcome is Outcome.STOPPED else []
    if record.status is not None:
        parts.append(f"HTTP {record.status}")
    if record.finished_after is not None and record.sent_at is not None:
        parts.append(f"{record.finished_after:.2f} s")
    if job.reply.events:
        parts.append(f"{len(job.reply.events) + job.reply.left_out:,} events")
    if job.served_by:
        parts.append(f"answered by {code(job.served_by)}")
    return " · ".join(parts)
