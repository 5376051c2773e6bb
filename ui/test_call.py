"""One call of an endpoint with a body that the person writes: suggested, sent once, watched, and shown whole."""

import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st

from services.background import in_background
from services.endpoints import EndpointDetail
from services.errors import BadInput, PlaygroundError
from services.invocation import InvocationJob, get_test_body
from services.jobs import Bell
from services.looks import Looks
from services.readiness import Readiness, readiness_of
from services.typed_json import as_object
from services.workspace import Workspace
from ui.call_transform import CallTransform, draw_call_transform
from ui.connecting import partner
from ui.errors import draw_error, showing_errors
from ui.invocation_reply import LOOK_SECONDS, draw_ending, draw_inspect, draw_progress, draw_raw, draw_shaping
from ui.kept_replies import KeptReplies
from ui.readiness import draw_readiness, draw_states, readiness
from ui.session import kept, reseed, seed, typed_into
from ui.tallies import Tallies

SCROLLED_LINES = 30
"""Lines of a body that is drawn as high as it is."""
BLANK = '{\n  "inputs": []\n}'


@dataclass
class _TestCall:
    """The last call of one endpoint, and what is typed for the next one."""

    suggestion: "Future[tuple[str, dict[str, Any]] | None]"
    typed: str | None = None
    """None: nothing yet, so the suggestion is shown when it comes."""
    sent: int = 0
    job: InvocationJob | None = None
    error: PlaygroundError | None = None
    """Why nothing was sent."""
    refused_text: str | None = None
    """What was typed then."""
    before: EndpointDetail | None = None
    """What was known of the endpoint when the last call was sent: its answer may have woken it."""
    shaping: CallTransform = field(default_factory=CallTransform)
    """The transform around the next call."""

    @property
    def running(self) -> bool:
        """Whether more may arrive."""
        return self.job is not None and self.job.running

    @property
    def refused(self) -> BaseException | None:
        """Why no body could be suggested, once that is known."""
        return self.suggestion.exception() if self.suggestion.done() else None

    @property
    def suggested(self) -> str:
        """The suggested body as text; where there is none, the start of one."""
        found = None if self.refused else self.suggestion.result()
        return BLANK if found is None else json.dumps(found[1], indent=2, ensure_ascii=False)


@dataclass
class _TestCalls:
    """Those of this browser."""

    made: WeakKeyDictionary[Workspace, dict[str, _TestCall]] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        for call in self.made.pop(of, {}).values():
            if call.job is not None:
                call.job.stop()


def test_call(workspace: Workspace, detail: EndpointDetail) -> None:
    """Draw the body, what a call will meet, Send, and the last reply. Never waits for the workspace."""
    name = detail.endpoint.name
    calls = kept(_TestCalls).made.setdefault(workspace, {})
    if name not in calls:
        calls[name] = _TestCall(_suggestion(workspace, detail))
    call = calls[name]
    known = _draw_known(call, workspace, detail)
    if call.typed is None and not call.suggestion.done():
        st.fragment(_asking, run_every=LOOK_SECONDS)(call)
        return
    _draw_suggestion(call, workspace, detail)
    _draw_body(call, name)
    if call.error is not None and call.typed != call.refused_text:
        call.error = None  # it was about another text
    with showing_errors():
        draw_call_transform(
            call.shaping,
            _body_of(call),
            workspace,
            detail.endpoint,
            key=f"test-call.{name}",
            picker=f"test-call.{name}.transform",
        )
    _draw_buttons(call, workspace, detail, known)
    if call.error is not None:
        draw_error(call.error)
    key = f"test-call.{name}"
    if call.job is not None and call.running:
        draw_progress(call.job, key=key)
    elif call.job is not None:
        kept(Tallies).note(partner(workspace), name, call.job.call)
        draw_ending(call.job)
        draw_shaping(call.job, key=key)
        draw_raw(call.job, key=key)
        draw_inspect(call.job, key=key)


def _draw_known(call: _TestCall, workspace: Workspace, detail: EndpointDetail) -> Readiness:
    """What a call will meet. What *detail* says is out of date once a call was answered that came after it."""
    if call.before is detail and call.job is not None and not call.running:
        draw_states(workspace, [detail.endpoint], busy=False)
        return readiness(workspace, detail.endpoint)
    known = readiness_of(detail)
    draw_readiness(known)
    return known


def _suggestion(workspace: Workspace, detail: EndpointDetail) -> "Future[tuple[str, dict[str, Any]] | None]":
    return in_background(lambda: get_test_body(workspace, detail), f"schema of {detail.endpoint.name}")


def _asking(call: _TestCall) -> None:
    if call.suggestion.done():
        st.rerun()
    st.caption(":material/hourglass_top: Reading its schema")


def _draw_suggestion(call: _TestCall, workspace: Workspace, detail: EndpointDetail) -> None:
    """Why there is no body to begin with, where there is none."""
    name = detail.endpoint.name
    if isinstance(call.refused, PlaygroundError):
        draw_error(call.refused)
        st.button("Ask again", key=f"test-call.{name}.again", on_click=_ask_again, args=(call, workspace, detail))
    elif call.refused is not None:
        raise call.refused  # a bug stays loud
    elif call.suggestion.done() and call.suggestion.result() is None:
        st.info("It does not publish how it wants to be asked: write what its model takes.", icon=":material/edit:")


def _ask_again(call: _TestCall, workspace: Workspace, detail: EndpointDetail) -> None:
    call.suggestion = _suggestion(workspace, detail)
    call.typed = None if call.typed == BLANK else call.typed


def _draw_body(call: _TestCall, name: str) -> None:
    key = seed(_body_key(name), call.suggested if call.typed is None else call.typed)
    lines = (call.typed or "").count("\n")
    call.typed = st.text_area("Body (JSON)", key=key, height="content" if lines < SCROLLED_LINES else 480)


def _body_of(call: _TestCall) -> dict[str, Any] | None:
    """What would be sent; None while it is no JSON object."""
    try:
        return as_object(call.typed or "")
    except BadInput:
        return None


def _draw_buttons(call: _TestCall, workspace: Workspace, detail: EndpointDetail, known: Readiness) -> None:
    name = detail.endpoint.name
    with st.container(horizontal=True, vertical_alignment="center"):
        # Each button is good for one call: a second click on the same one finds it used.
        st.button(
            "Send",
            key=f"test-call.{name}.send-{call.sent}",
            on_click=_send,
            args=(call, workspace, detail, known, call.sent),
            type="primary",
            icon=":material/send:",
            disabled=call.running or call.shaping.closed or not known.may_send,
        )
        if call.typed != call.suggested:
            st.button(
                "Put the suggested body back",
                key=f"test-call.{name}.reset",
                on_click=_reset,
                args=(call, name),
                type="tertiary",
                icon=":material/undo:",
            )


def _body_key(name: str) -> str:
    return f"test-call.{name}.body"


def _reset(call: _TestCall, name: str) -> None:
    call.typed = call.suggested
    reseed(_body_key(name), call.typed)


def _send(call: _TestCall, workspace: Workspace, detail: EndpointDetail, known: Readiness, number: int) -> None:
    if number != call.sent or call.running:
        return
    name = detail.endpoint.name
    kept(Looks).forget(name)
    call.sent, call.before = call.sent + 1, detail
    call.typed = typed_into(_body_key(name))
    call.job, call.error = None, None
    try:
        body = as_object(call.typed)
        hooks = call.shaping.hooks(body)
        call.job = InvocationJob(workspace, name, body, Bell(), known=known, hooks=hooks)
        kept(KeptReplies).add(call.job)
    except PlaygroundError as error:
        call.error, call.refused_text = error, call.typed
