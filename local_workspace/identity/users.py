"""Who calls: two users, their tokens, and who holds which."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

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


class Identities:
    """Tokens and their users: one long-lived token each, and access tokens of OAuth that live in memory for an hour."""

    def __init__(self, tokens: dict[str, str], clock: Callable[[], float] = time.time) -> None:
        self._tokens = tokens
        self._clock = clock
        self._issued: dict[bytes, tuple[User, float]] = {}

    def holder(self, token: str) -> User | None:
        """The user who holds `token`, or None."""
        found = None
        for key, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogateescape")):
                found = USERS[key]
        return found or self._holder_of_issued(token)

    def _holder_of_issued(self, token: str) -> User | None:
        user, until = self._issued.get(_digest(token), (None, 0.0))
        return user if self._clock() < until else None

    def client(self, client_id: str, client_secret: str) -> User | None:
        """The user whose OAuth client this is: the id is the user's key, the secret that user's own token."""
        known = self._tokens.get(client_id, "")
        matches = hmac.compare_digest(known.encode(), client_secret.encode("utf-8", "surrogateescape"))
        return USERS[client_id] if known and matches else None

    def issue_access_token(self, user: User) -> str:
        """A fresh access token for `user`, good for ACCESS_TOKEN_SECONDS."""
        now = self._clock()
        self._issued = {digest: (who, until) for digest, (who, until) in self._issued.items() if now < until}
        token = f"eyJ-local-{secrets.token_urlsafe(32)}"
        self._issued[_digest(token)] = (user, now + ACCESS_TOKEN_SECONDS)
        return token


def _digest(token: str) -> bytes:
    # A lookup by digest takes no longer for a nearly right token than for a wrong one.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
