"""Who calls: two users, their tokens, and who holds which."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from local_workspace.database import Database
from local_workspace.identity.oauth_scopes import ALL_APIS

ORG_ID = "1000000000000001"  # the workspace's id; the same number on every machine
ACCESS_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class User:
    """A person or service principal of the workspace. `key` is its short name, and its OAuth client id."""

    key: str
    user_name: str
    display_name: str
    id: str
    is_admin: bool
    default_permission: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is in."""
        return ("users", "admins") if self.is_admin else ("users",)

    @property
    def principals(self) -> tuple[str, ...]:
        """Every name under which it may have been granted something: its own and its groups'."""
        return (self.user_name, *self.groups)


ADMIN = User("admin", "admin@local", "Local admin", "1", is_admin=True, default_permission="CAN_MANAGE")
ANALYST = User("analyst", "analyst@local", "Local analyst", "2", is_admin=False, default_permission="CAN_QUERY")
USERS = {user.key: user for user in (ADMIN, ANALYST)}
GROUPS = ("users", "admins")


@dataclass(frozen=True)
class Credential:
    """What a token stands for: a user, and the OAuth scopes it was issued for."""

    user: User
    oauth_scopes: tuple[str, ...] = (ALL_APIS,)


class Identities:
    """Tokens and their users: one long-lived token each, and OAuth's access tokens, which live for an hour.

    Access tokens outlive the process, so that a client which holds one need not notice a restart. The database has their
    digests only.
    """

    def __init__(self, tokens: dict[str, str], database: Database, clock: Callable[[], float] = time.time) -> None:
        self._tokens = tokens
        self._database = database
        self._clock = clock
        database.script(
            "CREATE TABLE IF NOT EXISTS access_tokens ("
            "digest BLOB PRIMARY KEY, user TEXT NOT NULL, oauth_scopes TEXT NOT NULL, until REAL NOT NULL)"
        )

    def credential(self, token: str) -> Credential | None:
        """What `token` stands for, or None when nobody holds it or its time is over."""
        found = None
        for key, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogateescape")):
                found = Credential(USERS[key])
        return found or self._issued(token)

    def holder(self, token: str) -> User | None:
        """The user who holds `token`, or None."""
        credential = self.credential(token)
        return credential.user if credential else None

    def _issued(self, token: str) -> Credential | None:
        row = self._database.row(
            "SELECT user, oauth_scopes FROM access_tokens WHERE digest = ? AND until > ?",
            [_digest(token), self._clock()],
        )
        return Credential(USERS[row["user"]], tuple(row["oauth_scopes"].split())) if row else None

    def client(self, client_id: str, client_secret: str) -> User | None:
        """The user whose OAuth client this is: the id is the user's key, the secret that user's own token."""
        known = self._tokens.get(client_id, "")
        matches = hmac.compare_digest(known.encode(), client_secret.encode("utf-8", "surrogateescape"))
        return USERS[client_id] if known and matches else None

    def issue_access_token(
        self, user: User, oauth_scopes: tuple[str, ...] = (ALL_APIS,), seconds: float = ACCESS_TOKEN_SECONDS
    ) -> str:
        """A fresh access token for `user`, good for `seconds` and for what `oauth_scopes` are for."""
        now = self._clock()
        token = f"eyJ-local-{secrets.token_urlsafe(32)}"
        with self._database.transaction():
            self._database.run("DELETE FROM access_tokens WHERE until <= ?", [now])
            self._database.run(
                "INSERT INTO access_tokens (digest, user, oauth_scopes, until) VALUES (?, ?, ?, ?)",
                [_digest(token), user.key, " ".join(oauth_scopes), now + seconds],
            )
        return token


def _digest(token: str) -> bytes:
    # A lookup by digest takes no longer for a nearly right token than for a wrong one.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
