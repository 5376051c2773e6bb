"""A dry run: both functions on the samples, in the sandbox, with nothing sent."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import streamlit as st

from services.background import in_background
from services.errors import PlaygroundError
from services.sandbox import Fault, Hook, Sandbox, Status
from services.transforms import RETURNED_NONE, Envelope, HookRun, failure, run_hook
from services.transforms.samples import read_sample, read_sample_request
from ui.errors import draw_error
from ui.foreign_text import code
from ui.transforms.diff import draw_difference

LOOK_SECONDS = 0.2
PRINTED = 20_000
"""Characters of what was printed that are drawn."""
HOOKS = (Hook.INPUT, Hook.OUTPUT)
SIDES = {Hook.INPUT: "request", Hook.OUTPUT: "response"}


@dataclass
class Side:
    """One function on its sample."""

    hook: Hook
    error: PlaygroundError | None = None
    """Why it was not run."""
    sample: Any = None
    run: "Future[HookRun | None] | None" = None
    """None: there is no sample. Its result is None where the source does not define the function."""

    @property
    def finished(self) -> HookRun | None:
        """What it did, once that is known."""
        return self.run.result() if self.run is not None and self.run.done() else None


class DryRun:
    """Begins when it is made. Its functions run one after the other: one person has few places in the sandbox."""

    def __init__(
        self, sandbox: Sandbox, source: str, request: str, response: str, envelope: Envelope, *, user: str
    ) -> None:
        self.source, self.envelope = source, envelope
        self.of = (source, request, response, envelope)
        """What it is a run of."""
        texts = {Hook.INPUT: request, Hook.OUTPUT: response}
        self.sides = {hook: _read(hook, texts[hook], envelope) for hook in HOOKS}
        before: Future[HookRun | None] | None = None
        for side in self.sides.values():
            if side.error is None and texts[side.hook].strip():
                before = side.run = in_background(_after(before, self._work(sandbox, side, user)), side.hook.value)

    @property
    def running(self) -> bool:
        """Whether one of them is not over."""
        return any(side.run is not None and not side.run.done() for side in self.sides.values())

    @property
    def over(self) -> int:
        """How many of them are over, or were not run."""
        return sum(side.run is None or side.run.done() for side in self.sides.values())

    def _work(self, sandbox: Sandbox, side: Side, user: str) -> Callable[[], HookRun | None]:
        opened = self.envelope.open if side.hook is Hook.INPUT else self.envelope.open_reply
        return lambda: run_hook(sandbox, self.source, side.hook, opened(side.sample), user=user)


def _after(before: "Future[HookRun | None] | None", work: Callable[[], HookRun | None]) -> Callable[[], HookRun | None]:
    def run() -> HookRun | None:
        if before is not None:
            before.exception()  # waits; what it says is drawn beside it
        return work()

    return run


def _read(hook: Hook, text: str, envelope: Envelope) -> Side:
    side = Side(hook)
    try:
        if text.strip() and hook is Hook.INPUT:
            side.sample = envelope.body_of(read_sample_request(text))
        elif text.strip():
            side.sample = read_sample(text, SIDES[hook])
    except PlaygroundError as error:
        side.error = error
    return side


def draw_dry_run(run: DryRun, *, outdated: bool) -> None:
    """Both sides, each as soon as it is over; *outdated*: something was changed since."""
    st.caption("A dry run: nothing was sent." + (" Something was changed since: run it again." if outdated else ""))
    if run.running:
        st.fragment(_watch, run_every=LOOK_SECONDS)(run, run.over)
    else:
        _draw_sides(run)


def _watch(run: DryRun, over: int) -> None:
    if run.over != over:
        st.rerun()  # all of it: the editor marks the line
    _draw_sides(run)


def _draw_sides(run: DryRun) -> None:
    told: Fault | None = None
    for column, side in zip(st.columns(2, gap="medium"), run.sides.values(), strict=True):
        with column, st.container(key=f"transforms-{SIDES[side.hook]}-side"):
            told = _draw_side(run, side, told)


def _draw_side(run: DryRun, side: Side, told: Fault | None) -> Fault | None:
    """Draw it. *told*: a failure that stands beside it already. What stands there now."""
    st.markdown(code(side.hook.value))
    if side.error is not None:
        draw_error(side.error)
    elif side.run is None:
        st.caption(f"It was not run: there is no sample {SIDES[side.hook]}.")
    elif not side.run.done():
        st.caption(":material/hourglass_top: It is running")
    elif (done := side.run.result()) is None:
        st.caption(f"The source does not define it: the {SIDES[side.hook]} stays as it is.")
    elif done.result.status is Status.OK:
        draw_hook_run(done)
        _draw_change(run, side, done)
    elif done.result.fault == told:
        st.caption("It could not begin either, for the same reason.")
    else:
        draw_hook_run(done)
        return done.result.fault
    return None


def _draw_change(run: DryRun, side: Side, done: HookRun) -> None:
    if side.hook is Hook.INPUT:
        after = run.envelope.close(side.sample, done.result.value)
        label, key = "The body that would be sent", "transforms-request-difference"
        draw_difference(side.sample, after, label=label, key=key, of=done)
    else:
        before = run.envelope.open_reply(side.sample)
        label, key = "What you would get", "transforms-response-difference"
        draw_difference(before, done.result.value, label=label, key=key, of=done)
        if done.result.value is None:
            st.caption(f":material/info: {RETURNED_NONE}")


def draw_hook_run(run: HookRun, *, told: bool = False) -> None:
    """How one run of one function ended, and what it printed. *told*: its failure stands elsewhere already."""
    result = run.result
    if result.status is Status.OK:
        st.caption(f":material/check_circle: It ran in {result.seconds * 1000:.0f} ms.")
    else:
        if not told:
            draw_error(failure(run))
        _draw_way(run)
    if result.printed or result.printed_lost:
        lost = result.printed_lost + max(0, len(result.printed) - PRINTED)
        st.caption(f"It printed{f' (and {lost:,} characters more, which are not shown)' if lost else ''}:")
        st.code(result.printed[:PRINTED], language=None, wrap_lines=True)


def _draw_way(run: HookRun) -> None:
    """The person's own lines on the way to the fault."""
    fault = run.result.fault
    if fault is None or not fault.frames:
        return
    lines = [f"line {frame.line}, in {frame.function}: {frame.source.strip()}" for frame in fault.frames]
    left = fault.frames_total - len(fault.frames)
    lines += [f"… and {left:,} more"] if left > 0 else []
    st.code("\n".join(lines), language=None, wrap_lines=True)
