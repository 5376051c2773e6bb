"""What a transform did in one call: both sides of both functions, and what they printed."""

import streamlit as st

from services.sandbox import Hook, Status
from services.transforms import TransformTrace
from ui.foreign_text import literal
from ui.shaped_answer import draw_value
from ui.transforms.diff import draw_difference
from ui.transforms.dry_run import draw_hook_run


def draw_trace(trace: TransformTrace, *, key: str = "trace") -> None:
    """Draw it: what ``transform_input`` was given and gave, and the same of ``transform_output``."""
    st.markdown(f"**{literal(trace.transform.label)}**")
    for note in trace.notes:
        st.caption(f":material/info: {literal(note)}")
    _draw_run(trace, Hook.INPUT, "request", key)
    _draw_run(trace, Hook.OUTPUT, "reply", key)
    with st.expander("Its source, as it ran"):
        st.code(trace.transform.source, language="python")


def _draw_run(trace: TransformTrace, hook: Hook, what: str, key: str) -> None:
    run, name = trace.input if hook is Hook.INPUT else trace.output, hook.value
    if run is None:
        missing = f"the source does not define it, and the {what} stayed as it was"
        st.caption(f"{name} did not run: {missing if hook in trace.missing else 'the call did not come so far'}.")
        return
    st.markdown(f"**{name}**")
    with st.container(key=f"{key}-{name}-run"):
        draw_hook_run(run)
    if run.result.status is Status.OK:
        draw_difference(run.before, run.after, label="Before and after", key=f"{key}-{name}", of=run)
        with st.expander(f"All that {name} gave"):
            draw_value(run.after)
    else:
        st.caption(f"It was given the {what}:")
        draw_value(run.before)
