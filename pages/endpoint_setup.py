"""Set up an endpoint: fill in a form or its JSON, send it, watch it become ready."""

import streamlit as st

from ui.banner import banner
from ui.connecting import workspace
from ui.endpoint_setup.setup import current_draft, form_and_json, on_its_way, title
from ui.errors import showing_errors
from ui.navigation import link_to

top, draft = st.container(), None
with showing_errors():
    here = workspace()
    banner(here)
    draft = current_draft(here)
    on_its_way(here, draft)
    form_and_json(here, draft)
with top:
    title(draft)
if draft is None:
    link_to("endpoints", "All endpoints")
