"""Transforms: write the two functions around a call, try them without sending, keep them, call through them."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import workspace
from ui.errors import showing_errors
from ui.transforms.calling import call
from ui.transforms.choice import transform_choice
from ui.transforms.drafts import Draft, tab
from ui.transforms.samples import (
    dry_run,
    dry_run_button,
    endpoint_choice,
    envelope_choice,
    fill_buttons,
    samples,
)
from ui.transforms.saving import attaching, saving
from ui.transforms.source_editor import all_marked, source_editor
from ui.transforms.take_away import taking_away
from ui.transforms.walls import draw_walls, walls


def source(draft: Draft) -> None:
    if tab().said:
        st.success(tab().said, icon=":material/check_circle:")
    top = st.container()
    source_editor(draft)
    with top:  # after the editor, which brings what was typed
        saving(draft)


def trial(here: Workspace | None, draft: Draft, *, available: bool) -> Endpoint | None:
    endpoint = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dry_run_button(draft, available=available)
        envelope_choice(draft)
    results = st.container()
    st.header("Samples", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"), showing_errors():
        if here is not None:
            endpoint = endpoint_choice(here, draft)
            if endpoint is not None:
                fill_buttons(here, endpoint, draft)
    samples(draft)
    with results:  # after the editors, which bring what was typed
        dry_run(draft)
    return endpoint


here: Workspace | None = None
st.title("Transforms")
with showing_errors():
    here = workspace()
    banner(here)
state = walls()
with showing_errors():
    draft = transform_choice()
    source(draft)
    endpoint = trial(here, draft, available=state.available)
    if here is not None and endpoint is not None:
        call(here, endpoint, draft, available=state.available)
        attaching(here, endpoint, draft)
        taking_away(here, endpoint, draft)
    all_marked(draft)
draw_walls(state)
