"""One endpoint on the Invoke page: what is known of it, the body as a form and as JSON, and the call."""

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.invocation import Example
from services.workspace import Workspace
from ui.call_transform import draw_call_transform
from ui.errors import draw_error, showing_errors
from ui.foreign_text import literal
from ui.invocation_reply import LOOK_SECONDS
from ui.invoke.call import draw_outcome, draw_send
from ui.invoke.form import draw_choice, draw_form
from ui.invoke.sheet import Sheet, Sheets, ask
from ui.invoke.twin import draw_twin
from ui.readiness import draw_states, readiness
from ui.session import kept

MOST_EXAMPLES = 12


def invoke(of: Workspace, endpoint: Endpoint) -> None:
    """Draw all of it. Never waits for the workspace."""
    sheet = kept(Sheets).sheet(of, endpoint.name)
    draw_states(of, [endpoint], busy=sheet.running)
    if not sheet.asked.done():
        st.fragment(_asking, run_every=LOOK_SECONDS)(sheet)
        return
    sheet.begin()
    _draw_source(sheet, of, endpoint.name)
    draw_choice(sheet)
    form, twin = st.columns([3, 2], gap="medium")
    with form, showing_errors():
        draw_form(sheet)
    with twin:
        draw_twin(sheet)
    with showing_errors():
        draw_call_transform(
            sheet.shaping,
            sheet.body,
            of,
            endpoint,
            key=f"invoke.{sheet.number}",
            picker=f"invoke.{endpoint.name}.transform",
        )
    draw_send(sheet, of, endpoint, readiness(of, endpoint))
    draw_outcome(sheet, of, endpoint)


def _asking(sheet: Sheet) -> None:
    if sheet.asked.done():
        st.rerun()
    st.caption(":material/hourglass_top: Reading its schema")


def _draw_source(sheet: Sheet, of: Workspace, name: str) -> None:
    """Where the form is from, and examples to begin with."""
    if isinstance(sheet.refused, PlaygroundError):
        draw_error(sheet.refused)
        st.button("Ask again", key=f"invoke.{sheet.number}.again", on_click=_ask_again, args=(sheet, of, name))
    elif sheet.refused is not None:
        raise sheet.refused  # a bug stays loud
    interface = sheet.interface
    with st.container(horizontal=True, vertical_alignment="center", key=f"invoke-source-{sheet.number}"):
        if interface.known:
            st.caption(f"Drawn from {literal(interface.source)}.", width="content")
        elif sheet.refused is None:
            st.caption(
                "It does not publish how it wants to be asked. The form begins with a prompt and stop texts: change it to what "
                "its model takes.",
                width="content",
            )
        if interface.examples:
            with st.popover("Examples", icon=":material/lightbulb:", key=f"invoke.{sheet.number}.examples"):
                for place, example in enumerate(interface.examples[:MOST_EXAMPLES]):
                    _draw_example(sheet, place, example)


def _draw_example(sheet: Sheet, place: int, example: Example) -> None:
    st.button(
        literal(example.name) or f"Example {place + 1}",
        key=f"invoke.{sheet.number}.example-{place}",
        on_click=sheet.change,
        args=(dict(example.body),),
        width="stretch",
    )


def _ask_again(sheet: Sheet, of: Workspace, name: str) -> None:
    sheet.asked, sheet.begun = ask(of, name), False
