"""What was done here, as code: one dialect at a time."""

from collections.abc import Sequence

import streamlit as st

from services.snippets import Snippet


def draw_snippets(snippets: Sequence[Snippet], *, key: str, label: str = "Code", height: int | None = None) -> None:
    """Draw a choice of dialects, where there are several, and the chosen one's code, to copy or to save; longer than *height*
    pixels, it scrolls."""
    names = [snippet.dialect for snippet in snippets]
    chosen = None
    if len(names) > 1:
        chosen = st.segmented_control(label, names, default=names[0], key=f"{key}-dialect", required=True)
    snippet = next((one for one in snippets if one.dialect == chosen), snippets[0])
    with st.container(key=f"{key}-snippet"):
        st.code(snippet.code, language=snippet.language, height=height or "content")
    if snippet.install:  # below the code: that is what was asked for
        st.code(snippet.install, language="bash")
    if snippet.note:
        st.caption(snippet.note)
    st.download_button(
        f"Save as {snippet.file_name}",
        snippet.code,
        snippet.file_name,
        "text/plain",
        key=f"{key}-save",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )
