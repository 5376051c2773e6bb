"""The workspace's own description of its routes, in OpenAPI 3.1: what FastAPI knows, made true.

FastAPI adds a 422 to every route and knows nothing of how this workspace refuses, nor of streams. Routes that pass anything
through, to a driver's app or to MLflow's own server, are not this workspace's to describe.
"""

import asyncio
import json
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from local_workspace.identity.authentication import OPEN_PATHS
from local_workspace.web.admin_only import admin_only

PASSED_THROUGH = ("/driver-proxy", "/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
MODEL_PATHS = ("/invocations", "/chat/completions", "/completions")
DESCRIPTION = "A Databricks workspace on this machine. What is not like Databricks is in its README."
ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {
        "error_code": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "message": {"type": "string"},
    },
}
OAUTH_ERROR = {
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}


def openapi_routes(app: FastAPI) -> APIRouter:
    """`GET /_local/openapi.json`, for the admin: every route of `app` at the time of the first request."""
    router = APIRouter(prefix="/_local", dependencies=[Depends(admin_only)])

    @cache
    def document() -> bytes:
        return json.dumps(describe(app)).encode()

    @router.get("/openapi.json")
    async def openapi() -> Response:
        # In a thread: it takes tenths of a second the first time.
        return Response(await asyncio.to_thread(document), media_type="application/json")

    return router


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    document = get_openapi(title="Brickyard local workspace", version="1", description=DESCRIPTION, routes=app.routes)
    kept = {path: item for path, item in document["paths"].items() if not path.startswith(PASSED_THROUGH)}
    for path, item in kept.items():
        for operation in item.values():
            _make_true(path, operation)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A user's token, or an OAuth access token."}
    }
    return document | {
        "paths": kept,
        "components": {"schemas": {"Error": ERROR, "OAuthError": OAUTH_ERROR}, "securitySchemes": schemes},
        "security": [{"bearer": []}],
    }


def _make_true(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    error = "OAuthError" if path.startswith("/oidc/") else "Error"
    responses["default"] = {
        "description": "Refused, with the reason in words",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{error}"}}},
    }
    if path.startswith(OPEN_PATHS):
        operation["security"] = []
    if path.endswith(MODEL_PATHS):
        responses["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    if path.endswith("/metrics"):
        responses["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
