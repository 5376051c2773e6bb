"""The call as code: of the body as it is now."""

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.snippets.invocation import invocation_snippets
from ui.connecting import local_shell_line
from ui.errors import draw_error
from ui.invoke.sheet import Sheet
from ui.snippet_list import draw_snippets


def code_button(sheet: Sheet, endpoint: Endpoint) -> None:
    """Draw the button that opens it."""
    if st.button("Code", key=f"invoke.{sheet.number}.code", type="tertiary", icon=":material/code:"):
        code_dialog(sheet, endpoint)


@st.dialog("The same call as code", width="large")
def code_dialog(sheet: Sheet, endpoint: Endpoint) -> None:
    """Open the call as code."""
    try:
        snippets = invocation_snippets(endpoint.name, sheet.body, endpoint.task)
    except PlaygroundError as error:
        draw_error(error)
        return
    if sheet.wrong is not None:
        st.warning("The JSON is being edited and is none yet: this is the body before that.", icon=":material/edit:")
    draw_snippets(snippets, key="invoke-code", label="Client")
    st.caption(
        "It sends this body. Host and token come from DATABRICKS_HOST and DATABRICKS_TOKEN: no credential is ever written "
        "into code."
    )
    if line := local_shell_line():
        st.caption("In a shell of yours on this machine, this line sets both first:")
        st.code(line, language="bash")
    if sheet.shaping.chosen is not None:
        st.caption("Without the transform: “Take it away” beside the transform has the call with the functions in it.")
