"""The secret scopes of the workspace: who may do what in them, and their values, encrypted at rest.

Every rule is of the platform's Secrets API 2.0. Names are compared without regard to case and keep the case they were given.
"""

import re
import time

from local_workspace import refusals
from local_workspace.cipher import Cipher
from local_workspace.database import Database
from local_workspace.identity.users import GROUPS, USERS, User
from local_workspace.secret_scopes.references import KEY_NAME, SCOPE_NAME, SecretReference

MAX_VALUE_BYTES = 128 * 1024
MAX_SCOPES = 1000
MAX_SECRETS = 1000
PERMISSIONS = ("READ", "WRITE", "MANAGE")  # each includes those before it
PRINCIPALS = (*(user.user_name for user in USERS.values()), *GROUPS)

_TABLES = """
CREATE TABLE IF NOT EXISTS secret_scopes (name TEXT PRIMARY KEY COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS secrets (
    scope TEXT NOT NULL COLLATE NOCASE REFERENCES secret_scopes (name) ON DELETE CASCADE,
    key TEXT NOT NULL COLLATE NOCASE,
    value BLOB NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE TABLE IF NOT EXISTS secret_acls (
    scope TEXT NOT NULL COLLATE NOCASE REFERENCES secret_scopes (name) ON DELETE CASCADE,
    principal TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (scope, principal)
);
"""


class SecretStore:
    """Scopes, secrets and their ACLs. Everything it refuses is a RefusalError; a `caller` needs the permission named."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        database.script(_TABLES)

    def create_scope(self, name: str, manager: str) -> None:
        """A new scope, in which the principal `manager` has MANAGE. Anyone may create one."""
        _check_name("scope", name, SCOPE_NAME)
        if self._has_scope(name):
            raise refusals.secret_scope_exists(name)
        if self._count("secret_scopes") >= MAX_SCOPES:
            raise refusals.limit_exceeded(f"This workspace has {MAX_SCOPES} secret scopes, which is the limit.")
        with self._database.transaction():
            self._database.run("INSERT INTO secret_scopes (name) VALUES (?)", [name])
            self._grant(name, manager, "MANAGE")

    def list_scopes(self) -> list[str]:
        """The names of all scopes, which are no secret."""
        return [row["name"] for row in self._database.rows("SELECT name FROM secret_scopes ORDER BY name")]

    def delete_scope(self, name: str, caller: User) -> None:
        """Delete the scope with its secrets and ACLs: MANAGE."""
        self._require("MANAGE", name, caller)
        self._database.run("DELETE FROM secret_scopes WHERE name = ?", [name])

    def put_secret(self, scope: str, key: str, value: bytes, caller: User) -> None:
        """Keep `value`, in place of any value the key had: WRITE."""
        self._require("WRITE", scope, caller)
        _check_name("key", key, KEY_NAME)
        if len(value) > MAX_VALUE_BYTES:
            raise refusals.invalid_parameter(
                f"The value of secret {key} has {len(value)} bytes; the limit is {MAX_VALUE_BYTES}."
            )
        if not self._has_secret(scope, key) and self._count("secrets WHERE scope = ?", scope) >= MAX_SECRETS:
            raise refusals.limit_exceeded(f"Scope {scope} has {MAX_SECRETS} secrets, which is the limit.")
        self._database.run(
            "INSERT INTO secrets (scope, key, value, updated_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms",
            [scope, key, self._cipher.encrypt(value), int(time.time() * 1000)],
        )

    def delete_secret(self, scope: str, key: str, caller: User) -> None:
        """Delete one secret: WRITE."""
        self._require("WRITE", scope, caller)
        if not self._database.run("DELETE FROM secrets WHERE scope = ? AND key = ?", [scope, key]):
            raise refusals.no_such_secret(scope, key)

    def list_secrets(self, scope: str, caller: User) -> list[tuple[str, int]]:
        """Each secret's key and when it was last put, in milliseconds of Unix time: READ."""
        self._require("READ", scope, caller)
        rows = self._database.rows("SELECT key, updated_ms FROM secrets WHERE scope = ? ORDER BY key", [scope])
        return [(row["key"], row["updated_ms"]) for row in rows]

    def get_secret(self, scope: str, key: str, caller: User) -> tuple[str, bytes]:
        """A secret's key as it was put, and its value: READ."""
        self._require("READ", scope, caller)
        row = self._database.row("SELECT key, value FROM secrets WHERE scope = ? AND key = ?", [scope, key])
        if row is None:
            raise refusals.no_such_secret(scope, key)
        return row["key"], self._cipher.decrypt(row["value"])

    def resolve(self, reference: SecretReference, reader: User) -> bytes:
        """The value that `reference` stands for, read with the rights of `reader`.

        Raises RefusalError with a sentence that names the reference: 400 where scope or key is missing, 403 where the
        reader may not read the scope.
        """
        try:
            return self.get_secret(reference.scope, reference.key, reader)[1]
        except refusals.RefusalError as refusal:
            raise refusals.unresolved_reference(str(reference), refusal) from refusal

    def put_acl(self, scope: str, principal: str, permission: str, caller: User) -> None:
        """Give `principal` the permission in place of any it had: MANAGE."""
        self._require("MANAGE", scope, caller)
        if principal not in PRINCIPALS:
            raise refusals.invalid_parameter(f"User or Group {principal[:200]} does not exist.")
        if permission not in PERMISSIONS:
            raise refusals.invalid_parameter(f"The permission must be READ, WRITE or MANAGE, not '{permission[:80]}'.")
        self._grant(scope, principal, permission)

    def get_acl(self, scope: str, principal: str, caller: User) -> str:
        """The permission `principal` was given itself: MANAGE."""
        self._require("MANAGE", scope, caller)
        granted = dict(self._acls(scope))
        if principal not in granted:
            raise refusals.no_such_secret_acl(scope, principal[:200])
        return granted[principal]

    def list_acls(self, scope: str, caller: User) -> list[tuple[str, str]]:
        """Principals and permissions: MANAGE."""
        self._require("MANAGE", scope, caller)
        return self._acls(scope)

    def delete_acl(self, scope: str, principal: str, caller: User) -> None:
        """Take the permission of `principal` back: MANAGE."""
        self._require("MANAGE", scope, caller)
        if not self._database.run("DELETE FROM secret_acls WHERE scope = ? AND principal = ?", [scope, principal]):
            raise refusals.no_such_secret_acl(scope, principal[:200])

    def _require(self, permission: str, scope: str, caller: User) -> None:
        if not self._has_scope(scope):
            raise refusals.no_such_secret_scope(scope[:200])
        # Workspace admins have MANAGE on every scope, whatever its ACLs say ("Secret access control" in the documentation).
        granted = (
            ["MANAGE"] if caller.is_admin else [held for who, held in self._acls(scope) if who in caller.principals]
        )
        if not any(PERMISSIONS.index(held) >= PERMISSIONS.index(permission) for held in granted):
            raise refusals.no_secret_permission(caller.user_name, permission, scope)

    def _grant(self, scope: str, principal: str, permission: str) -> None:
        self._database.run(
            "INSERT INTO secret_acls (scope, principal, permission) VALUES (?, ?, ?)"
            " ON CONFLICT (scope, principal) DO UPDATE SET permission = excluded.permission",
            [scope, principal, permission],
        )

    def _acls(self, scope: str) -> list[tuple[str, str]]:
        rows = self._database.rows(
            "SELECT principal, permission FROM secret_acls WHERE scope = ? ORDER BY principal", [scope]
        )
        return [(row["principal"], row["permission"]) for row in rows]

    def _has_scope(self, name: str) -> bool:
        return self._database.row("SELECT 1 FROM secret_scopes WHERE name = ?", [name]) is not None

    def _has_secret(self, scope: str, key: str) -> bool:
        return self._database.row("SELECT 1 FROM secrets WHERE scope = ? AND key = ?", [scope, key]) is not None

    def _count(self, table_and_condition: str, *values: str) -> int:
        [row] = self._database.rows(f"SELECT count(*) AS number FROM {table_and_condition}", values)  # noqa: S608
        return int(row["number"])


def _check_name(what: str, name: str, allowed: re.Pattern[str]) -> None:
    if not allowed.fullmatch(name):
        marks = "dashes, underscores, periods and @" if what == "scope" else "dashes, underscores and periods"
        raise refusals.invalid_parameter(
            f"The {what} name '{name[:200]}' is not valid: it must be 1 to 128 letters, digits, {marks}."
        )
