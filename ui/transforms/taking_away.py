"""The call and its transform as code, drawn when it is asked for."""

import streamlit as st

from services.endpoints import Endpoint
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.transforms.samples import read_sample_request
from services.workspace import Workspace
from ui.errors import showing_errors
from ui.transforms.desk import Draft
from ui.transforms_take_away import draw_take_away


def taking_away(here: Workspace, endpoint: Endpoint, draft: Draft) -> None:
    """Draw the panel, folded away: what is in it runs the source once, to know which functions it has."""
    folded = st.expander(
        "Take it away: as code, as an MLflow model",
        icon=":material/code:",
        key="transforms.take-away",
        on_change="rerun",
    )
    if folded.open:
        with folded, showing_errors():
            body = read_sample_request(draft.request)
            asked = ShapedCall(AskedEndpoint.of(endpoint), body, draft.transform, draft.envelope)
            draw_take_away(here, asked, key=f"transforms.{endpoint.name}")
