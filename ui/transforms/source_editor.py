"""The editor of a draft's source, with the faults of its last runs on their lines."""

from collections.abc import Iterator
from functools import partial

import streamlit as st

from services.sandbox import sandbox
from services.transforms import HookRun
from ui.components.code_editor import LineFault, code_editor
from ui.session import owner
from ui.transforms.drafts import Draft, drafts, tab, type_into
from ui.transforms.dry_run import DryRun

GIVEN = (
    "`transform_input(**request)` is given the body and returns the one that is sent. "
    "`transform_output(response)` is given the whole reply and returns any JSON value. One of them is enough."
)


def source_editor(draft: Draft) -> None:
    """Draw what each function is given, and the editor. Ctrl-Enter is a dry run."""
    st.markdown(GIVEN)
    draft.marked = draft.progress
    edited = code_editor(
        draft.source,
        key="transforms.source",
        label="Source of the transform, in Python",
        revision=tab().revision,
        faults=list(dict.fromkeys(_faults(draft))),
        height=300,
        runs="dry run",
        on_edit=partial(type_into, draft, "source"),
        on_run=partial(_run_text, draft),
    )
    type_into(draft, "source", edited.text)


def all_marked(draft: Draft) -> None:
    """For the end of the page: run it again where something was over only after the editor was drawn."""
    if draft.progress != draft.marked:
        st.rerun()


def _run_text(draft: Draft, text: str) -> None:
    type_into(draft, "source", text)
    start_dry_run(drafts().open.get(tab().shown, draft))


def start_dry_run(draft: Draft) -> None:
    """Begin a dry run of what the draft holds now; the same one is not begun twice while it is under way."""
    if draft.dry_run is None or not draft.dry_run.running or draft.dry_run.of != as_it_is(draft):
        draft.dry_run = DryRun(sandbox(), draft.source, draft.request, draft.response, draft.envelope, user=owner())


def as_it_is(draft: Draft) -> tuple[object, ...]:
    """What a dry run of it would be of."""
    return (draft.source, draft.request, draft.response, draft.envelope)


def _faults(draft: Draft) -> Iterator[LineFault]:
    for run in _runs(draft):
        fault = run.result.fault
        if fault is not None and fault.line is not None:
            said = f"{fault.type}: {fault.message}"  # without the hook: what stops both is one fault
            yield LineFault(fault.line, said, fault.column, fault.end_line, fault.end_column)


def _runs(draft: Draft) -> Iterator[HookRun]:
    """The last runs of the source as it stands now."""
    if draft.dry_run is not None and draft.dry_run.source == draft.source:
        yield from (run for side in draft.dry_run.sides.values() if (run := side.finished) is not None)
    trace = draft.job.call.record.trace if draft.job is not None else None
    if trace is not None and trace.transform.source == draft.source:
        yield from (run for run in (trace.input, trace.output) if run is not None)
