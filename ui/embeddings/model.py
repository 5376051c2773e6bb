"""Choose which endpoint is asked for vectors, and how; what that will send."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from services.counting import in_words
from services.embeddings.asking import MOST_AT_ONCE, host_of, run_key, vector_cache
from services.embeddings.datasets import embedding_store
from services.embeddings.records import MAX_BATCH, Asking, BodyForm, Dataset, Purpose
from services.endpoints import Endpoint
from services.readiness import readiness_of
from services.workspace import Workspace
from ui.address import endpoints_in_address, show_endpoints_in_address
from ui.connecting import endpoints_with
from ui.embeddings.asking_draft import (
    NOT_READ,
    AskingDraft,
    ask_schema_again,
    asking_draft,
    last_endpoint,
    note_endpoint,
)
from ui.embeddings.view import Held, held_texts
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.list_age import list_age
from ui.navigation import link_to
from ui.readiness import draw_states, readiness
from ui.session import entered, mirror, owner
from ui.transform_picker import endpoint_place, transform_picker

KEY = "embeddings.endpoint"
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Choice:
    """What is to be asked, and how."""

    endpoint: Endpoint
    draft: AskingDraft
    may_send: bool
    """Whether the endpoint can be called, as far as is known."""
    asking: Asking | None
    """None where it cannot be asked so, as is told there."""
    left: int = 0
    """How many texts are to be sent, as far as is known."""


def model_choice(here: Workspace, dataset: Dataset) -> Choice | None:
    """Draw the choice of the endpoint and how it is asked. Raises PlaygroundError."""
    endpoint = _endpoint_choice(here)
    if endpoint is None:
        return None
    draw_states(here, [endpoint], busy=False)
    draft = asking_draft(here, endpoint)
    if draft is None:
        st.fragment(_reading_schema, run_every=LOOK_SECONDS)(here, endpoint)
        return None
    with st.expander("How it is asked", icon=":material/tune:"), showing_errors():
        draft.sure = False
        draft.transform = transform_picker(
            endpoint_place(here, endpoint.name), key=f"embeddings.{endpoint.name}.transform"
        )
        draft.sure = True
        _options(here, endpoint, draft)
    may_send, asking, left = readiness(here, endpoint).may_send, None, 0
    with showing_errors():
        asking = draft.asking(endpoint)
        left = _draw_plan(here, dataset, asking)
    return Choice(endpoint, draft, may_send, asking, left)


def _reading_schema(here: Workspace, endpoint: Endpoint) -> None:
    if asking_draft(here, endpoint) is not None:
        st.rerun()
    st.caption(":material/hourglass_top: Reads its schema, to know how it wants to be asked")
    st.button("Embed", key="embeddings.embed-waits", type="primary", icon=":material/play_arrow:", disabled=True)


def _endpoint_choice(here: Workspace) -> Endpoint | None:
    asked = next(iter(endpoints_in_address()), "")
    listed = endpoints_with(here, [asked] if asked else [])
    fitting = sorted((one for one in listed if one.embeds or not one.task), key=lambda one: not one.embeds)
    found = {one.name: one for one in fitting}
    name = asked or last_endpoint(here) or _first(fitting)
    mirror(KEY, name if name in found else None)
    with st.container(horizontal=True, vertical_alignment="bottom", key="embeddings-endpoint"):
        st.selectbox(
            "Endpoint",
            list(found),
            index=0 if name in found else None,  # one that is chosen cannot be emptied
            key=KEY,
            format_func=lambda one: one if one not in found or found[one].embeds else f"{one} (custom model)",
            placeholder="Choose one",
            on_change=_choose,
            args=(here, tuple(found)),
            help="Those for embeddings first, then custom models, of which it is not known whether they give vectors. Those for "
            "chat and completions give none, and are left out.",
        )
        if name in found:
            link_to("endpoint", "Its page", endpoint=name)
    if not found:
        st.info("This workspace has no endpoint that gives vectors, as far as you may see.", icon=":material/bedtime:")
        link_to("endpoint_setup", "Set up an endpoint")
        list_age(here, key="embeddings", drawn=listed)
    elif name not in found:
        other = next((one for one in listed if one.name == name), None)
        st.warning(
            f"The endpoint {code(name)} is for {code(other.task)}, not for embeddings: choose another one."
            if other
            else f"This workspace lists no endpoint {code(name)}: choose one of the list.",
            icon=":material/warning:",
        )
    return found.get(name)


def _choose(here: Workspace, known: Sequence[str]) -> None:
    chosen = entered(KEY)
    if chosen in known:
        note_endpoint(here, str(chosen))
        show_endpoints_in_address([str(chosen)])


def _first(fitting: Sequence[Endpoint]) -> str:
    ready = [one for one in fitting if one.ready and readiness_of(one).may_send]
    return next((one.name for one in (*ready, *fitting)), "")


def _options(here: Workspace, endpoint: Endpoint, draft: AskingDraft) -> None:
    """Draw what can be said of how it is asked; each is kept in the draft."""
    key = f"embeddings.{endpoint.name}"
    if draft.source:
        st.caption(literal(draft.source))
    if draft.source.startswith(NOT_READ):
        st.button(
            "Read its schema again", key=f"{key}.again", on_click=ask_schema_again, args=(here, endpoint),
            icon=":material/refresh:", type="tertiary",
        )  # fmt: skip
    with st.container(horizontal=True):
        if not endpoint.embeds:
            _field(st.selectbox, draft, key, "form", "Body", list(BodyForm), help="Where the texts stand in a request")
            if draft.form is not BodyForm.INPUT:
                _field(st.text_input, draft, key, "column", "Column or input", help="Its name in the model's signature")
        _field(
            st.number_input, draft, key, "dimensions", "Dimensions", min_value=1, max_value=100_000, step=1, width=190,
            value=None, placeholder="not sent", help="Asked of the model, whose own they are where it is not sent; many have one "
            "size only",
        )  # fmt: skip
        _field(
            st.number_input, draft, key, "batch", "Texts in a request", min_value=1, max_value=MAX_BATCH, step=1, width=190,
            help="An endpoint that takes fewer says so; then smaller requests are sent",
        )  # fmt: skip
        _field(
            st.number_input, draft, key, "at_once", "Requests at once", min_value=1, max_value=MOST_AT_ONCE, step=1,
            width=190, help="More are faster until the endpoint refuses some; those wait and are sent again",
        )  # fmt: skip
    _field(
        st.text_area, draft, key, "document_params", "Sent with the texts", height=70,
        placeholder='{"input_type": "passage"}', help="A JSON object; its fields stand beside the texts",
    )  # fmt: skip
    _field(
        st.text_area, draft, key, "query_params", "Sent with a query", height=70,
        placeholder='{"input_type": "query"}', help="The same where a text is looked for: some models tell them apart",
    )  # fmt: skip


def _field(
    widget: Callable[..., object], draft: AskingDraft, key: str, name: str, label: str, *options: object, **how: object
) -> None:
    key = f"{key}.{name}"
    mirror(key, getattr(draft, name))
    widget(label, *options, key=key, on_change=_put, args=(draft, key, name), **how)


def _put(draft: AskingDraft, key: str, name: str) -> None:
    value = entered(key)
    if value is None and name != "dimensions":  # emptied: a number is needed, so the last one stays
        return
    setattr(draft, name, value)


def _draw_plan(here: Workspace, dataset: Dataset, asking: Asking) -> int:
    """What a click will send; how many texts that are. Raises PlaygroundError."""
    held = held_texts(dataset)
    there = _here_already(here, dataset, held, asking)
    left = max(len(held.sent) - there, 0)
    repeated = len(held.texts) - held.empty - len(held.sent)
    parts = [
        f"{in_words(left, 'text')} in {in_words(math.ceil(left / asking.batch), 'request')}"
        if left
        else "Nothing is left to send",
        f"{there:,} here already" if there else "",
        f"{repeated:,} repeated, sent once" if repeated else "",
        f"{held.empty:,} empty, not sent" if held.empty else "",
    ]
    st.caption(" · ".join(part for part in parts if part))
    if asking.transform is not None:
        st.caption(
            f":material/transform: Your transform {code(asking.transform.name)} shapes each request and its reply."
        )
    return left


def _here_already(here: Workspace, dataset: Dataset, held: Held, asking: Asking) -> int:
    """How many of the texts that would be sent have a vector; counted anew when one of the dataset's runs has come further."""
    name = run_key(host_of(here), asking)
    run = next((one for one in embedding_store().list_runs(owner(), dataset.id) if one.key == name), None)
    known = (name, run.progress if run is not None else None)
    if known not in held.here:
        held.here.clear()
        held.here[known] = vector_cache().count_many(owner(), host_of(here), asking, Purpose.DOCUMENT, held.sent)
    return held.here[known]
