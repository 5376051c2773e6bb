"""The samples of a draft, and the ways to get them: typed, an endpoint's own, the last real call."""

from functools import partial

import streamlit as st

from services.endpoints import Endpoint, get_endpoint_detail
from services.invocation import get_test_body
from services.invocation.exchanged import exchanged
from services.transforms import Envelope
from services.transforms.samples import sample_reply, sample_text
from services.workspace import Workspace
from ui.components.code_editor import code_editor
from ui.connecting import endpoints, partner
from ui.errors import showing_errors
from ui.foreign_text import code
from ui.session import entered, kept, mirror, typed_into
from ui.tallies import Tallies, all_tallies
from ui.transforms.desk import Draft, put_text, tab, type_into
from ui.transforms.dry_run import draw_dry_run
from ui.transforms.writing import as_it_is, start_dry_run

_ENDPOINT = "transforms.endpoint"
_WHOLE, _RECORD = "The whole body", "One record"
_ENVELOPES = {_WHOLE: Envelope.BODY, _RECORD: Envelope.RECORD}
_ENVELOPE = "transforms.envelope"
_ABOUT_ENVELOPE = (
    "LangChain's Databricks class gives transform_input one record, {prompt, stop}, wraps what it returns into "
    "dataframe_records, and gives transform_output the first prediction. “One record” does the same where a body has one record."
)


def endpoint_choice(here: Workspace) -> Endpoint | None:
    """Draw the choice of the endpoint whose samples are taken and that is called; None where there is none."""
    found = {one.name: one for one in endpoints(here)}
    if tab().endpoint not in found:
        tab().endpoint = next((one.name for one in found.values() if one.ready and one.chats), next(iter(found), ""))
    if not found:
        st.info("No endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
        return None
    st.selectbox("Endpoint", list(found), key=mirror(_ENDPOINT, tab().endpoint), on_change=_choose_endpoint, width=360)
    return found[tab().endpoint]


def _choose_endpoint() -> None:
    tab().endpoint = typed_into(_ENDPOINT)


def fill_buttons(here: Workspace, endpoint: Endpoint, draft: Draft) -> None:
    """Draw the ways to fill the samples from that endpoint."""
    if draft.job is not None and draft.called is not None:
        kept(Tallies).note(partner(draft.called), draft.job.endpoint, draft.job.call)
    record = all_tallies().last(partner(here), endpoint.name)
    called = exchanged(record) if record is not None else None
    asked = st.button("Use its sample", key="transforms.fill-task", icon=":material/science:")
    last = st.button(
        "Use its last call",
        key="transforms.fill-last",
        icon=":material/history:",
        disabled=called is None,
        help="The last answered call of it from this browser: chat, test calls, and those below",
    )
    if last and called is not None:
        put_text(draft, request=sample_text(called[0]), response=sample_text(called[1]))
        st.rerun()
    if asked:
        with st.spinner(f"Asking how {code(endpoint.name)} wants to be asked", show_time=True):
            found = get_test_body(here, get_endpoint_detail(here, endpoint.name))
        request = sample_text(found[1]) if found is not None else '{\n  "inputs": []\n}'
        put_text(draft, request=request, response=sample_text(sample_reply(endpoint.task)))
        st.rerun()


def samples(draft: Draft) -> None:
    """Draw both samples."""
    chosen = next(label for label, envelope in _ENVELOPES.items() if envelope is draft.envelope)
    st.segmented_control(
        "The functions are given",
        list(_ENVELOPES),
        key=mirror(_ENVELOPE, chosen),
        on_change=partial(_choose_envelope, draft),
        help=_ABOUT_ENVELOPE,
        required=True,
    )
    for part, column in zip(("request", "response"), st.columns(2, gap="medium"), strict=True):
        with column:
            st.markdown(f"Sample {part} :small[(JSON; empty: not run)]")
            edited = code_editor(
                getattr(draft, part),
                key=f"transforms.{part}",
                label=f"Sample {part}, JSON",
                language="json",
                revision=tab().revision,
                height=130,
                runs="dry run",
                on_edit=partial(type_into, draft, part),
                on_run=partial(_run, draft, part),
            )
            type_into(draft, part, edited.text)


def _choose_envelope(draft: Draft) -> None:
    draft.envelope = _ENVELOPES.get(str(entered(_ENVELOPE)), draft.envelope)


def _run(draft: Draft, part: str, text: str) -> None:
    type_into(draft, part, text)
    start_dry_run(draft)


def dry_run_button(draft: Draft, *, available: bool) -> None:
    """Draw the button; Ctrl-Enter in an editor does the same."""
    st.button(
        "Dry run",
        key="transforms.dry-run",
        on_click=start_dry_run,
        args=(draft,),
        icon=":material/play_arrow:",
        type="primary",
        disabled=not available or (draft.dry_run is not None and draft.dry_run.running),
        help="Run both functions on the samples, without sending anything",
    )


def dry_run(draft: Draft) -> None:
    """Draw the last dry run."""
    if draft.dry_run is not None:
        with showing_errors():
            draw_dry_run(draft.dry_run, outdated=draft.dry_run.of != as_it_is(draft))
