"""MLflow's tracking and registry API at the platform's paths, passed on to the registry's own process.

Everybody may read. Only the admin may write: whoever registers a model decides what code the workspace runs.
"""

from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from local_workspace import refusals
from local_workspace.custom_models.registry import Registry
from local_workspace.identity.oauth_scopes import ALL_APIS

API = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/"
# What MLflow's server has beside these (webhooks, traces, a gateway, evaluation) is not a part of this workspace.
AREAS = {"artifacts", "experiments", "logged-models", "metrics", "model-versions", "registered-models", "runs"}
# Reads that come as POST, since their bodies are large.
SEARCHES = {
    "experiments/search",
    "logged-models/search",
    "registered-models/get-latest-versions",
    "runs/search",
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PASSED_ON = ("accept", "content-type", "content-length", "range", "user-agent")
KEPT_BACK = {"connection", "date", "server", "transfer-encoding"}


def registry_routes(registry: Registry) -> APIRouter:
    """The routes. They are MLflow's, so the workspace's own OpenAPI description leaves them to MLflow's."""
    router = APIRouter(include_in_schema=False)

    @router.api_route(API + "{path:path}", methods=METHODS)
    @router.api_route(ARTIFACTS + "{path:path}", methods=METHODS)
    async def pass_on(request: Request) -> Response:
        _check(request)
        client = await registry.client()
        sent = client.build_request(
            request.method,
            "http://worker/",
            headers={name: request.headers[name] for name in PASSED_ON if name in request.headers},
            content=_body(request),
            # As it came: httpx would resolve `..`, and so leave the paths that were checked.
            extensions={"target": _target(request)},
        )
        try:
            reply = await client.send(sent, stream=True)
        except httpx.TransportError as error:
            raise refusals.unavailable("The model registry's process ended during the call; ask again.") from error
        if reply.status_code in {404, 405} and reply.headers.get("content-type", "").startswith("text/html"):
            await reply.aclose()
            raise refusals.no_such_api(request.method, request.scope["path"])
        return _Relayed(reply)

    return router


def _check(request: Request) -> None:
    """Raise RefusalError: 404 for what is not served here, 403 for what the caller may not do."""
    path = request.scope["path"]
    below = path.removeprefix(API)
    if path.startswith(API) and below.partition("/")[0] not in AREAS:
        raise refusals.no_such_api(request.method, path)
    reads = request.method == "GET" or (request.method == "POST" and below in SEARCHES)
    if reads:
        return
    if not request.scope["caller"].is_admin:
        raise refusals.permission_denied(
            f"User {request.scope['caller'].user_name} may read the model registry and not change it."
        )
    # The token of a served model is good for reading only: with more, whoever may create endpoints could register code.
    if ALL_APIS not in request.scope["oauth_scopes"]:
        raise refusals.missing_scope(ALL_APIS, request.scope["request_id"])


def _target(request: Request) -> bytes:
    raw: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return raw + (b"?" + query if query else b"")


class _Relayed(StreamingResponse):
    """The registry's reply as it comes, closed also when the caller is gone before the first piece."""

    def __init__(self, reply: httpx.Response) -> None:
        headers = {name: value for name, value in reply.headers.items() if name not in KEPT_BACK}
        super().__init__(reply.aiter_raw(), reply.status_code, headers)
        self._reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the reply."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._reply.aclose()


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        yield piece
