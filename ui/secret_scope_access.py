"""Who may do what in one secret scope, and its end."""

from collections.abc import Sequence

import streamlit as st

from services.counting import in_words
from services.secret_scopes import (
    Acl,
    MyPermission,
    Permission,
    ScopeContents,
    SecretScope,
    checked_principal,
    delete_acl,
    delete_secret_scope,
    put_acl,
)
from services.secret_uses import UsesLook
from services.snippets.secret_scopes import delete_acl_code, delete_scope_code, list_acls_code, put_acl_code
from services.workspace import Workspace
from ui.confirmation import confirmed_by_name
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.secret_scope_changes import Change, SecretChanges
from ui.secret_uses import sentence_of
from ui.session import entered, remembered, typed_into
from ui.snippet_list import draw_snippets

MOST = 50
MEANS = {
    Permission.READ: "READ: list the keys, use their values",
    Permission.WRITE: "WRITE: also store and delete keys",
    Permission.MANAGE: "MANAGE: also grant permissions and delete the scope",
}


def draw_access(workspace: Workspace, scope: SecretScope, contents: ScopeContents) -> None:
    """The permissions of the scope; to grant and revoke for who has MANAGE."""
    changes = remembered(SecretChanges)
    st.subheader("Permissions")
    changes.draw_outcome("access", scope.name)
    reason = why_not_manage(contents.mine)
    if reason:
        st.caption(f":material/lock: {reason}")
    elif contents.acls_error is not None:
        draw_error(contents.acls_error)
    for place, acl in enumerate(contents.acls[:MOST]):
        _draw_acl(workspace, scope.name, acl, place)
    if len(contents.acls) > MOST:
        st.caption(f"The first {MOST} of {len(contents.acls)}.")
    with st.expander("Grant a permission", key="secrets.granting", icon=":material/person_add:"):
        _draw_grant(workspace, scope.name, reason)
    with st.expander("The list of permissions as code", key="secrets.acls-code", icon=":material/code:"):
        draw_snippets(list_acls_code(scope.name), key="secrets.acls-code.snippets")


def draw_end(workspace: Workspace, scope: SecretScope, contents: ScopeContents, look: UsesLook | None) -> None:
    """How the scope is deleted: by its typed name, after what will be gone."""
    changes = remembered(SecretChanges)
    reason = why_not_manage(contents.mine)
    with st.expander("Delete this scope", key="secrets.ending", icon=":material/delete_forever:"):
        changes.draw_outcome("end", scope.name)
        if reason:
            st.caption(f":material/lock: {reason}")
            st.button("Delete the scope", key="secrets.end-disabled", disabled=True)
        elif confirmed_by_name(
            scope.name,
            _consequence(scope, contents, look),
            label="Delete the scope",
            key=f"secrets.end-{changes.asked}",
        ):
            said = f"Secret scope {code(scope.name)} was deleted."
            name = scope.name
            changes.ask(
                changes.asked, Change("end", name, lambda: delete_secret_scope(workspace, name), said, opens="")
            )
            st.rerun()
        draw_snippets(delete_scope_code(scope.name), key="secrets.end.snippets", label="The same as code")


def why_not_manage(mine: MyPermission) -> str:
    """Why permissions cannot be seen or changed, in Markdown; empty where it may be possible."""
    if mine.manages is False:
        return (
            f"Seeing and changing permissions, and deleting the scope, needs MANAGE in it; you have {mine.label}. "
            "Ask who created it, or a workspace admin."
        )
    return ""


def _draw_acl(workspace: Workspace, scope: str, acl: Acl, place: int) -> None:
    changes = remembered(SecretChanges)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"secrets-acl-{place}"):
        st.markdown(f"{code(acl.principal)} has {code(acl.permission)}", width="stretch")
        st.button(
            "Revoke",
            key=f"secrets.revoke.{acl.principal}",
            on_click=changes.arm,
            args=(f"acl of {scope}", acl.principal),
            type="tertiary",
            icon=":material/person_remove:",
        )
    if changes.armed != (f"acl of {scope}", acl.principal):
        return
    with st.container(border=True, key="secrets-revoking"):
        st.markdown(f"{code(acl.principal)} will have no permission of its own in {code(scope)} any more.")
        change = Change(
            "access",
            scope,
            lambda: delete_acl(workspace, scope, acl.principal),
            f"{code(acl.permission)} of {code(acl.principal)} was revoked.",
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                ":red[Revoke it]",
                key="secrets.confirm-revoke",
                on_click=changes.ask,
                args=(changes.asked, change),
            )
            st.button("Keep it", key="secrets.keep-acl", on_click=changes.arm, args=("", ""))
        draw_snippets(delete_acl_code(scope, acl.principal), key="secrets.revoke.snippets", label="The same as code")


def _draw_grant(workspace: Workspace, scope: str, reason: str) -> None:
    changes = remembered(SecretChanges)
    closed = bool(reason)
    if closed:
        st.caption(f":material/lock: {reason}")
    st.text_input(
        "To whom", key="secrets.principal", placeholder="somebody@example.com, or a group's name", disabled=closed
    )
    st.selectbox(
        "Permission", list(Permission), key="secrets.permission", format_func=lambda one: MEANS[one], disabled=closed
    )
    st.caption("It replaces what they had in this scope.")
    st.button(
        "Grant",
        key="secrets.grant",
        type="primary",
        on_click=_grant,
        args=(workspace, scope, changes, changes.asked),
        disabled=closed,
    )
    principal = typed_into("secrets.principal").strip() or "somebody@example.com"
    snippets = put_acl_code(scope, principal, _chosen_permission())
    draw_snippets(snippets, key="secrets.grant.snippets", label="The same as code")


def _grant(workspace: Workspace, scope: str, changes: SecretChanges, asked: int) -> None:
    principal, permission = typed_into("secrets.principal").strip(), _chosen_permission()

    def make() -> None:
        put_acl(workspace, scope, checked_principal(principal), permission)

    said = f"{code(principal)} has {code(permission.value)} now."
    changes.ask(asked, Change("access", scope, make, said))


def _chosen_permission() -> Permission:
    chosen = entered("secrets.permission")
    return chosen if isinstance(chosen, Permission) else Permission.READ


def _consequence(scope: SecretScope, contents: ScopeContents, look: UsesLook | None) -> str:
    keys = _named([secret.key for secret in contents.secrets])
    what = f"{in_words(len(contents.secrets), 'key')}{keys}"
    if contents.secrets_error is not None:
        what = f"Its keys, which could not be listed ({literal(contents.secrets_error.message)}),"
    uses = [use for use in (look.uses if look else []) if use.names(scope.name)]
    unseen = bool(look is None or not look.done or look.not_looked_at)
    parts = [
        f"{what} and {in_words(len(contents.acls), 'permission')} will be gone for good.",
        sentence_of(uses),
        "Not every endpoint could be looked at: others may use it, too." if unseen else "",
    ]
    return " ".join(part for part in parts if part)


def _named(keys: Sequence[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return f" ({', '.join(code(key) for key in keys[:5])}{more})"
