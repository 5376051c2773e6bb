"""Signing in: who the caller is, and OAuth for machines, which is how a Databricks App gets its token."""

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from local_workspace.identity.authentication import basic_credentials
from local_workspace.identity.users import ACCESS_TOKEN_SECONDS, ORG_ID, Identities, User


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
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    @router.post("/oidc/v1/token")
    async def token(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"]:
            wanted = "The only grant here is client_credentials, as a form field called grant_type."
            return _oauth_error(400, "unsupported_grant_type", wanted)
        pair = basic_credentials(request.headers.get("authorization", ""))
        user = identities.client(*pair) if pair else None
        if user is None:
            return _oauth_error(401, "invalid_client", "Client authentication failed.")
        reply = {
            "access_token": identities.issue_access_token(user),
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
            "scope": form.get("scope", ["all-apis"])[0],
        }
        return JSONResponse(reply, headers={"cache-control": "no-store"})

    @router.get("/api/2.0/preview/scim/v2/Me")
    async def me(request: Request) -> Response:
        return JSONResponse(_scim_user(request.scope["caller"]), headers={"x-databricks-org-id": ORG_ID})

    return router


def _host(request: Request) -> str:
    # As the caller spelt it, so that a certificate's name and a proxy's port stay right.
    return str(request.base_url).rstrip("/")


def _oauth_error(status: int, error: str, description: str) -> Response:
    headers = {"www-authenticate": 'Basic realm="local workspace"'} if status == 401 else {}
    return JSONResponse({"error": error, "error_description": description}, status_code=status, headers=headers)


def _scim_user(user: User) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": user.id,
        "userName": user.user_name,
        "displayName": user.display_name,
        "emails": [{"value": user.user_name, "type": "work", "primary": True}],
        "active": True,
        "groups": [{"display": group, "value": group, "type": "direct"} for group in user.groups],
    }
