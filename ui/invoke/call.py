"""Send the body once, and watch what comes of it."""

import streamlit as st

from services.endpoints import Endpoint
from services.errors import BadInput, PlaygroundError
from services.invocation import InvocationJob
from services.jobs import Bell
from services.looks import Looks
from services.readiness import Readiness
from services.workspace import Workspace
from ui.connecting import partner
from ui.errors import draw_error
from ui.invocation_reply import draw_progress
from ui.invoke.code import code_button
from ui.invoke.reply import draw_reply
from ui.invoke.sheet import Sheet
from ui.kept_replies import KeptReplies
from ui.session import kept
from ui.tallies import Tallies


def draw_send(sheet: Sheet, of: Workspace, endpoint: Endpoint, known: Readiness) -> None:
    """Draw Send and what is beside it."""
    closed = sheet.shaping.closed
    arguments = (sheet, of, endpoint, known, sheet.sent)
    with st.container(horizontal=True, vertical_alignment="center", key=f"invoke-send-{sheet.number}"):
        # Each button is good for one call: a second click on the same one finds it used.
        st.button(
            "Send",
            key=f"invoke.{sheet.number}.send-{sheet.sent}",
            on_click=_send,
            args=arguments,
            type="primary",
            icon=":material/send:",
            disabled=sheet.running or closed or not known.may_send,
        )
        if sheet.tried and sheet.wrong is None and not sheet.running and sheet.misfits():
            st.button(
                "Send it as it is",
                key=f"invoke.{sheet.number}.anyway-{sheet.sent}",
                on_click=_send,
                args=(*arguments, True),
                disabled=closed or not known.may_send,
                help="The schema may be wrong, or a refusal may be what you want to see.",
            )
        if sheet.steps:
            st.button(
                "Undo the edit",
                key=f"invoke.{sheet.number}.undo",
                on_click=sheet.undo,
                type="tertiary",
                icon=":material/undo:",
            )
        code_button(sheet, endpoint)


def draw_outcome(sheet: Sheet, of: Workspace, endpoint: Endpoint) -> None:
    """What came of the last call, or why there was none."""
    if sheet.error is not None:
        draw_error(sheet.error)
    if sheet.job is None:
        return
    if sheet.error is not None:
        st.caption(":material/history: What is below came of an earlier call.")
    if sheet.running:
        draw_progress(sheet.job, key=f"invoke.{sheet.number}")
        return
    kept(Tallies).note(partner(of), endpoint.name, sheet.job.call)
    draw_reply(sheet.job, key=f"invoke.{sheet.number}")
    if sheet.noted is not sheet.job:
        sheet.noted = sheet.job
        kept(Looks).forget(endpoint.name)  # its answer may have woken it
        st.rerun()


def _send(sheet: Sheet, of: Workspace, endpoint: Endpoint, known: Readiness, number: int, anyway: bool = False) -> None:
    if number != sheet.sent or sheet.running:
        return
    sheet.tried = True
    wrong = sheet.misfits()
    if wrong and not anyway and sheet.wrong is None:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        sheet.error = BadInput(
            f"Nothing was sent: {wrong[0].sentence.rstrip('.')}{more}.",
            "Mend what is marked in the form, or send it as it is.",
        )
        return
    sheet.sent, sheet.job, sheet.error = sheet.sent + 1, None, sheet.wrong
    if sheet.wrong is not None:
        return
    try:
        hooks = sheet.shaping.hooks(sheet.body)
        sheet.job = InvocationJob(of, endpoint.name, sheet.body, Bell(), known=known, hooks=hooks)
        kept(KeptReplies).add(sheet.job)
        sheet.tried = False
    except PlaygroundError as error:
        sheet.error = error
