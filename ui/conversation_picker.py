"""Choose among the conversations of this browser."""

import streamlit as st

from ui.conversation import Conversation
from ui.session import conversations, open_conversation, reseed, typed_into

KEY = "chat-conversation"


def conversation_picker(shown: Conversation) -> None:
    """Draw the choice, once there is one."""
    listed = conversations()
    titles = _titles(listed if any(one is shown for one in listed) else [*listed, shown])
    if len(titles) > 1:
        st.selectbox(
            "Conversation",
            list(titles),
            key=reseed(KEY, shown.name),
            format_func=lambda name: titles.get(name, name),
            on_change=lambda: open_conversation(typed_into(KEY)),
        )


def _titles(listed: list[Conversation]) -> dict[str, str]:
    """How each is called, the oldest of the same title without a number: Streamlit tells options apart by their labels."""
    titles: dict[str, str] = {}
    for one in reversed(listed):
        same = sum(other.title == one.title for other in listed if other.name in titles)
        titles[one.name] = f"{one.title} ({same + 1})" if same else one.title
    return dict(reversed(titles.items()))
