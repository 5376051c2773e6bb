"""Signing in: who the caller is, and OAuth for machines, which is how a Databricks App gets its token."""

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from local_workspace.identity.authentication import basic_credentials
from local_workspace.identity.oauth_scopes import ALL_APIS, parse_oauth_scopes
from local_workspace.identity.users import ACCESS_TOKEN_SECONDS, GROUPS, ORG_ID, USERS, Identities, User

MAX_FORM_FIELDS = 50
TOKEN_FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {"grant_type": {"const": "client_credentials"}, "scope": {"type": "string"}},
}


def sign_in_routes(identities: Identities) -> APIRouter:
    """Discovery, the token endpoint and `Me`."""
    router = APIRouter()

    @router.get("/.well-known/databricks-config")
    async def databricks_config(request: Request) -> dict[str, str]:
        # No workspace_id: with it, the SDK and mlflow add a header to every call.
        return {"oidc_endpoint": f"{_host(request)}/oidc"}

    @router.get("/oidc/.well-known/oauth-authorization-server")
    async def authorization_server(request: Request) -> dict[str, Any]:
        host = _host(request)
        return {
            "issuer": f"{host}/oidc",
            "authorization_endpoint": f"{host}/oidc/v1/authorize",
            "token_endpoint": f"{host}/oidc/v1/token",
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": [ALL_APIS],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    form = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": TOKEN_FORM}}}

    @router.post("/oidc/v1/token", openapi_extra={"requestBody": form})
    async def token(request: Request) -> Response:
        try:
            user, oauth_scopes = _asked_for(await request.body(), request.headers.get("authorization", ""), identities)
        except _TokenError as error:
            return error.to_response()
        reply = {
            "access_token": identities.issue_access_token(user, oauth_scopes),
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
            "scope": " ".join(oauth_scopes),
        }
        return JSONResponse(reply, headers={"cache-control": "no-store"})

    @router.get("/api/2.0/preview/scim/v2/Me")
    async def me(request: Request) -> Response:
        return JSONResponse(_scim_user(request.scope["caller"]), headers={"x-databricks-org-id": ORG_ID})

    return router


def _host(request: Request) -> str:
    # As the caller spelt it, so that a certificate's name and a proxy's port stay right.
    return str(request.base_url).rstrip("/")


class _TokenError(Exception):
    """A refusal of the token endpoint, which has OAuth's shape (RFC 6749, 5.2) and not the platform's."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self._status = status
        self._body = {"error": error, "error_description": description}

    def to_response(self) -> Response:
        headers = {"www-authenticate": 'Basic realm="local workspace"'} if self._status == 401 else {}
        return JSONResponse(self._body, status_code=self._status, headers=headers)


def _asked_for(body: bytes, authorization: str, identities: Identities) -> tuple[User, tuple[str, ...]]:
    """Who asks for a token, and for which OAuth scopes."""
    try:
        form = parse_qs(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise _TokenError(400, "invalid_request", f"The form has more than {MAX_FORM_FIELDS} fields.") from error
    if form.get("grant_type") != ["client_credentials"]:
        wanted = "The only grant here is client_credentials, as a form field called grant_type."
        raise _TokenError(400, "unsupported_grant_type", wanted)
    pair = basic_credentials(authorization)
    user = identities.client(*pair) if pair else None
    if user is None:
        raise _TokenError(401, "invalid_client", "Client authentication failed.")
    try:
        return user, parse_oauth_scopes(form.get("scope", [ALL_APIS])[0])
    except ValueError as error:
        raise _TokenError(400, "invalid_scope", str(error)) from error


def _scim_user(user: User) -> dict[str, Any]:
    given_name, _, family_name = user.display_name.partition(" ")
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": user.id,
        "userName": user.user_name,
        "displayName": user.display_name,
        "name": {"givenName": given_name, "familyName": family_name},
        "emails": [{"value": user.user_name, "type": "work", "primary": True}],
        "active": True,
        "groups": [_scim_group(group) for group in user.groups],
    }


def _scim_group(group: str) -> dict[str, str]:
    number = str(len(USERS) + GROUPS.index(group) + 1)  # ids of users and groups are of one series
    return {"display": group, "value": number, "type": "direct", "$ref": f"Groups/{number}"}
