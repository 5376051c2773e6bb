"""Routes of Databricks that this workspace knows and does not serve: each says so, and why, instead of not being there."""

from fastapi import APIRouter

from local_workspace.refusals import not_implemented

NOT_SERVED = {
    ("POST", "/serving-endpoints/anthropic/v1/messages"): (
        "No model of the local workspace speaks Anthropic's own API; ask an endpoint at /serving-endpoints/chat/completions."
    ),
}


def not_served_routes() -> APIRouter:
    """A route for each, which answers 501 NOT_IMPLEMENTED."""
    router = APIRouter()
    for (method, path), sentence in NOT_SERVED.items():
        _add(router, method, path, sentence)
    return router


def _add(router: APIRouter, method: str, path: str, sentence: str) -> None:
    @router.api_route(path, methods=[method], name=f"not_served_{path.rpartition('/')[2]}")
    async def not_served() -> None:
        raise not_implemented(sentence)
