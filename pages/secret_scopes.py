"""Secrets: scopes, their keys, who may use them, and which endpoints do."""

import streamlit as st

from services.secret_scopes import SecretScope
from services.secret_uses import UsesLook
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import workspace
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.secret_scope_access import draw_access, draw_end
from ui.secret_scope_changes import SecretChanges
from ui.secret_scope_keys import draw_keys, store_what_was_entered
from ui.secret_scope_list import draw_scopes
from ui.secret_scope_lists import forget_secret_scopes, scope_contents, secret_scopes
from ui.secret_uses import draw_broken, draw_look, look_at_uses
from ui.session import remembered, scope_in_address, show_scope_in_address

ABOUT = "Keys that endpoints need, such as a provider's API key. A value is written here and never shown again."


def title(here: Workspace) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="secrets-tools"):
        st.title("Secrets", width="stretch")
        st.button(
            "Refresh",
            key="secrets.refresh",
            on_click=forget_secret_scopes,
            args=(here,),
            icon=":material/refresh:",
            type="tertiary",
        )


def one_scope(here: Workspace, scope: SecretScope, look: UsesLook | None) -> None:
    icon = ":material/arrow_back:"
    st.button("All scopes", key="secrets.all", on_click=show_scope_in_address, args=("",), icon=icon, type="tertiary")
    st.header(code(scope.name))
    remembered(SecretChanges).draw_outcome("create", scope.name)
    with showing_errors():
        contents = scope_contents(here, scope.name)
        kept_in = "an Azure Key Vault, read-only here" if scope.read_only else "Databricks"
        st.caption(f"Kept in {kept_in} · your permission: {literal(contents.mine.label)}")
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


with showing_errors():
    here = workspace()
    banner(here)
    changes = remembered(SecretChanges)
    changes.carry_out(here)
    changes.open_what_was_made()
    store_what_was_entered(here)
    title(here)
    scopes = secret_scopes(here)
    look = look_at_uses(here)
    asked = scope_in_address()
    chosen = next((scope for scope in scopes if scope.name.casefold() == asked.casefold()), None)
    if chosen is not None:
        one_scope(here, chosen, look)
    else:
        all_scopes(here, scopes, look, asked)
    draw_look(look)
