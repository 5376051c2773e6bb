"""An app to begin with: choose what serves and what writes, see the whole file, and how it gets onto a cluster."""

import streamlit as st

from services.driver_apps import SOURCES, Framework, ModelKind, driver_app, steps
from services.driver_proxy import USUAL_PORT
from ui.driver_proxy.view import KEY
from ui.foreign_text import literal
from ui.session import seed


def starter_app() -> None:
    """Draw it. Raises BadInput for a model's name or a port that cannot be."""
    st.markdown(
        "A whole app in one file that keeps the contract: stop texts are looked for in what was generated only, limits on "
        "what comes in, JSON for every refusal, no code from a model's repository."
    )
    left, right = st.columns([3, 2])
    chosen = left.selectbox("Text is written by", list(ModelKind), key=seed(f"{KEY}.app-model", ModelKind.ENDPOINT))
    model = chosen or ModelKind.ENDPOINT
    framework = right.segmented_control(
        "Served with", list(Framework), key=seed(f"{KEY}.app-framework", Framework.FASTAPI), required=True
    )
    asked = SOURCES[model]
    left, right = st.columns([3, 2])
    source = left.text_input(
        asked.label, key=f"{KEY}.app-source-{model.name}", placeholder=asked.example, help=asked.help
    )
    port = right.number_input("Port on the driver", value=None, step=1, key=seed(f"{KEY}.app-port", USUAL_PORT))
    app = driver_app(framework or Framework.FASTAPI, model, source=source, port=port or USUAL_PORT)
    st.download_button(
        f"Save as {app.file_name}",
        app.code,
        app.file_name,
        "text/x-python",
        key=f"{KEY}.app-save",
        on_click="ignore",
        icon=":material/download:",
        type="primary",
    )
    st.subheader("Onto a cluster")
    for number, step in enumerate(steps(app, port or USUAL_PORT), 1):
        st.markdown(f"{number}. {literal(step.says)}")
        if step.code:
            st.code(step.code, language=step.language)
    st.subheader("The whole file")
    with st.container(key=f"{KEY}-app-code"):
        st.code(app.code, language=app.language, height=600, line_numbers=True)
