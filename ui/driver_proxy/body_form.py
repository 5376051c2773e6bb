"""The form of a body: a prompt with stop texts as LangChain sends it, or any JSON."""

from typing import Any

import streamlit as st

from services.driver_proxy import MORE, Target, any_json, question
from services.errors import BadInput
from ui.driver_proxy.view import JSON_FORM, KEY, PROMPT_FORM, BodyDraft
from ui.foreign_text import literal
from ui.parameters import NOT_SENT
from ui.session import seed

WITHOUT_BODY = {"GET", "HEAD"}


def body_form(draft: BodyDraft, target: Target) -> BadInput | None:
    """Draw it; *draft* has what is typed. What is wrong with it, which is told at its field."""
    if target.method in WITHOUT_BODY:
        st.caption(f"{target.method} carries no body.")
        return None
    chosen = st.segmented_control("Body", [PROMPT_FORM, JSON_FORM], key=seed(f"{KEY}.form", draft.form), required=True)
    draft.form = chosen or draft.form
    if draft.form == JSON_FORM:
        draft.json = st.text_area(
            "JSON",
            key=seed(f"{KEY}.json", draft.json),
            height="content",
            help="Any JSON value; empty for no body at all.",
        )
    else:
        _prompt_form(draft)
    try:
        body_of(draft, target)
    except BadInput as wrong:  # in either form, of the JSON that is typed last
        st.markdown(f":small[:red[:material/error: {literal(wrong.message)} {literal(wrong.hint)}]]")
        return wrong
    return None


def _prompt_form(draft: BodyDraft) -> None:
    draft.prompt = st.text_area("Prompt", key=seed(f"{KEY}.prompt", draft.prompt), height="content")
    draft.stop = st.multiselect(
        "Stop",
        draft.stop,
        key=seed(f"{KEY}.stop", draft.stop),
        accept_new_options=True,
        placeholder=NOT_SENT,
        help="The app is to end its text before the first of these.",
    )
    left, right = st.columns(2)  # without bounds: which numbers an app takes is its own affair
    draft.temperature = left.number_input(
        "temperature",
        value=None,
        step=0.1,
        format="%.2f",
        key=seed(f"{KEY}.temperature", draft.temperature),
        placeholder=NOT_SENT,
        help="How freely it chooses its words: 0 for always the likeliest.",
    )
    draft.max_tokens = right.number_input(
        "max_tokens",
        value=None,
        step=1,
        key=seed(f"{KEY}.max_tokens", draft.max_tokens),
        placeholder=NOT_SENT,
        help="How long its text may become.",
    )
    draft.more = st.text_area(
        MORE,
        key=seed(f"{KEY}.more", draft.more),
        placeholder=NOT_SENT,
        height=80,
        help='A JSON object, such as {"top_p": 0.9}; not sent where it is empty. What an app takes beside prompt and stop is '
        "its own affair.",
    )


def body_of(draft: BodyDraft, target: Target) -> Any:
    """The body as a JSON value; None for none. Raises BadInput."""
    if target.method in WITHOUT_BODY:
        return None
    if draft.form == JSON_FORM:
        return any_json(draft.json)
    fields = {"temperature": draft.temperature, "max_tokens": draft.max_tokens}
    return question(draft.prompt, draft.stop, draft.more, fields)
