"""Transforms: write the two functions around a call, try them without sending, keep them, call through them."""

import streamlit as st

from services.endpoints import Endpoint
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import workspace
from ui.errors import showing_errors
from ui.transforms.calling import call
from ui.transforms.desk import Draft, tab
from ui.transforms.keeping import attaching, keeping
from ui.transforms.shelf import shelf
from ui.transforms.taking_away import taking_away
from ui.transforms.trying import dry_run, dry_run_button, endpoint_choice, fill_buttons, samples
from ui.transforms.walls import draw_walls, walls
from ui.transforms.writing import all_marked, source_editor


def source(draft: Draft) -> None:
    if tab().said:
        st.success(tab().said, icon=":material/check_circle:")
    source_editor(draft)
    keeping(draft)


def trial(here: Workspace | None, draft: Draft, *, available: bool) -> Endpoint | None:
    st.subheader("Try it", anchor=False)
    endpoint = None
    with st.container(horizontal=True, vertical_alignment="bottom"), showing_errors():
        if here is not None:
            endpoint = endpoint_choice(here)
            if endpoint is not None:
                fill_buttons(here, endpoint, draft)
    samples(draft)
    dry_run_button(draft, available=available)
    dry_run(draft)
    return endpoint


here: Workspace | None = None
st.title("Transforms")
with showing_errors():
    here = workspace()
    banner(here)
state = walls()
with showing_errors():
    draft = shelf()
    source(draft)
    endpoint = trial(here, draft, available=state.available)
    if here is not None and endpoint is not None:
        call(here, endpoint, draft, available=state.available)
        attaching(here, endpoint, draft)
        taking_away(here, endpoint, draft)
    all_marked(draft)
draw_walls(state)
