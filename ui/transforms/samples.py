"""The samples of a draft, and the ways to get them: typed, an endpoint's own, the last real call."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from services.endpoints import Endpoint, get_endpoint_detail
from services.errors import PlaygroundError
from services.invocation import get_test_body
from services.invocation.exchanged import exchanged
from services.transforms import Envelope, Takes
from services.transforms.envelope import RECORDS
from services.transforms.samples import read_sample_request, sample_reply, sample_text
from services.workspace import Workspace
from ui.address import endpoints_in_address, show_endpoints_in_address, take_sample_from_address
from ui.components.code_editor import code_editor
from ui.connecting import endpoints, partner
from ui.driver_proxy.view import driver_proxy_view
from ui.errors import showing_errors
from ui.foreign_text import code
from ui.invoke.sheet import Sheets
from ui.session import entered, kept, mirror, typed_into
from ui.tallies import Tallies, all_tallies
from ui.transforms.drafts import Draft, begin_again, tab, type_into
from ui.transforms.dry_run import draw_dry_run
from ui.transforms.source_editor import as_it_is, start_dry_run

_ENDPOINT = "transforms.endpoint"
_WHOLE, _RECORD = "The whole body", "One record"
_ENVELOPES = {_WHOLE: Envelope.BODY, _RECORD: Envelope.RECORD}
_ENVELOPE = "transforms.envelope"
MOST_LOOKED_AT = 100_000
"""Characters of a sample that is read at each rerun."""
_ABOUT_ENVELOPE = (
    "LangChain's Databricks class gives transform_input one record, {prompt, stop}, wraps what it returns into "
    "dataframe_records, and gives transform_output the first prediction. “One record” does the same where a body has one record."
)


def endpoint_choice(here: Workspace, draft: Draft) -> Endpoint | None:
    """Draw the choice of the endpoint whose samples are taken and that is called; None where there is none.

    The address may name one; and a starter that was just chosen comes with one that it is for.
    """
    found = {one.name: one for one in endpoints(here)}
    _follow_link(draft, found)
    wanted, tab().fits = tab().fits, None
    now = found.get(tab().endpoint)
    if now is None or not _fits(now, wanted):
        usual = [one for one in found.values() if one.ready and one.chats] or list(found.values())
        fitting = [one for one in found.values() if one.ready and wanted is not None and _fits(one, wanted)]
        tab().endpoint = next((one.name for one in (fitting or [*filter(None, [now])] or usual)), "")
    if not found:
        st.info("No endpoint here. The connection page leads to another workspace.", icon=":material/bedtime:")
        return None
    st.selectbox(
        "Endpoint",
        list(found),
        key=mirror(_ENDPOINT, tab().endpoint),
        on_change=_choose_endpoint,
        args=(draft, found),
        width=360,
    )
    draft.endpoint = tab().endpoint
    show_endpoints_in_address([draft.endpoint])
    return found[draft.endpoint]


def _follow_link(draft: Draft, found: Mapping[str, Endpoint]) -> None:
    """Show the endpoint that the address names. After a reload its samples are there already, and stay as they are."""
    here, brings = tab(), take_sample_from_address()
    linked = next((found[name] for name in endpoints_in_address() if name in found), None)
    if linked is None or (linked.name == here.endpoint and not brings):
        return
    here.fits = None
    if linked.name == draft.endpoint and not brings:
        here.endpoint = linked.name
        return
    begun_again = begin_again(draft, _takes(linked))
    _use_endpoint(draft, linked)
    here.brings = brings
    if begun_again:
        st.rerun()  # its editors are drawn already


def _takes(endpoint: Endpoint) -> Takes:
    if endpoint.chats:
        return Takes.CHAT
    return Takes.ANY if endpoint.task and "completions" not in endpoint.task else Takes.PROMPT


def _fits(endpoint: Endpoint, wanted: Takes | None) -> bool:
    return endpoint.chats if wanted is Takes.CHAT else not endpoint.task if wanted is Takes.PROMPT else True


def _choose_endpoint(draft: Draft, found: Mapping[str, Endpoint]) -> None:
    chosen = found.get(typed_into(_ENDPOINT))
    if chosen is not None:
        _use_endpoint(draft, chosen)
        show_endpoints_in_address([chosen.name])


def _use_endpoint(draft: Draft, endpoint: Endpoint) -> None:
    """Let the samples be for that endpoint: LangChain's transforms were given a custom model's one record."""
    wraps = RECORDS in draft.source
    draft.envelope = Envelope.BODY if endpoint.task or wraps else Envelope.RECORD
    tab().endpoint, tab().refill = endpoint.name, True


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
        draft.fill(sample_text(called[0]), sample_text(called[1]))
        st.rerun()
    _fill_from_driver_proxy(here, draft)
    refill, tab().refill = tab().refill and not draft.samples_typed, False
    brings, tab().brings = tab().brings, False
    brought = kept(Sheets).body(here, endpoint.name) if refill and brings else None
    if brought is not None:
        draft.fill(sample_text(brought), sample_text(sample_reply(endpoint.task)))
        tab().said = f"The sample request is the body that Invoke has for {code(endpoint.name)}."
        st.rerun()
    if asked or refill:
        with st.spinner(f"Reading the schema of {code(endpoint.name)}", show_time=True):
            found = get_test_body(here, get_endpoint_detail(here, endpoint.name))
        request = sample_text(found[1]) if found is not None else '{\n  "inputs": []\n}'
        draft.fill(request, sample_text(sample_reply(endpoint.task)))
        st.rerun()


def _fill_from_driver_proxy(here: Workspace, draft: Draft) -> None:
    """Draw the same for the last call of an app on a cluster's driver, where there was one."""
    job = driver_proxy_view(here).job
    called = exchanged(job.call.record) if job is not None else None
    if called is not None and st.button(
        "Use the driver proxy's last call",
        key="transforms.fill-driver",
        icon=":material/cable:",
        help="What was asked on the Driver proxy page, and the app's answer. Attach the transform there, beside Send.",
    ):
        draft.fill(sample_text(called[0]), sample_text(called[1]))
        draft.envelope = Envelope.BODY
        st.rerun()


def envelope_choice(draft: Draft) -> None:
    """Draw what the functions are given of a body."""
    chosen = next(label for label, envelope in _ENVELOPES.items() if envelope is draft.envelope)
    st.segmented_control(
        "The functions are given",
        list(_ENVELOPES),
        key=mirror(_ENVELOPE, chosen),
        on_change=partial(_choose_envelope, draft),
        help=_ABOUT_ENVELOPE,
        required=True,
    )


def samples(draft: Draft) -> None:
    """Draw both samples."""
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
    _draw_given(draft)


def _draw_given(draft: Draft) -> None:
    """Say where there is no one record to give."""
    if draft.envelope is not Envelope.RECORD or not 0 < len(draft.request.strip()) < MOST_LOOKED_AT:
        return
    try:
        body = draft.envelope.body_of(read_sample_request(draft.request))
    except PlaygroundError:  # a run of it tells
        return
    if draft.envelope.open(body) == body:
        st.caption(
            ":material/info: This body has not one record in `dataframe_records`, so the function is given the whole body."
        )


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
