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
from ui.foreign_text import code, literal
from ui.invocation_reply import SHOWN, draw_ending, draw_inspect, draw_progress, draw_raw
from ui.kept_replies import KeptReplies
from ui.readiness import draw_states, readiness
from ui.session import kept, owner
from ui.shaped_answer import draw_shaped
from ui.transforms.diff import draw_difference
from ui.transforms.drafts import Draft
from ui.transforms.dry_run import draw_hook_run
from ui.transforms.source_editor import as_it_is

_KEY = "transforms"
_OF_MODELS = ("dataframe_records", "dataframe_split", "inputs", "instances")


def call(here: Workspace, endpoint: Endpoint, draft: Draft, *, available: bool) -> None:
    """Draw what a call will meet, the button, and the last call."""
    st.header("Call", anchor=False)
    draw_states(here, [endpoint], busy=draft.calling)
    known = readiness(here, endpoint)
    if why := _why_unfit(endpoint, draft):
        st.caption(f":material/info: {why}")
    # Each button is good for one call: a second click on the same one finds it used.
    st.button(
        "Send",
        key=f"transforms.call-{draft.sent}",
        on_click=_send,
        args=(here, endpoint.name, draft, known, draft.sent),
        icon=":material/send:",
        disabled=draft.calling or not available or not known.may_send,
        help=f"Send {literal(endpoint.name)} the sample request through transform_input, and the reply through transform_output",
    )
    if draft.refusal is not None:
        draw_error(draft.refusal)
    if draft.job is None:
        return
    if draft.calling:
        draw_progress(draft.job, key=_KEY)
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
        kept(KeptReplies).add(draft.job)
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


def _draw_call(job: InvocationJob, draft: Draft) -> None:
    draw_ending(job, f"sent to {code(job.endpoint)}" if job.call.record.sent_at is not None else "")
    if job.hooks is not None and job.hooks.trace.transform.source != draft.source:
        st.caption(":material/history: It ran with an earlier text of the source.")
    if job.call.record.forgotten:
        draw_raw(job, key=_KEY)  # says so
        return
    draw_shaped(job, key="transforms-call")
    request, reply = st.columns(2, gap="medium")
    trace = job.call.record.trace
    with request, st.container(key="transforms-call-request"):
        st.markdown("**Request**")
        told = isinstance(job.reply.error, TransformFailed)
        _draw_run(trace.input if trace else None, "Before and after `transform_input`", told=told)
        _draw_sent(job)
    with reply, st.container(key="transforms-call-reply"):
        st.markdown("**Reply**")
        told = job.reply.shaping_error is not None
        _draw_run(trace.output if trace else None, "Before and after `transform_output`", told=told)
        if job.reply.text:
            st.caption("The reply as it came:")
        elif job.reply.outcome is not Outcome.RUNNING and job.call.record.sent_at is not None:
            st.caption("There is no reply to show.")
        draw_raw(job, key=_KEY)
    draw_inspect(job, key=_KEY)


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
    text = record.request_body.decode("utf-8", errors="replace")
    st.caption(f"The exact {len(record.request_body):,} bytes that were sent:")
    st.code(text[:SHOWN], language="json", wrap_lines=True, height=280 if len(text) > 1_000 else "content")
    if len(text) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(text):,} characters; Inspect has it as it came.")
