"""Choose among the conversations of this browser."""

import streamlit as st

from ui.conversation import Conversation
from ui.session import conversations, open_conversation, reseed, typed_into

KEY = "chat-conversation"


def conversation_picker(shown: Conversation) -> None:
    """Draw the choice, once there is one."""
    titles = {one.name: one.title for one in conversations()}
    titles.setdefault(shown.name, shown.title)
    if len(titles) > 1:
        st.selectbox(
            "Conversation",
            list(titles),
            key=reseed(KEY, shown.name),
            format_func=lambda name: titles.get(name, name),
            on_change=lambda: open_conversation(typed_into(KEY)),
        )
