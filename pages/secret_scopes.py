"""Secrets: scopes, their keys, who may use them, and which endpoints do."""

import streamlit as st

from services.secret_scopes import SecretScope
from services.secret_uses import UsesLook
from services.workspace import Workspace
from ui.address import scope_in_address, show_scope_in_address
from ui.banner import banner
from ui.clock import clock
from ui.connecting import workspace
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.secret_scope_access import draw_access, draw_end
from ui.secret_scope_changes import SecretChanges
from ui.secret_scope_keys import draw_keys, store_what_was_entered
from ui.secret_scope_list import draw_scopes
from ui.secret_scope_lists import forget_secret_scopes, scope_contents, secret_scopes, secret_scopes_as_of
from ui.secret_uses import draw_broken, draw_look, look_at_uses
from ui.session import remembered

ABOUT = "Keys that endpoints need, such as a provider's API key. A value is written here and never shown again."


def listed_scopes(here: Workspace) -> list[SecretScope]:
    """The scopes, with how old their list is, and a button to ask again: also where it does not come."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="secrets-age"):
        age, icon = st.empty(), ":material/refresh:"
        st.button(
            "Refresh", key="secrets.refresh", on_click=forget_secret_scopes, args=(here,), icon=icon, type="tertiary"
        )
    scopes = secret_scopes(here)
    age.caption(f"As of {clock(secret_scopes_as_of(here))}", width="content")
    return scopes


def kept_in(scope: SecretScope) -> str:
    """Where its values are, in Markdown, if that is not the workspace itself."""
    if scope.read_only:
        return "Kept in an Azure Key Vault, read-only here"
    return "" if scope.backend_type == "DATABRICKS" else f"Kept in {code(scope.backend_type)}"


def one_scope(here: Workspace, scope: SecretScope, look: UsesLook | None) -> None:
    icon = ":material/arrow_back:"
    st.button("All scopes", key="secrets.all", on_click=show_scope_in_address, args=("",), icon=icon, type="tertiary")
    st.header(code(scope.name))
    remembered(SecretChanges).draw_outcome("create", scope.name)
    with showing_errors():
        contents = scope_contents(here, scope.name)
        st.caption(
            " · ".join(part for part in (kept_in(scope), f"Your permission: {literal(contents.mine.label)}") if part)
        )
        draw_broken(look, scope.name)
        draw_keys(here, scope, contents, look)
        draw_access(here, scope, contents)
        draw_end(here, scope, contents, look)


def all_scopes(here: Workspace, scopes: list[SecretScope], look: UsesLook | None, unknown: str) -> None:
    st.caption(ABOUT)
    if unknown:
        st.warning(f"There is no secret scope {code(unknown)} in this workspace.", icon=":material/warning:")
    remembered(SecretChanges).draw_outcome("end")
    draw_broken(look)
    draw_scopes(here, scopes, look)


st.title("Secrets")
with showing_errors():
    here = workspace()
    banner(here)
    changes = remembered(SecretChanges)
    changes.carry_out(here)
    changes.open_what_was_made()
    store_what_was_entered(here)
    scopes = listed_scopes(here)
    look = look_at_uses(here)
    asked = scope_in_address()
    chosen = next((scope for scope in scopes if scope.name.casefold() == asked.casefold()), None)
    if chosen is not None:
        one_scope(here, chosen, look)
    else:
        all_scopes(here, scopes, look, asked)
    draw_look(look)
