"""An app to begin with: choose what serves and what writes, see the whole file, and how it gets onto a cluster."""

import streamlit as st

from services.driver_apps import SOURCES, Framework, ModelKind, driver_app, step_here, steps
from services.driver_proxy import USUAL_PORT
from services.snippets import Snippet
from services.workspace import Door, Workspace
from ui.connecting import endpoints, local_shell_line
from ui.driver_proxy.clusters import is_example
from ui.driver_proxy.view import KEY
from ui.errors import showing_errors
from ui.foreign_text import literal
from ui.session import entered, seed


def starter_app(here: Workspace) -> None:
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
    names: list[str] = []
    if model is ModelKind.ENDPOINT:
        with showing_errors():
            usual = SOURCES[model].example
            known = sorted(endpoints(here), key=lambda one: (not one.ready, one.name != usual))
            names = [one.name for one in known if one.chats]
    left, right = st.columns([3, 2])
    with left:
        source = _source(model, names)
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
    st.header("Onto a cluster")
    for number, step in enumerate(steps(app, port or USUAL_PORT), 1):
        st.markdown(f"{number}. {literal(step.says)}")
        if step.code:
            st.code(step.code, language=step.language)
    if here.door is Door.LOCAL:
        _draw_local(here, app, port or USUAL_PORT)
    st.header("The whole file")
    with st.container(key=f"{KEY}-app-code"):
        st.code(app.code, language=app.language, height=600, line_numbers=True)


def _source(model: ModelKind, names: list[str]) -> str:
    """Draw the field that names the model: one of *names*, or any other that is typed; a plain field where there are none."""
    asked, key = SOURCES[model], f"{KEY}.app-source-{model.name}"
    if model is not ModelKind.ENDPOINT:
        return st.text_input(asked.label, key=key, placeholder=f"such as {asked.example}", help=asked.help)
    typed = entered(seed(key, next(iter(names), None)))
    others = [typed] if isinstance(typed, str) and typed not in names else []
    return (
        st.selectbox(
            asked.label,
            [*names, *others],
            None,
            key=key,
            placeholder="Choose one, or type its name",
            accept_new_options=True,
            help=asked.help,
        )
        or ""
    )


def _draw_local(here: Workspace, app: Snippet, port: int) -> None:
    """How to try it where the cluster's driver is this machine."""
    step = step_here(app, port + is_example(here, port), local_shell_line())  # where no app answers yet
    st.header("On this machine")
    st.markdown(literal(step.says))
    st.code(step.code, language=step.language, wrap_lines=True)
