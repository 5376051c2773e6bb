"""What the next prompt will send: the body, before it leaves."""

import json

import streamlit as st

from services.chat import chat_to_wire
from services.errors import PlaygroundError
from ui.conversation import Conversation


def request_preview(shown: Conversation) -> None:
    """Draw the next request's body. Always on the page: it also loads the highlighter before the first answer needs it."""
    with st.expander("Next request", key="chat.preview", expanded=True):
        try:
            body = chat_to_wire(shown.preview()[0])
        except PlaygroundError as error:
            st.warning(f"{error.message} **Next:** {error.hint}", icon=":material/warning:")
            return
        count = len(body["messages"])
        body["messages"] = ["…"] if count == 1 else [f"… {count} messages"]
        st.code(json.dumps(body, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
