"""Which endpoints name a secret, and which references lead nowhere."""

from collections.abc import Sequence

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.secret_uses import SecretUse, UsesLook
from services.workspace import Workspace
from ui.connecting import endpoints
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.secret_scope_lists import secret_uses

POLL_SECONDS = 0.5
MOST = 5


def look_at_uses(workspace: Workspace) -> UsesLook | None:
    """What is known of who names which secret; None, with the reason drawn, where the endpoints cannot be listed."""
    try:
        listed: list[Endpoint] = endpoints(workspace)
    except PlaygroundError as error:
        draw_error(error)
        return None
    return secret_uses(workspace, listed)


def draw_look(look: UsesLook | None) -> None:
    """How far the look has come, and what it has not seen. The page runs again when it is done."""
    if look is None:
        st.caption("Which endpoints use a secret is not known: they could not be listed.")
        return
    if not look.done:
        st.fragment(_looking, run_every=POLL_SECONDS)(look)
        return
    unseen = look.not_looked_at
    if unseen:
        named = "; ".join(f"{code(name)}: {literal(reason)}" for name, reason in list(unseen.items())[:MOST])
        more = f"; and {len(unseen) - MOST} more" if len(unseen) > MOST else ""
        st.caption(f"May use secrets too, but could not be looked into: {named}{more}.")
    if unclear := look.unclear:
        scopes = list(dict.fromkeys(use.reference.scope for use in unclear))
        st.caption(f"Not checked, as you cannot look into their scopes: references to secrets in {_named(scopes)}.")
    if look.not_checked:
        st.caption(f"{look.not_checked} references lead to further scopes and were not checked.")


def draw_used_by(uses: Sequence[SecretUse], *, key: str, label: str = "Used by") -> None:
    """Links to the endpoints that name a secret; nothing for none."""
    names = list(dict.fromkeys(use.endpoint for use in uses))
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        st.caption(label, width="content")
        for name in names[:MOST]:
            link_to("endpoint", literal(name), endpoint=name)
        if len(names) > MOST:
            st.caption(f"and {len(names) - MOST} more", width="content")


def draw_broken(look: UsesLook | None, scope: str = "") -> None:
    """The references that do not resolve, with endpoint and field; of one scope where it is given."""
    broken = [one for one in (look.broken if look else []) if not scope or one[0].names(scope)]
    if not broken:
        return
    users: dict[str, dict[str, None]] = {}
    for use, sentence in broken:
        users.setdefault(sentence, {})[use.endpoint] = None
    lines = [f"- {literal(sentence)} Used by {_named(list(names))}." for sentence, names in users.items()]
    label = "A secret that is used is missing" if len(lines) == 1 else f"{len(lines)} secrets that are used are missing"
    with st.container(key="secrets-broken"):
        more = f"\n\nand {len(lines) - 20} more" if len(lines) > 20 else ""
        st.warning(f"**{label}**\n\n" + "\n".join(lines[:20]) + more, icon=":material/link_off:")
        draw_used_by([use for use, _ in broken], key="secrets-broken-links", label="Open")


def sentence_of(uses: Sequence[SecretUse]) -> str:
    """Who names it, for a question before it is deleted; in Markdown, empty for nobody."""
    names = list(dict.fromkeys(use.endpoint for use in uses))
    return f"Calls of {_named(names)} will fail without it." if names else ""


def _named(names: Sequence[str]) -> str:
    """The first of them, in Markdown."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(code(name) for name in names[:MOST]) + more


def _looking(look: UsesLook) -> None:
    if look.done:
        st.rerun()
    left = len(look.not_looked_at)
    st.caption(f"Looking which endpoints use secrets: {left} to go." if left else "Checking the references.")
