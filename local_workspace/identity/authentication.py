"""The door every request passes: from its credentials to a user."""

import base64
import binascii

from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.identity.oauth_scopes import missing_oauth_scope
from local_workspace.identity.users import Credential, Identities

OPEN_PATHS = ("/.well-known/", "/oidc/")


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
    """ASGI middleware: the caller goes to `scope["caller"]`, what the token is for to `scope["oauth_scopes"]`; or 401 or 403.

    Expects `scope["request_id"]`. A token must also have been issued for the part of the API that is called.
    """

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self._app = app
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"} or scope["path"].startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        try:
            credential = self._credential(scope)
        except refusals.RefusalError as refusal:
            await refusals.render(refusal)(scope, receive, send)
            return
        scope["caller"], scope["oauth_scopes"] = credential.user, credential.oauth_scopes
        scope["log_entry"].user = credential.user.key
        await self._app(scope, receive, send)

    def _credential(self, scope: Scope) -> Credential:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = presented_token(header)
        if token is None:
            raise refusals.no_credentials(scope["request_id"])
        credential = self._identities.credential(token)
        if credential is None:
            raise refusals.invalid_token(scope["request_id"])
        if missing := missing_oauth_scope(scope["path"], credential.oauth_scopes):
            raise refusals.missing_scope(missing, scope["request_id"])
        return credential
