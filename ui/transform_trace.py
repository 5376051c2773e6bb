"""What a transform did in one call: both sides of both functions, and what they printed."""

import streamlit as st

from services.sandbox import Status
from services.transforms import HookRun, TransformTrace, failure
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.shaped_answer import draw_value
from ui.transforms.diff import draw_difference


def draw_trace(trace: TransformTrace, *, key: str = "trace") -> None:
    """Draw it: what ``transform_input`` was given and gave, and the same of ``transform_output``."""
    st.markdown(f"**{literal(trace.transform.label)}**")
    for note in trace.notes:
        st.caption(f":material/info: {literal(note)}")
    _draw_run(trace.input, "transform_input", "the request", key)
    _draw_run(trace.output, "transform_output", "the reply", key)
    with st.expander("Its source, as it ran"):
        st.code(trace.transform.source, language="python")


def _draw_run(run: HookRun | None, name: str, what: str, key: str) -> None:
    if run is None:
        st.caption(f"{name} did not run: it is not defined, or the call did not come so far.")
        return
    title = f"**{name}** · {run.result.seconds * 1000:.0f} ms"
    if run.result.status is Status.OK:
        draw_difference(run.before, run.after, label=title, key=f"{key}-{name}")
        with st.expander(f"All that {name} gave"):
            draw_value(run.after)
    else:
        st.markdown(title)
        draw_error(failure(run))
        st.caption(f"It was given {what}:")
        draw_value(run.before)
    if run.result.printed:
        st.caption("It printed:")
        with st.container(key=f"{key}-{name}-printed"):
            st.code(run.result.printed, language=None, wrap_lines=True)
    if run.result.printed_lost:
        st.caption(f"{run.result.printed_lost:,} characters more were printed and are not kept.")
