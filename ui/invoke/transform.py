"""The transform of a call: which one, what it is given, and what it would make of the body, with nothing sent."""

import streamlit as st

from services.errors import PlaygroundError
from services.sandbox import Hook, Status, sandbox
from services.transforms import Envelope, HookRun, Hooks, Transform, failure, run_hook
from services.workspace import Workspace
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.invoke.sheet import Sheet
from ui.session import entered, mirror, owner
from ui.transform_picker import endpoint_place, transform_picker
from ui.transforms.diff import draw_difference

_EXPLAINED = {
    Envelope.RECORD: "It is given the one record of dataframe_records, and the first of the predictions, as LangChain does it.",
    Envelope.BODY: "It is given the whole body, and the whole reply.",
}


def draw_transform(sheet: Sheet, of: Workspace, name: str) -> Transform | None:
    """Draw the choice; the transform of the next call."""
    with st.container(border=True, key=f"invoke-transform-{sheet.number}"):
        chosen = transform_picker(endpoint_place(of, name), key=f"invoke.{name}.transform")
        if chosen != sheet.transform:
            sheet.transform, sheet.dry_run = chosen, None
        if chosen is None:
            return None
        if envelope_of(sheet, Envelope.RECORD) is Envelope.RECORD:
            _draw_envelope(sheet)
        else:
            st.caption(_EXPLAINED[Envelope.BODY])
        if st.button("Dry run", key=f"invoke.{sheet.number}.dry", icon=":material/science:", help="Send nothing"):
            with st.spinner("Running transform_input"):
                sheet.dry_run = _dry_run(sheet, chosen)
        _draw_dry_run(sheet)
        return chosen


def hooks_of(sheet: Sheet) -> Hooks | None:
    """The chosen transform, for one call."""
    if sheet.transform is None:
        return None
    return Hooks(sandbox(), sheet.transform, envelope=envelope_of(sheet, sheet.envelope), user=owner())


def envelope_of(sheet: Sheet, wanted: Envelope) -> Envelope:
    """*wanted*, where the body has one record; else the whole body."""
    opened = wanted.open(sheet.body) != sheet.body
    return wanted if opened else Envelope.BODY


def _draw_envelope(sheet: Sheet) -> None:
    key = f"invoke.{sheet.number}.envelope"
    mirror(key, sheet.envelope)
    st.segmented_control(
        "It is given",
        list(Envelope),
        key=key,
        format_func=lambda one: one.value.capitalize(),
        on_change=_use_envelope,
        args=(sheet, key),
    )
    st.caption(_EXPLAINED[sheet.envelope])


def _use_envelope(sheet: Sheet, key: str) -> None:
    chosen = entered(key)
    if isinstance(chosen, Envelope):
        sheet.envelope, sheet.dry_run = chosen, None


def _dry_run(sheet: Sheet, chosen: Transform) -> HookRun | PlaygroundError:
    request = envelope_of(sheet, sheet.envelope).open(sheet.body)
    return run_hook(sandbox(), chosen.source, Hook.INPUT, request, user=owner()) or PlaygroundError(
        "This transform has no transform_input.", "The body is sent as it is; only the reply is shaped."
    )


def _draw_dry_run(sheet: Sheet) -> None:
    run = sheet.dry_run
    if isinstance(run, PlaygroundError):
        st.info(f"{literal(run.message)} {literal(run.hint)}", icon=":material/science:")
    elif run is not None and run.result.status is not Status.OK:
        draw_error(failure(run, "Nothing was sent."))
    elif run is not None:
        st.caption(f"Nothing was sent. {run.result.seconds * 1000:.0f} ms")
        draw_difference(run.before, run.after, label="The request that would be sent", key=f"invoke-dry-{sheet.number}")
    if run is not None and not isinstance(run, PlaygroundError) and run.result.printed:
        st.caption("It printed:")
        st.code(run.result.printed, language=None, wrap_lines=True)
