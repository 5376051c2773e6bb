"""Choose a secret reference: a scope, a key, or a new secret that is stored on the spot."""

from dataclasses import dataclass, field

import streamlit as st

from services.errors import PlaygroundError
from services.secret_scopes import ScopeContents, SecretReference, SecretScope
from services.workspace import Workspace
from ui.errors import draw_error
from ui.foreign_text import code
from ui.secret_scope_lists import scope_contents, secret_scopes
from ui.secret_value import NEW_SCOPE, SecretEntry, draw_secret_entry, store
from ui.session import remembered, reseed, seed, typed_into


@dataclass
class SecretPicks:
    """The pickers of this tab, by their keys."""

    shown: dict[str, str] = field(default_factory=dict)
    """What each gave last, so that a reference that was changed elsewhere is seen."""
    entries: dict[str, SecretEntry] = field(default_factory=dict)


def secret_reference_picker(workspace: Workspace, key: str, current: str, *, disabled: bool = False) -> str:
    """Draw the choice of a secret; ``{{secrets/scope/key}}``, or "" where none is chosen. Not within a st.form.

    *current* is what the draft has now. What is no reference stays as it is, unshown, until something is chosen: it may be
    a key's value. Errors are drawn here.
    """
    picks = remembered(SecretPicks)
    entry = picks.entries.setdefault(key, SecretEntry(f"{key}.entry"))
    if entry.waiting:
        store(workspace, entry)
    reference = SecretReference.parse(current)
    if picks.shown.get(key) != current:
        _show(key, reference)
    if entry.stored is not None:
        reference, entry.stored = entry.stored, None
        _show(key, reference)
    if entry.created:
        reseed(f"{entry.prefix}.into", entry.created)
        entry.created = ""
    with st.container(key=f"{key}.picker"):
        scopes = _scopes(workspace)
        picked = _draw_choice(workspace, key, scopes, reference, disabled=disabled)
        if current and reference is None and not picked:
            st.warning(
                "This field has something else than a secret reference. It stays so until you choose a secret.",
                icon=":material/warning:",
            )
            picked = current
        if entry.said:
            st.success(entry.said, icon=":material/check_circle:")
        if not disabled:
            _draw_store(workspace, key, entry, [one.name for one in scopes if not one.read_only])
    picks.shown[key] = picked
    return picked


def _draw_choice(
    workspace: Workspace, key: str, scopes: list[SecretScope], reference: SecretReference | None, *, disabled: bool
) -> str:
    left, right = st.columns(2)
    scope = left.selectbox(
        "Secret scope",
        _with([one.name for one in scopes], reference.scope if reference else None),
        index=None,
        key=seed(f"{key}.scope", reference.scope if reference else None),
        placeholder="Choose a scope",
        on_change=_scope_chosen,
        args=(key, [one.name for one in scopes if not one.read_only]),
        disabled=disabled,
    )
    contents, missing = _contents(workspace, scope)
    keys = [secret.key for secret in contents.secrets] if contents else []
    ours = reference.key if reference and scope == reference.scope else None
    chosen = right.selectbox(
        "Key",
        _with(keys, ours),
        index=None,
        key=seed(f"{key}.key", ours),
        placeholder="Choose a key" if scope else "Choose a scope first",
        disabled=disabled or not scope,
    )
    if not scope:
        return ""
    if missing is not None:
        draw_error(missing)
    elif contents and contents.secrets_error is not None:
        draw_error(contents.secrets_error)
    elif chosen and chosen.casefold() not in {one.casefold() for one in keys}:
        st.warning(f"There is no key {code(chosen)} in this scope (any more).", icon=":material/link_off:")
    elif not keys:
        st.caption("There is no key in this scope yet: store one below.")
    return str(SecretReference(scope, chosen)) if chosen else ""


def _draw_store(workspace: Workspace, key: str, entry: SecretEntry, scopes: list[str]) -> None:
    with st.expander("Store a key now", key=f"{key}.storing", icon=":material/key:"):
        chosen = typed_into(f"{key}.scope")
        start = chosen if chosen in scopes else NEW_SCOPE
        into = st.selectbox(
            "Into the scope", _with([NEW_SCOPE, *scopes], None), key=seed(f"{entry.prefix}.into", start), required=True
        )
        contents, missing = _contents(workspace, into if into != NEW_SCOPE else None)
        if missing is not None:
            draw_error(missing)
        draw_secret_entry(workspace, entry, into, contents.secrets if contents else ())


def _scopes(workspace: Workspace) -> list[SecretScope]:
    try:
        return secret_scopes(workspace)
    except PlaygroundError as error:
        draw_error(error)
        return []


def _contents(workspace: Workspace, scope: str | None) -> tuple[ScopeContents | None, PlaygroundError | None]:
    if not scope:
        return None, None
    try:
        return scope_contents(workspace, scope), None
    except PlaygroundError as error:
        return None, error


def _scope_chosen(key: str, scopes: list[str]) -> None:
    """A key is of one scope; and a new one most likely goes into the scope that was chosen."""
    reseed(f"{key}.key", None)
    chosen = typed_into(f"{key}.scope")
    if chosen in scopes:
        reseed(f"{key}.entry.into", chosen)


def _with(names: list[str], one: str | None) -> list[str]:
    """The names, and *one* among them: a selectbox takes no value that is not among its options."""
    return [*names, one] if one and one not in names else names


def _show(key: str, reference: SecretReference | None) -> None:
    reseed(f"{key}.scope", reference.scope if reference else None)
    reseed(f"{key}.key", reference.key if reference else None)
