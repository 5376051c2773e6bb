"""The form of a body: a prompt with stop texts as LangChain sends it, or any JSON."""

from typing import Any

import streamlit as st

from services.driver_proxy import Target, any_json, question
from ui.driver_proxy.view import JSON_FORM, KEY, PROMPT_FORM, BodyDraft
from ui.session import seed

WITHOUT_BODY = {"GET", "HEAD"}


def body_form(draft: BodyDraft, target: Target) -> None:
    """Draw it; *draft* has what is typed."""
    if target.method in WITHOUT_BODY:
        st.caption(f"{target.method} carries no body.")
        return
    chosen = st.segmented_control("Body", [PROMPT_FORM, JSON_FORM], key=seed(f"{KEY}.form", draft.form), required=True)
    draft.form = chosen or draft.form
    if draft.form == JSON_FORM:
        draft.json = st.text_area(
            "JSON",
            key=seed(f"{KEY}.json", draft.json),
            height="content",
            help="Any JSON value; empty for no body at all.",
        )
        return
    draft.prompt = st.text_area("Prompt", key=seed(f"{KEY}.prompt", draft.prompt), height="content")
    draft.stop = st.multiselect(
        "Stop",
        draft.stop,
        key=seed(f"{KEY}.stop", draft.stop),
        accept_new_options=True,
        placeholder="not sent",
        help="The app is to end its text before the first of these.",
    )
    draft.more = st.text_area(
        "More keys",
        key=seed(f"{KEY}.more", draft.more),
        placeholder='{"temperature": 0.1}',
        height=80,
        help="A JSON object; not sent where it is empty. What an app takes beside prompt and stop is its own affair.",
    )


def body_of(draft: BodyDraft, target: Target) -> Any:
    """The body as a JSON value; None for none. Raises BadInput."""
    if target.method in WITHOUT_BODY:
        return None
    if draft.form == JSON_FORM:
        return any_json(draft.json)
    return question(draft.prompt, draft.stop, draft.more)
