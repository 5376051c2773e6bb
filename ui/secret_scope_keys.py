"""The keys of one secret scope: to copy their references, to put and to delete."""

from collections.abc import Sequence

import streamlit as st

from services.secret_scopes import (
    MyPermission,
    ScopeContents,
    Secret,
    SecretReference,
    SecretScope,
    delete_secret,
    is_key_not_name,
)
from services.secret_uses import SecretUse, UsesLook
from services.snippets.secret_scopes import delete_secret_code, list_secrets_code, put_secret_code
from services.workspace import Workspace
from ui.clock import day_and_clock
from ui.confirmation import confirmed_by_name
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.secret_scope_changes import Change, SecretChanges
from ui.secret_uses import draw_used_by, sentence_of
from ui.secret_value import SecretEntry, draw_secret_entry, store
from ui.session import remembered, reseed, seed, typed_into
from ui.snippet_list import draw_snippets

MOST = 30
SEARCH_FROM = 8
PREFIX = "secrets.put"


class PageEntry(SecretEntry):
    """The page's own form for a secret."""

    def __init__(self) -> None:
        super().__init__(PREFIX)


def store_what_was_entered(workspace: Workspace) -> None:
    """Send the value that was entered, if any."""
    entry = remembered(PageEntry)
    if entry.waiting:
        remembered(SecretChanges).last = None
        store(workspace, entry)


def draw_keys(workspace: Workspace, scope: SecretScope, contents: ScopeContents, look: UsesLook | None) -> None:
    """The keys with their references and users, and the form for another."""
    entry, changes = remembered(PageEntry), remembered(SecretChanges)
    st.subheader("Keys")
    changes.draw_outcome("keys", scope.name)
    if entry.into != scope.name:
        entry.error = None
    if changes.last is not None:
        entry.said = ""
    if entry.said and entry.scope == scope.name:
        st.success(entry.said, icon=":material/check_circle:")
    if contents.secrets_error is not None:
        draw_error(contents.secrets_error)
    elif not contents.secrets:
        st.info("There is no key in this scope yet.", icon=":material/key_off:")
    reason = why_not_write(scope, contents.mine)
    uses = [use for use in (look.uses if look else []) if use.names(scope.name)]
    for place, secret in enumerate(_found(contents.secrets)):
        with st.container(border=True, key=f"secrets-key-{place}"):
            _draw_key(workspace, scope, secret, [use for use in uses if use.names(scope.name, secret.key)], reason)
    _draw_put(workspace, entry, scope, contents, reason)
    with st.expander("The list of keys as code", key="secrets.keys-code", icon=":material/code:"):
        draw_snippets(list_secrets_code(scope.name), key="secrets.keys-code.snippets")


def why_not_write(scope: SecretScope, mine: MyPermission) -> str:
    """Why nothing can be stored or deleted there, in Markdown; empty where it may be possible."""
    if scope.read_only:
        return "This scope shows an Azure Key Vault: store and delete its secrets there."
    if mine.writes is False:
        return f"Storing and deleting needs WRITE in this scope; you have {mine.label}. Ask somebody who has MANAGE."
    return ""


def _draw_put(
    workspace: Workspace, entry: SecretEntry, scope: SecretScope, contents: ScopeContents, reason: str
) -> None:
    with st.expander("Store a key", key=seed("secrets.putting", False), icon=":material/add:", on_change="rerun"):
        if reason:
            st.caption(f":material/lock: {reason}")
        elif not contents.mine.writes:
            st.caption("Whether you may write here, the workspace only says when you try.")
        draw_secret_entry(workspace, entry, scope.name, contents.secrets, disabled=bool(reason))
        typed = typed_into(entry.widget("key-name")).strip()
        key = "my-key" if not typed or is_key_not_name(typed) else typed
        draw_snippets(put_secret_code(scope.name, key), key="secrets.put.snippets", label="The same as code")


def _found(secrets: Sequence[Secret]) -> list[Secret]:
    if len(secrets) < SEARCH_FROM:
        return list(secrets)
    st.text_input("Search the keys", key="secrets.search-keys", icon=":material/search:")
    wanted = typed_into("secrets.search-keys").strip().casefold()
    found = [secret for secret in secrets if wanted in secret.key.casefold()]
    st.caption(f"{len(found)} of {len(secrets)} keys" + (f", the first {MOST} shown" if len(found) > MOST else ""))
    return found[:MOST]


def _draw_key(workspace: Workspace, scope: SecretScope, secret: Secret, uses: Sequence[SecretUse], reason: str) -> None:
    changes = remembered(SecretChanges)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"secrets-head-{secret.key}"):
        st.markdown(f"**{code(secret.key)}**", width="content")
        st.caption(f"put {day_and_clock(secret.updated_ms)}", width="stretch")
        st.button(
            "Replace",
            key=f"secrets.replace.{secret.key}",
            on_click=_replace,
            args=(secret.key,),
            type="tertiary",
            icon=":material/sync:",
            disabled=bool(reason),
        )
        st.button(
            "Delete",
            key=f"secrets.delete.{secret.key}",
            on_click=changes.arm,
            args=(f"key of {scope.name}", secret.key),
            type="tertiary",
            icon=":material/delete:",
            disabled=bool(reason),
        )
    st.code(str(SecretReference(scope.name, secret.key)), language=None, wrap_lines=True)
    draw_used_by(uses, key=f"secrets-used-{secret.key}")
    if changes.armed == (f"key of {scope.name}", secret.key):
        _confirm(workspace, scope.name, secret.key, uses)


def _confirm(workspace: Workspace, scope: str, key: str, uses: Sequence[SecretUse]) -> None:
    changes = remembered(SecretChanges)
    change = Change(
        "keys",
        scope,
        lambda: delete_secret(workspace, scope, key),
        f"Key {code(key)} was deleted from {code(scope)}.",
        writes=True,
    )
    consequence = f"Its value will be gone for good. {sentence_of(uses)}"
    if uses:
        if confirmed_by_name(key, consequence, label="Delete the key", key=f"secrets.confirm-{changes.asked}"):
            changes.ask(changes.asked, change)
            st.rerun()
    else:
        st.markdown(consequence)
        st.button(
            ":red[Delete the key]",
            key="secrets.confirm",
            on_click=changes.ask,
            args=(changes.asked, change),
        )
    st.button("Keep it", key="secrets.keep", on_click=changes.arm, args=("", ""))
    with st.expander(f"The same as code: delete {literal(key)}", key="secrets.delete-code", icon=":material/code:"):
        draw_snippets(delete_secret_code(scope, key), key="secrets.delete-code.snippets")


def _replace(key: str) -> None:
    reseed(remembered(PageEntry).widget("key-name"), key)
    reseed("secrets.putting", True)
