"""One real call through a draft: sent once, watched, and shown with both sides before and after."""

from typing import Any

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.invocation import InvocationJob
from services.jobs import Bell, Outcome
from services.looks import Looks
from services.readiness import Readiness
from services.sandbox import Hook, Status, sandbox
from services.transforms import HookRun, Hooks, TransformFailed
from services.transforms.samples import read_sample_request
from services.workspace import Workspace
from ui.connecting import partner
from ui.errors import draw_error
from ui.exchange_dialog import inspector_dialog
from ui.foreign_text import code, literal
from ui.readiness import draw_states, draw_waiting, readiness
from ui.session import kept, owner
from ui.transforms.diff import draw_difference
from ui.transforms.drafts import Draft
from ui.transforms.dry_run import draw_hook_run
from ui.transforms.source_editor import as_it_is

LOOK_SECONDS = 0.3
_OF_MODELS = ("dataframe_records", "dataframe_split", "inputs", "instances")
SHOWN = 60_000
"""Characters of a reply that are drawn; Inspect has all."""


def call(here: Workspace, endpoint: Endpoint, draft: Draft, *, available: bool) -> None:
    """Draw what a call will meet, the button, and the last call."""
    st.subheader("Call", anchor=False)
    draw_states(here, [endpoint], busy=draft.calling)
    known = readiness(here, endpoint)
    if why := _why_unfit(endpoint, draft):
        st.caption(f":material/info: {why}")
    # Each button is good for one call: a second click on the same one finds it used.
    st.button(
        f"Call {literal(endpoint.name)}",
        key=f"transforms.call-{draft.sent}",
        on_click=_send,
        args=(here, endpoint.name, draft, known, draft.sent),
        icon=":material/send:",
        disabled=draft.calling or not available or not known.may_send,
        help="Send the sample request through transform_input, and the reply through transform_output",
    )
    if draft.refusal is not None:
        draw_error(draft.refusal)
    if draft.job is None:
        return
    if draft.calling:
        st.fragment(_watch, run_every=LOOK_SECONDS)(draft.job)
    elif draft.called is not None and partner(draft.called) == partner(here):
        _draw_call(draft.job, draft)


def _send(here: Workspace, endpoint: str, draft: Draft, known: Readiness, number: int) -> None:
    if number != draft.sent or draft.calling:
        return
    kept(Looks).forget(endpoint)
    draft.sent += 1
    draft.job, draft.refusal, draft.called = None, None, here
    try:
        body = draft.envelope.body_of(read_sample_request(draft.request))
        hooks = Hooks(sandbox(), draft.transform, envelope=draft.envelope, user=owner())
        draft.job = InvocationJob(here, endpoint, body, Bell(), known=known, hooks=hooks)
    except PlaygroundError as refusal:
        draft.refusal = refusal


def _why_unfit(endpoint: Endpoint, draft: Draft) -> str:
    """Why that endpoint will hardly take what is sent, in Markdown; empty where it may."""
    keys = ("messages", "input") if endpoint.chats else _OF_MODELS
    body = _sent_body(draft)
    if (endpoint.task and not endpoint.chats) or body is None or body.keys() & set(keys):
        return ""
    takes = (
        "is a chat endpoint, which takes `messages`"
        if endpoint.chats
        else "serves a model, which takes `dataframe_records`"
    )
    return f"{code(endpoint.name)} {takes}: what is sent now has none. “Use its sample” has one that fits."


def _sent_body(draft: Draft) -> dict[str, Any] | None:
    """What a call would send, as far as that is known without running anything."""
    run = draft.dry_run
    side = run.sides[Hook.INPUT] if run is not None and run.of == as_it_is(draft) else None
    done = side.finished if side is not None else None
    if side is not None and done is not None and done.result.status is Status.OK:
        return draft.envelope.close(side.sample, done.result.value)
    if Hook.INPUT.value in draft.source:
        return None
    try:
        return draft.envelope.body_of(read_sample_request(draft.request))
    except PlaygroundError:  # told where it is used
        return None


def _watch(job: InvocationJob) -> None:
    job.watched()
    if not job.running:
        st.rerun()
    draw_waiting(st.empty(), job.waiting)
    st.button(
        "Stop", key="transforms.stop", on_click=job.stop, icon=":material/stop_circle:", help="End the request itself"
    )


def _draw_call(job: InvocationJob, draft: Draft) -> None:
    st.caption(_figures(job))
    if job.hooks is not None and job.hooks.trace.transform.source != draft.source:
        st.caption(":material/history: It ran with an earlier text of the source.")
    if job.reply.error is not None:
        draw_error(job.reply.error)
    if job.reply.ended_because:
        st.warning(job.reply.ended_because, icon=":material/warning:")
    request, reply = st.columns(2, gap="medium")
    trace = job.call.record.trace
    with request, st.container(key="transforms-call-request"):
        st.markdown("**Request**")
        told = isinstance(job.reply.error, TransformFailed)
        _draw_run(trace.input if trace else None, "Before and after `transform_input`", told=told)
        _draw_sent(job)
    with reply, st.container(key="transforms-call-reply"):
        st.markdown("**Reply**")
        _draw_run(trace.output if trace else None, "Before and after `transform_output`")
        for note in trace.notes if trace else ():
            st.caption(literal(note))
        _draw_raw(job)
    if st.button("Inspect", key="transforms.inspect", icon=":material/search:", type="tertiary"):
        inspector_dialog(job.call.record)


def _draw_run(run: HookRun | None, label: str, *, told: bool = False) -> None:
    if run is None:
        return
    draw_hook_run(run, told=told)
    if run.result.status is Status.OK:
        draw_difference(run.before, run.result.value, label=label, of=run)


def _draw_sent(job: InvocationJob) -> None:
    record = job.call.record
    if record.sent_at is None:
        st.caption("Nothing was sent.")
        return
    st.caption(f"Sent, the exact {len(record.request_body):,} bytes:")
    _draw_text(record.request_body.decode("utf-8", errors="replace"))


def _draw_raw(job: InvocationJob) -> None:
    if job.reply.text:
        st.caption("As it came:")
        _draw_text(job.reply.text)
    elif job.reply.outcome is not Outcome.RUNNING and job.call.record.sent_at is not None:
        st.caption("No reply to show.")


def _draw_text(text: str) -> None:
    st.code(text[:SHOWN], language="json", wrap_lines=True, height=280 if len(text) > 1_000 else "content")
    if len(text) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(text):,} characters; Inspect has it as it came.")


def _figures(job: InvocationJob) -> str:
    record, transform = job.call.record, job.hooks.trace.transform if job.hooks else None
    parts = ["stopped: the request itself was ended"] if job.reply.outcome is Outcome.STOPPED else []
    if record.status is not None:
        parts.append(f"{code(job.endpoint)} answered HTTP {record.status}")
    if record.finished_after is not None and record.sent_at is not None:
        parts.append(f"{record.finished_after:.2f} s")
    if transform is not None:
        parts.append(f"through {literal(transform.label)}")
    return " · ".join(parts)
