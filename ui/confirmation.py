"""Ask before something is taken away that cannot be brought back."""

import streamlit as st

from ui.foreign_text import code, literal
from ui.session import typed_into


def confirmed_by_name(name: str, consequence: str, *, label: str = "Delete", key: str) -> bool:
    """Draw a form that asks for *name* to be typed; whether it was, in the run that follows the click.

    *consequence* says, in Markdown, what will be gone. For use within a dialog.
    """
    st.markdown(consequence)
    with st.form(f"{key}-form", border=False):
        st.text_input(f"Type {literal(name)} to confirm", key=f"{key}-name", autocomplete="off")
        pressed = st.form_submit_button(f":red[{label}]", key=f"{key}-confirm")
    if pressed and typed_into(f"{key}-name").strip() != name:
        st.error(f"That is not its name: type {code(name)} exactly. Nothing was deleted.", icon=":material/warning:")
        return False
    return pressed
