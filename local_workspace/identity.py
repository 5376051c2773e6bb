"""Who calls: two users, their tokens, and the door every request passes."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace import refusals

ORG_ID = "1000000000000001"  # the workspace's id; the same number on every machine
OPEN_PATHS = ("/.well-known/", "/oidc/")
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


ADMIN = User("admin", "admin@local", "Local admin", "1", is_admin=True, default_permission="CAN_MANAGE")
ANALYST = User("analyst", "analyst@local", "Local analyst", "2", is_admin=False, default_permission="CAN_QUERY")
USERS = {user.key: user for user in (ADMIN, ANALYST)}


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


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """User and password of an HTTP Basic header, or None when it is not one."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (user, password) if colon else None


def presented_token(authorization: str) -> str | None:
    """The token of `Bearer <token>` or of Basic `token:<token>`; None when the header holds neither."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    pair = basic_credentials(authorization)
    return pair[1] if pair and pair[0] == "token" and pair[1] else None


class Authentication:
    """ASGI middleware: puts the caller in `scope["caller"]`, or answers 401 or 403. Expects `scope["request_id"]`."""

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self._app = app
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = presented_token(header)
        caller = self._identities.holder(token) if token else None
        if caller is None:
            refuse = refusals.invalid_token if token else refusals.no_credentials
            await refusals.render(refuse(scope["request_id"]))(scope, receive, send)
            return
        scope["caller"] = caller
        scope["log_entry"].user = caller.key
        await self._app(scope, receive, send)
