"""An endpoint's tags."""

import streamlit as st

from services.endpoints import Change, EndpointDetail, tags_change, tags_of
from services.workspace import Workspace
from ui.endpoints.change_button import change_button, change_code
from ui.endpoints.view import EndpointView
from ui.foreign_text import code
from ui.session import seed


def endpoint_tags(of: Workspace, view: EndpointView, detail: EndpointDetail, reason: str) -> None:
    """Draw the tags, and the way to add and remove them; switched off where there is a *reason*."""
    tags, disabled = tags_of(detail), bool(reason)
    for place, (key, value) in enumerate(tags.items()):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"endpoint-tag-{place}"):
            st.markdown(f"{code(key)} {code(value)}", width="content")
            change_button(
                "Remove",
                lambda key=key: tags_change(view.name, {}, [key]),  # type: ignore[misc]  # the loop's own key
                of=of,
                view=view,
                done=f"Removed the tag {code(key)}.",
                key=f"endpoint-tag-remove-{place}",
                disabled=disabled,
                quiet=True,
            )
    if not tags:
        st.caption("It has no tags.")
    st.header("Add or change")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.text_input("Key", key=seed(f"endpoint.tag.key.{view.saved}", ""), disabled=disabled, width=220) or ""
        value = st.text_input("Value", key=seed(f"endpoint.tag.value.{view.saved}", ""), disabled=disabled, width=260)

    def make() -> Change:
        return tags_change(view.name, {key: value or ""})

    done = f"Set the tag {code(key)}."
    change_button("Set the tag", make, of=of, view=view, done=done, key="endpoint-tag-save", disabled=disabled)
    change_code(make, key="endpoint-tag-code")
