"""The one call that follows a deployment: whether the endpoint answers."""

import streamlit as st

from services.deployments import Trial, TrialStep
from services.invocation import InvocationJob
from services.jobs import Outcome
from services.workspace import Workspace
from ui.connecting import partner
from ui.errors import draw_error
from ui.foreign_text import code
from ui.readiness import draw_waiting
from ui.session import kept
from ui.tallies import Tallies

LONGEST_LOG = 20_000
LONGEST_ANSWER = 2_000
"""Characters that are drawn."""


def draw_trial(workspace: Workspace, endpoint: str, trial: Trial) -> None:
    """Draw the call that follows a deployment, as far as it is."""
    st.markdown("**One test call**")
    job = trial.job
    match trial.step:
        case TrialStep.UNKNOWN:
            st.info(
                "No test call was made: the model has no signature, so nothing says how it wants to be asked. "
                "“Open it” has a place for a body of your own.",
                icon=":material/help:",
            )
        case TrialStep.STOPPED if job is None:
            st.caption("It was not made: the watching was ended before.")
        case TrialStep.REFUSED if trial.error is not None:
            draw_error(trial.error)
    if job is None:
        return
    job.watched()
    if job.running:
        draw_waiting(st.empty(), job.waiting)
        st.button("Stop the call", key="deployment-stop-call", on_click=trial.stop, icon=":material/stop_circle:")
    else:
        kept(Tallies).note(partner(workspace), endpoint, job.call)
        _draw_answer(trial, job)
    with st.expander("What was sent and what came back", icon=":material/swap_vert:", key="deployment-call"):
        st.code(trial.body_text, language="json", wrap_lines=True)
        if job.reply.text:
            st.code(job.reply.text[:LONGEST_LOG], language="json", wrap_lines=True, height=240)


def _draw_answer(trial: Trial, job: InvocationJob) -> None:
    if job.reply.error is not None:
        draw_error(job.reply.error)
        return
    served = f", by {code(job.served_by)}" if job.served_by else ""
    took = job.call.record.finished_after
    if job.reply.outcome is Outcome.STOPPED:
        st.caption("It was stopped.")
        return
    st.caption(f"It answered{f' after {seconds(took)}' if took is not None else ''}{served}:")
    st.code(trial.answer[:LONGEST_ANSWER] or "(see below)", language=None, wrap_lines=True)


def seconds(duration: float) -> str:
    """A duration for people."""
    if duration < 10:
        return f"{duration:.1f} s"
    minutes, rest = divmod(int(duration), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
