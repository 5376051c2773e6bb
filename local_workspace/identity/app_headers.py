"""What a Databricks App is told about its visitor: the headers its proxy adds, for tests of an app without the platform."""

import uuid
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from local_workspace import refusals
from local_workspace.identity.oauth_scopes import APP_OAUTH_SCOPES
from local_workspace.identity.users import ORG_ID, USERS, Identities, User
from local_workspace.web.admin_only import admin_only
from local_workspace.web.bodies import LenientBody, Text, read_query, takes_query


class Visitor(LenientBody):
    """The query: a user's short name, and the host under which its browser asked for the app."""

    user: Text
    host: Text = "localhost"


def app_header_routes(identities: Identities) -> APIRouter:
    """`GET /_local/app-headers?user=analyst`, for the admin: `{"headers": {...}}` with a fresh token of that user."""
    router = APIRouter(prefix="/_local", dependencies=[Depends(admin_only)])

    @router.get("/app-headers", openapi_extra=takes_query(Visitor))
    async def app_headers(request: Request) -> Response:
        visitor = read_query(Visitor, request)
        key = visitor.user
        if key not in USERS:
            raise refusals.invalid_parameter(f"The parameter 'user' must be {' or '.join(USERS)}, not '{key[:80]}'.")
        found = _headers(USERS[key], visitor.host, request, identities.issue_access_token(USERS[key], APP_OAUTH_SCOPES))
        return JSONResponse({"headers": found}, headers={"cache-control": "no-store"})

    return router


def _headers(user: User, host: str, request: Request, token: str) -> dict[str, Any]:
    """The documented names. That X-Forwarded-User is `<user id>@<workspace id>` is hearsay."""
    return {
        "X-Forwarded-Host": host,
        "X-Forwarded-Preferred-Username": user.user_name,
        "X-Forwarded-User": f"{user.id}@{ORG_ID}",
        "X-Forwarded-Email": user.user_name,
        "X-Real-Ip": request.client.host if request.client else "127.0.0.1",
        "X-Request-Id": str(uuid.uuid4()),
        "X-Forwarded-Access-Token": token,
    }
