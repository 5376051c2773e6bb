"""The list of secret scopes, and how one is created."""

from collections.abc import Sequence

import streamlit as st

from services.counting import in_words
from services.secret_scopes import SecretScope, create_secret_scope, is_key_not_name
from services.secret_uses import UsesLook
from services.snippets.secret_scopes import create_scope_code, list_scopes_code
from services.workspace import Workspace
from ui.address import show_scope_in_address
from ui.foreign_text import code, literal
from ui.secret_scope_changes import Change, SecretChanges
from ui.session import entered, remembered, typed_into
from ui.snippet_list import draw_snippets

MOST = 50
SEARCH_FROM = 8


def draw_scopes(workspace: Workspace, scopes: Sequence[SecretScope], look: UsesLook | None) -> None:
    """The scopes to choose from, and a form for a new one."""
    remembered(SecretChanges).draw_outcome("scopes")
    if scopes:
        _draw_rows(_found(scopes), look)
    else:
        st.info(
            "There is no secret scope in this workspace yet. A scope holds keys, such as a provider's API key; endpoints "
            "name them as `{{secrets/scope/key}}`. Create one below.",
            icon=":material/key:",
        )
    with st.expander("Create a scope", key="secrets.creating", icon=":material/add:"):
        _draw_create(workspace)
    with st.expander("The list as code", key="secrets.list-code", icon=":material/code:"):
        draw_snippets(list_scopes_code(), key="secrets.list-code.snippets")


def _found(scopes: Sequence[SecretScope]) -> list[SecretScope]:
    """Those that the search leaves, with the field for it where there are many."""
    if len(scopes) < SEARCH_FROM:
        return list(scopes)
    st.text_input("Search the scopes", key="secrets.search", placeholder="A part of the name", icon=":material/search:")
    wanted = typed_into("secrets.search").strip().casefold()
    found = [scope for scope in scopes if wanted in scope.name.casefold()]
    st.caption(f"{len(found)} of {len(scopes)} scopes" + (f", the first {MOST} shown" if len(found) > MOST else ""))
    return found


def _draw_rows(scopes: Sequence[SecretScope], look: UsesLook | None) -> None:
    uses = look.uses if look else []
    users: dict[str, set[str]] = {}
    for use in uses:
        users.setdefault(use.reference.scope.casefold(), set()).add(use.endpoint)
    for place, scope in enumerate(scopes[:MOST]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"secrets-scope-{place}"):
            st.button(
                literal(scope.name),
                key=f"secrets.open.{scope.name}",
                on_click=show_scope_in_address,
                args=(scope.name,),
                icon=":material/folder:",
            )
            number = len(users.get(scope.name.casefold(), ()))
            parts = ["Azure Key Vault, read-only"] if scope.read_only else []
            parts += [f"used by {in_words(number, 'endpoint')}"] if number else []
            if parts:
                st.caption(" · ".join(parts), width="content")


def _draw_create(workspace: Workspace) -> None:
    changes = remembered(SecretChanges)
    st.text_input("Name", key="secrets.new-name", placeholder="my-team", max_chars=128)
    st.checkbox(
        "Let all users manage it",
        key="secrets.new-for-all",
        help="Workspaces without the Premium plan take no other scope. Everybody can then read, write and share its keys.",
    )
    st.caption("Otherwise you alone have MANAGE in it, until you grant more.")
    st.button(
        "Create the scope",
        key="secrets.create",
        type="primary",
        on_click=_create,
        args=(workspace, changes, changes.asked),
    )
    changes.draw_outcome("create")
    typed = typed_into("secrets.new-name").strip()
    name = "my-team" if not typed or is_key_not_name(typed) else typed
    snippets = create_scope_code(name, managed_by_all=bool(entered("secrets.new-for-all")))
    draw_snippets(snippets, key="secrets.create.snippets", label="The same as code")


def _create(workspace: Workspace, changes: SecretChanges, asked: int) -> None:
    name, for_all = typed_into("secrets.new-name").strip(), bool(entered("secrets.new-for-all"))
    changes.ask(
        asked,
        Change(
            "create",
            name,
            lambda: create_secret_scope(workspace, name, managed_by_all=for_all),
            f"Secret scope {code(name)} was created. Store a key in it below.",
            opens=name,
        ),
    )
