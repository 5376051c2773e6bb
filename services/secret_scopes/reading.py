"""Ask the workspace about its secret scopes."""

from typing import Any
from urllib.parse import urlencode

from services.errors import NotFound, PermissionDenied, PlaygroundError, Side, UnexpectedReply
from services.secret_scopes.records import Acl, MyPermission, ScopeContents, Secret, SecretScope
from services.workspace import Workspace

ROOT = "/api/2.0/secrets"


def list_secret_scopes(workspace: Workspace) -> list[SecretScope]:
    """All scopes of the workspace, by name: anybody may see their names. Raises PlaygroundError."""
    listed = _listed(workspace, f"{ROOT}/scopes/list", "scopes", "the list of secret scopes")
    scopes = [SecretScope(_text(one, "name"), _text(one, "backend_type") or "DATABRICKS") for one in listed]
    return sorted((one for one in scopes if one.name), key=lambda one: one.name.casefold())


def list_secrets(workspace: Workspace, scope: str) -> list[Secret]:
    """The keys of that scope; needs READ in it. Raises NotFound, PermissionDenied or another PlaygroundError."""
    listed = _listed(workspace, f"{ROOT}/list?{_query(scope)}", "secrets", f"the keys of secret scope {scope}")
    secrets = [Secret(_text(one, "key"), _milliseconds(one.get("last_updated_timestamp"))) for one in listed]
    return sorted((one for one in secrets if one.key), key=lambda one: one.key.casefold())


def list_acls(workspace: Workspace, scope: str) -> list[Acl]:
    """Who may do what in that scope; needs MANAGE in it. Raises NotFound, PermissionDenied or another PlaygroundError."""
    # The documentation's sample says "acls"; the platform and every client say "items".
    listed = _listed(
        workspace, f"{ROOT}/acls/list?{_query(scope)}", "items", f"the permissions of secret scope {scope}"
    )
    acls = [Acl(_text(one, "principal"), _text(one, "permission")) for one in listed]
    return sorted((one for one in acls if one.principal), key=lambda one: one.principal.casefold())


def get_scope_contents(workspace: Workspace, scope: str) -> ScopeContents:
    """What is in that scope as far as it may be seen, and what the identity may do there: two calls.

    Raises NotFound where there is no such scope. Any other refusal is kept in the answer, beside what could be seen.
    """
    secrets: list[Secret] = []
    acls: list[Acl] = []
    secrets_error: PlaygroundError | None = None
    acls_error: PlaygroundError | None = None
    try:
        secrets = list_secrets(workspace, scope)
    except NotFound as missing:
        raise NotFound(
            f"There is no secret scope {scope} in this workspace.", "Pick one from the list.", raw=missing.raw
        ) from missing
    except PlaygroundError as error:
        secrets_error = error
    try:
        acls = list_acls(workspace, scope)
    except PlaygroundError as error:
        acls_error = error
    return ScopeContents(
        scope, tuple(secrets), tuple(acls), _mine(secrets_error, acls_error), secrets_error, acls_error
    )


def my_permission(workspace: Workspace, scope: str) -> MyPermission:
    """What the identity may do in that scope, as far as the workspace says. Raises NotFound where there is none."""
    return get_scope_contents(workspace, scope).mine


def _mine(secrets_error: PlaygroundError | None, acls_error: PlaygroundError | None) -> MyPermission:
    if acls_error is None:
        return MyPermission(reads=True, writes=True, manages=True)
    manages = False if _not_allowed(acls_error) else None
    if secrets_error is None:
        return MyPermission(reads=True, manages=manages)
    if _not_allowed(secrets_error):
        return MyPermission(reads=False, writes=False, manages=False)
    return MyPermission(manages=manages)


def _not_allowed(error: PlaygroundError) -> bool:
    """Whether the identity may not; a token that lacks a scope of the API says nothing of the identity."""
    return isinstance(error, PermissionDenied) and error.side is not Side.YOU


def _listed(workspace: Workspace, path: str, field: str, name: str) -> list[dict[str, Any]]:
    """The objects in that list of a reply; the platform leaves an empty list out."""
    reply = workspace.get(path, name=name)
    listed = reply.get(field) or [] if isinstance(reply, dict) else None
    if not isinstance(listed, list):
        raise UnexpectedReply(f"{workspace.host} did not answer with {name}.", "Check the host on the connection page.")
    return [one for one in listed if isinstance(one, dict)]


def _query(scope: str) -> str:
    return urlencode({"scope": scope})


def _text(wire: dict[str, Any], name: str) -> str:
    value = wire.get(name)
    return value if isinstance(value, str) else ""


def _milliseconds(value: Any) -> int | None:
    """Both forms are seen: a number, and the same as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None
