"""What can be done with a whole conversation."""

import streamlit as st

from ui.conversation import Conversation
from ui.session import new_conversation


def conversation_tools(shown: Conversation) -> None:
    """Draw the page's title, and beside it what begins another conversation or clears this one."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="chat-tools"):
        st.title("Chat", width="stretch")
        if shown.turns:
            st.button("New", key="chat-new", on_click=new_conversation, icon=":material/add:")
            st.button("Clear", key="chat-clear", on_click=shown.clear, icon=":material/delete_sweep:")


def undo_clear(shown: Conversation) -> None:
    """Draw what brings a cleared conversation back, where there is one."""
    if shown.cleared:
        undo = f"Undo clear ({len(shown.cleared)} turns)"
        st.button(undo, key="chat-undo", on_click=shown.undo, icon=":material/undo:")
