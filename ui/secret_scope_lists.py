"""What this browser knows of a workspace's secret scopes: lists of a short age, never a value."""

import time
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PermissionDenied, PlaygroundError, Side
from services.secret_scopes import ScopeContents, SecretScope, get_scope_contents, list_secret_scopes
from services.secret_uses import Seen, UsesLook
from services.workspace import Workspace
from ui.connecting import refresh_endpoints
from ui.foreign_text import literal
from ui.session import kept

LIST_SECONDS = 30.0
"""How long a list is shown before it is asked for again."""


@dataclass
class KnownScopes:
    """Of one workspace."""

    scopes: tuple[float, list[SecretScope]] | None = None
    contents: dict[str, tuple[float, ScopeContents]] = field(default_factory=dict)
    writes: dict[str, bool] = field(default_factory=dict)
    """Whether the identity may write to a scope, as its last try showed: the API has no question for it."""
    look: UsesLook | None = None
    """At the endpoints that name secrets."""
    looked_at: list[Endpoint] | None = None
    """The list of endpoints that the look began with."""
    seen: Seen = field(default_factory=dict)

    def changed(self, scope: str) -> None:
        """Ask again for the list, for that scope, and whether references resolve."""
        self.scopes = self.looked_at = None
        self.contents.pop(scope, None)

    def write_tried(self, scope: str, refusal: PlaygroundError | None) -> None:
        """Remember what a try to write to that scope has shown, and ask for its contents again."""
        self.changed(scope)
        if refusal is None:
            self.writes[scope] = True
        elif isinstance(refusal, PermissionDenied) and refusal.side is not Side.YOU:
            self.writes[scope] = False


@dataclass
class SecretScopeLists:
    """Of every workspace that this browser uses."""

    of: WeakKeyDictionary[Workspace, KnownScopes] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """Ask that workspace no more."""
        known = self.of.pop(of, None)
        if known is not None and known.look is not None:
            known.look.stop()


def secret_scopes(workspace: Workspace) -> list[SecretScope]:
    """Its scopes, at most LIST_SECONDS old. Raises PlaygroundError; failures are not kept."""
    lists = known_scopes(workspace)
    if lists.scopes is None or time.monotonic() - lists.scopes[0] > LIST_SECONDS:
        with st.spinner("Asking for the secret scopes", show_time=True):
            found = list_secret_scopes(workspace)
        lists.scopes = (time.monotonic(), found)
    return lists.scopes[1]


def secret_scopes_as_of(workspace: Workspace) -> float:
    """When the list came that `secret_scopes` returned last, seconds since the epoch; now, where there is none."""
    scopes = known_scopes(workspace).scopes
    return time.time() - (time.monotonic() - scopes[0] if scopes else 0.0)


def scope_contents(workspace: Workspace, scope: str) -> ScopeContents:
    """What is in that scope, at most LIST_SECONDS old. Raises NotFound or another PlaygroundError; failures are not kept."""
    lists = known_scopes(workspace)
    at, found = lists.contents.get(scope, (float("-inf"), None))
    if found is None or time.monotonic() - at > LIST_SECONDS:
        with st.spinner(f"Looking into {literal(scope)}", show_time=True):
            found = get_scope_contents(workspace, scope)
        if all(
            error is None or isinstance(error, PermissionDenied) for error in (found.secrets_error, found.acls_error)
        ):
            lists.contents[scope] = (time.monotonic(), found)
    if not found.mine.manages and scope in lists.writes:
        return replace(found, mine=replace(found.mine, writes=lists.writes[scope]))
    return found


def forget_secret_scopes(workspace: Workspace) -> None:
    """Ask again at the next use, also what one may write and which endpoints there are."""
    refresh_endpoints()
    kept(SecretScopeLists).let_go(workspace)


def secret_uses(workspace: Workspace, endpoints: list[Endpoint]) -> UsesLook:
    """The look at which of them names which secret: under way or done, begun anew for another list of endpoints."""
    known = known_scopes(workspace)
    if known.look is None or known.looked_at is not endpoints:
        if known.look is not None:
            known.look.stop()
        known.look = UsesLook(workspace, endpoints, known.seen, known.look).start()
        known.looked_at = endpoints
    return known.look


def known_scopes(workspace: Workspace) -> KnownScopes:
    """All that is known of that workspace. Take it before a change is sent: looking it up may end the script."""
    return kept(SecretScopeLists).of.setdefault(workspace, KnownScopes())
