"""Change secret scopes: each function sends once."""

import base64

from services.errors import BadInput, PlaygroundError
from services.secret_scopes.names import allowed_key, checked_principal, checked_scope
from services.secret_scopes.reading import ROOT
from services.secret_scopes.records import Permission
from services.secret_scopes.withholding import without_value
from services.workspace import Workspace

MAX_VALUE = 128 * 1024
"""Bytes of a value, by the platform's documentation."""


def create_secret_scope(workspace: Workspace, name: str, *, managed_by_all: bool = False) -> None:
    """A new scope, in which the identity has MANAGE. Raises BadInput, AlreadyExists or another PlaygroundError.

    With *managed_by_all* all users have MANAGE instead: workspaces without the Premium plan take no other scope.
    """
    body = {"scope": checked_scope(name)} | ({"initial_manage_principal": "users"} if managed_by_all else {})
    workspace.change("POST", f"{ROOT}/scopes/create", body, name=f"secret scope {name}")


def delete_secret_scope(workspace: Workspace, name: str) -> None:
    """Delete that scope with its secrets and permissions; needs MANAGE. Raises PlaygroundError."""
    workspace.change("POST", f"{ROOT}/scopes/delete", {"scope": name}, name=f"secret scope {name}")


def checked_value(value: str | bytes) -> str | bytes:
    """The value as it will leave: text where it is UTF-8, else bytes. Nothing is stripped. Raises BadInput."""
    try:
        content = value.encode() if isinstance(value, str) else value
    except UnicodeEncodeError:
        raise BadInput("The value holds half a character.", "Enter it again, or put it in from a file.") from None
    if not content:
        raise BadInput("The value is empty.", "Enter the value once more: it is not kept here.")
    if len(content) > MAX_VALUE:
        raise BadInput(
            f"The value has {len(content):,} bytes; a secret takes {MAX_VALUE:,} (128 KB).",
            "Keep less in one secret, such as the key alone.",
        )
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def put_secret(workspace: Workspace, scope: str, key: str, value: str | bytes) -> None:
    """Keep *value* under that key, in place of any it had; needs WRITE. Raises BadInput or another PlaygroundError.

    The value is in no error, also where the server repeats it.
    """
    allowed_key(key)
    value = checked_value(value)
    kept = {"string_value": value} if isinstance(value, str) else {"bytes_value": base64.b64encode(value).decode()}
    refusal: PlaygroundError | None = None
    try:
        workspace.change("POST", f"{ROOT}/put", {"scope": scope, "key": key} | kept, name=f"secret {scope}/{key}")
    except PlaygroundError as error:
        refusal = without_value(error, value, name=f"secret {scope}/{key}")
    if refusal is not None:
        raise refusal  # outside of the except block: the first error, which may repeat the value, is not its context


def delete_secret(workspace: Workspace, scope: str, key: str) -> None:
    """Delete that key with its value; needs WRITE. Raises PlaygroundError."""
    workspace.change("POST", f"{ROOT}/delete", {"scope": scope, "key": key}, name=f"secret {scope}/{key}")


def put_acl(workspace: Workspace, scope: str, principal: str, permission: Permission) -> None:
    """Give *principal* that permission in place of any it had; needs MANAGE. Raises BadInput or another PlaygroundError."""
    body = {"scope": scope, "principal": checked_principal(principal), "permission": permission.value}
    workspace.change("POST", f"{ROOT}/acls/put", body, name=f"permission of {principal} in secret scope {scope}")


def delete_acl(workspace: Workspace, scope: str, principal: str) -> None:
    """Take the permission of *principal* back; needs MANAGE. Raises PlaygroundError."""
    body = {"scope": scope, "principal": principal}
    workspace.change("POST", f"{ROOT}/acls/delete", body, name=f"permission of {principal} in secret scope {scope}")
