"""Who may do what with an endpoint."""

import streamlit as st

from services.endpoints import (
    LEVELS,
    PRINCIPALS,
    Change,
    EndpointDetail,
    Grant,
    grant_change,
    list_grants,
    revoke_change,
)
from services.workspace import Workspace
from ui.connecting import identity
from ui.endpoints.change_button import change_button, change_code
from ui.endpoints.view import EndpointView
from ui.foreign_text import code, literal
from ui.session import seed

MEANING = {
    "CAN_VIEW": "see it and its settings",
    "CAN_QUERY": "also call it",
    "CAN_MANAGE": "also change and delete it, and grant permissions",
}


def endpoint_permissions(of: Workspace, view: EndpointView, detail: EndpointDetail, reason: str) -> None:
    """Draw the list, and the way to grant and revoke; switched off where there is a *reason*. Raises PlaygroundError."""
    endpoint = detail.endpoint

    def ask() -> list[Grant]:
        return list_grants(of, endpoint.id, endpoint.name)

    grants = view.answer("permissions", "Asking for its permissions", ask)
    me = identity(of).user_name
    for place, grant in enumerate(grants):
        _row(of, view, detail, grant, place, me, bool(reason))
    if not grants:
        st.caption("Nobody is named.")
    st.header("Grant")
    _grant_form(of, view, detail, bool(reason))


def _row(
    of: Workspace, view: EndpointView, detail: EndpointDetail, grant: Grant, place: int, me: str, disabled: bool
) -> None:
    endpoint = detail.endpoint

    def revoke() -> Change:
        # As it is at the click, not as it was drawn: the API can only replace all permissions at once.
        return revoke_change(endpoint.id, endpoint.name, list_grants(of, endpoint.id, endpoint.name), grant)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"endpoint-grant-{place}"):
        if not grant.field:
            st.caption("A permission of a kind that Brickyard does not know.", width="content")
            return
        you = " (you)" if grant.principal == me else ""
        st.markdown(f"{PRINCIPALS[grant.field]} {code(grant.principal)}{you} {code(grant.level)}", width="content")
        if grant.inherited:
            st.caption("inherited, so not to be revoked here", width="content")
        else:
            done = f"Revoked {code(grant.level)} from {code(grant.principal)}."
            key = f"endpoint-revoke-{place}"
            change_button("Revoke", revoke, of=of, view=view, done=done, key=key, disabled=disabled, quiet=True)


def _grant_form(of: Workspace, view: EndpointView, detail: EndpointDetail, disabled: bool) -> None:
    endpoint = detail.endpoint
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field = st.selectbox(
            "To a",
            list(PRINCIPALS),
            key="endpoint.grant.field",
            format_func=PRINCIPALS.__getitem__,
            disabled=disabled,
            width=180,
        )
        name = st.text_input(
            "Name",
            key=seed(f"endpoint.grant.name.{view.saved}", ""),
            placeholder="someone@example.com",
            disabled=disabled,
            width=260,
        )
        level = st.selectbox("Permission", LEVELS, index=1, key="endpoint.grant.level", disabled=disabled, width=180)
    st.caption(" · ".join(f"{code(one)} {MEANING[one]}" for one in LEVELS))
    grant = Grant(field or "user_name", (name or "").strip(), level or LEVELS[0])

    def make() -> Change:
        return grant_change(endpoint.id, endpoint.name, grant)

    done = f"Granted {code(grant.level)} to {literal(grant.principal)}."
    change_button("Grant", make, of=of, view=view, done=done, key="endpoint-grant-save", disabled=disabled)
    change_code(make, key="endpoint-grant-code")
