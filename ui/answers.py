"""Draw answers: those that are whole, and those that grow while we watch."""

import time
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from services.chat import ChatJob, ChatMetrics, ChatReply, Outcome, measured
from ui.conversation import SHOWN_TURNS, Conversation, Turn
from ui.errors import draw_error
from ui.exchange_dialog import code_dialog, inspector_dialog
from ui.foreign_text import code, literal
from ui.markdown_blocks import closed, closing, cut, safe
from ui.readiness import draw_waiting
from ui.shaped_answer import draw_shaped

FRAME = 0.04
"""Seconds between two updates of the page. At 20 a second the 95th percentile of the lag was 0.95 of write_stream's."""
HEARTBEAT = 0.1
"""Seconds after which something is drawn even when nothing came: only while drawing can Streamlit interrupt the script."""
LABELS = {
    "stop": "ended by itself",
    "length": "cut at max_tokens",
    "tool_calls": "asks for a tool",
    "content_filter": "cut by a content filter",
}


class GrowingText:
    """A text drawn as finished blocks and one tail, and as one element when it is whole.

    It has one place, which is emptied first and at the end: elements that an earlier run left there would stand below the
    new ones, faded, for as long as the script watches an answer.
    """

    def __init__(self, container: DeltaGenerator) -> None:
        self._place = container.empty()
        self._container = self._place.container()
        self._slot = self._container.empty()
        self._start = 0
        self._shown = 0
        self._fence = ""

    def show(self, text: str) -> bool:
        """Draw what has come since; whether there was anything."""
        if len(text) == self._shown:
            return False
        self._shown = len(text)
        while place := cut(text[self._start :]):
            block = text[self._start : self._start + place.length]
            self._slot.markdown(safe(self._fence + block + closing(place.fence)))
            self._slot = self._container.empty()
            self._start += place.length
            self._fence = place.fence
        tail = text[self._start :]
        if tail:
            self._slot.markdown(closed(safe(self._fence + tail)))
        return True

    def finish(self, text: str) -> None:
        """Draw it as the whole answer is drawn from now on."""
        self._place.markdown(safe(text))


class _GrowingReply:
    """One job's place on the page."""

    def __init__(self, job: ChatJob, key: str) -> None:
        self._job = job
        self._reasoning: dict[int, GrowingText] = {}
        self._texts: dict[int, GrowingText] = {}
        self._key = key
        self._body = st.container(key=key)
        self._status = st.empty()
        self._footer = st.container()
        self._beat = float("-inf")

    def draw(self) -> None:
        """Draw what has come since, or at least a sign of life."""
        self._job.watched()
        drawn = False
        for choice, answer in sorted(self._job.reply.answers.items()):
            if answer.reasoning:
                texts = self._reasoning
                if choice not in texts:
                    texts[choice] = GrowingText(self._body.expander("Reasoning", expanded=True))
                drawn = texts[choice].show(answer.reasoning) or drawn
            if answer.text:
                if choice not in self._texts:
                    self._texts[choice] = GrowingText(_place_of(self._body, choice, self._job))
                drawn = self._texts[choice].show(answer.text) or drawn
        if not drawn and time.monotonic() - self._beat >= HEARTBEAT:
            _draw_status(self._status, self._job)
            self._beat = time.monotonic()

    def finish(self) -> None:
        """Take the sign of life away and draw what stands below a whole answer."""
        self.draw()
        for choice, answer in self._job.reply.answers.items():
            if choice in self._reasoning:
                self._reasoning[choice].finish(answer.reasoning)
            if choice in self._texts:
                self._texts[choice].finish(answer.text)
        self._status.empty()
        with self._footer:
            _draw_below(self._job, self._key)


def _place_of(body: DeltaGenerator, choice: int, job: ChatJob) -> DeltaGenerator:
    if (job.request.parameters.n or 1) > 1:
        body.markdown(f"**Answer {choice + 1}**")
    return body


def _draw_status(slot: DeltaGenerator, job: ChatJob) -> None:
    waiting = job.waiting
    if job.reply.first_piece_after is not None:
        slot.caption(f"Answering · {waiting.elapsed:.1f} s")
    elif waiting.is_long:
        draw_waiting(slot, waiting)
    else:
        slot.caption(f"Waiting for {literal(job.request.endpoint)} · {waiting.elapsed:.1f} s")


def draw_turns(shown: Conversation) -> bool:
    """Draw the conversation's last turns, and watch the newest until it is answered; whether there was something to watch.

    The newest is drawn first, into its place below the others: with a long history its first words need not wait for them.
    """
    hidden = shown.hidden
    if hidden and st.button(f"Show earlier turns ({hidden})", key="chat-earlier"):
        shown.shown += SHOWN_TURNS
        hidden = shown.hidden
    numbered = list(enumerate(shown.turns))[hidden:]
    slots = [st.container() for _ in numbered]
    growing: list[_GrowingReply] = []
    for slot, (number, turn) in reversed(list(zip(slots, numbered, strict=True))):
        with slot:
            growing += _draw_turn(number, turn)
        for place in growing:
            place.draw()
    _watch(shown, growing)
    return bool(growing)


def _draw_turn(number: int, turn: Turn) -> list["_GrowingReply"]:
    """Draw one turn; the places of the answers that still grow."""
    st.chat_message("user").markdown(safe(turn.prompt))
    if turn.error is not None:
        draw_error(turn.error)
    if not turn.jobs:
        return []
    growing = []
    with st.chat_message("assistant"):
        columns = st.columns(len(turn.jobs)) if len(turn.jobs) > 1 else [st.container()]
        for position, (job, column) in enumerate(zip(turn.jobs, columns, strict=True)):
            key = f"answer-{number}-{position}"
            with column:
                if len(turn.jobs) > 1:
                    st.markdown(f"**{code(job.request.endpoint)}**")
                if job.running:
                    growing.append(_GrowingReply(job, key))
                else:
                    _draw_whole(job, key)
    return growing


def _watch(shown: Conversation, places: Sequence[_GrowingReply]) -> None:
    """Draw until nothing runs any more. A rerun may interrupt this at any time: the jobs go on without us."""
    while shown.running:
        started = time.monotonic()
        for place in places:
            place.draw()
        shown.bell.wait(HEARTBEAT)
        time.sleep(max(0.0, started + FRAME - time.monotonic()))
    for place in places:
        place.finish()


def _draw_whole(job: ChatJob, key: str) -> None:
    with st.container(key=key):
        for choice, answer in sorted(job.reply.answers.items()):
            if answer.reasoning:
                st.expander("Reasoning").markdown(safe(answer.reasoning))
            if answer.text:
                if (job.request.parameters.n or 1) > 1:
                    st.markdown(f"**Answer {choice + 1}**")
                st.markdown(safe(answer.text))
    st.empty()  # where the sign of life was: the same places as while it grew, so that nothing stale is left between them
    with st.container():
        _draw_below(job, key)


def _draw_below(job: ChatJob, key: str) -> None:
    """What belongs to an answer that is over: tool calls, trouble, figures, and the way to what was sent."""
    reply = job.reply
    for _, answer in sorted(reply.answers.items()):
        if answer.refusal:
            st.warning(f"The model declined: {safe(answer.refusal)}", icon=":material/block:")
        for tool_call in answer.tool_calls.values():
            st.code(f"{tool_call.name}({tool_call.arguments})", language="python", wrap_lines=True)
    if reply.error is not None:
        draw_error(reply.error)
    for notice in _notices(reply):
        st.warning(notice, icon=":material/warning:")
    draw_shaped(job, key=key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(figures(measured(reply, job.call.record), reply.outcome, job.served_by))
        if st.button(
            "Inspect",
            key=f"{key}-inspect",
            icon=":material/search:",
            type="tertiary",
            help="What was sent and what came back",
        ):
            inspector_dialog(job.call.record)
        if st.button("Code", key=f"{key}-code", icon=":material/code:", type="tertiary", help="The same call as code"):
            code_dialog(job)


def _notices(reply: ChatReply) -> list[str]:
    notices = [reply.ended_because] if reply.ended_because else []
    if reply.unreadable:
        count = len(reply.unreadable)
        notices.append(
            f"{count} event{'s' * (count > 1)} of the stream could not be read and {'are' if count > 1 else 'is'} missing "
            "above. **Next:** open Inspect to see what came, and tell the endpoint's owner."
        )
    silent = reply.outcome is Outcome.COMPLETE and not any(
        a.text or a.refusal or a.tool_calls for a in reply.answers.values()
    )
    if silent:
        notices.append(
            "The endpoint answered without any text. **Next:** raise max_tokens if the reason is “length”: a model that "
            "reasons may have spent them all before its answer. Else open Inspect."
        )
    return notices


def figures(metrics: ChatMetrics, outcome: Outcome, served_by: str = "") -> str:
    """The line below an answer. What was not measured or reported is left out. *served_by* is the entity that answered."""
    parts = []
    if outcome is Outcome.STOPPED:
        parts.append("stopped")
    if metrics.first_token_seconds is not None:
        parts.append(f"first token {metrics.first_token_seconds:.2f} s")
    if metrics.total_seconds is not None:
        parts.append(f"total {metrics.total_seconds:.2f} s")
    if metrics.tokens_per_second is not None:
        parts.append(f"{metrics.tokens_per_second:.0f} tokens/s")
    if metrics.prompt_tokens is not None and metrics.completion_tokens is not None:
        reasoning = f", {metrics.reasoning_tokens} of them reasoning" if metrics.reasoning_tokens else ""
        parts.append(f"{metrics.prompt_tokens} tokens in, {metrics.completion_tokens} out{reasoning}")
    elif outcome is Outcome.COMPLETE:
        parts.append("token usage not reported")
    parts += dict.fromkeys(LABELS.get(reason) or literal(reason[:60]) for reason in metrics.finish_reasons)
    if served_by:
        parts.append(f"by {literal(served_by[:60])}")
    return " · ".join(parts)
