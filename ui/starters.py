"""Questions for a first click."""

import streamlit as st

STARTERS = (
    "Explain photosynthesis in two sentences.",
    "Give me three tips for a good night's sleep.",
    "Why is the sky blue?",
)


def starter_buttons() -> str | None:
    """Draw them; the question that was clicked, in the run that follows the click."""
    clicked = None
    with st.container(horizontal=True, key="starters"):
        for number, question in enumerate(STARTERS):
            if st.button(question, key=f"starter-{number}"):
                clicked = question
    return clicked
