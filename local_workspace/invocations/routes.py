"""The routes that ask a model: the platform's form, OpenAI's, and the AI gateway's names for OpenAI's."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from local_workspace.invocations.dispatch import Dispatcher
from local_workspace.invocations.request_bodies import ChatBody, CompletionsBody, EmbeddingsBody
from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS
from local_workspace.web.bodies import takes, takes_any

OPENAI_ROOTS = ("/serving-endpoints", "/ai-gateway/mlflow/v1", "/ai-gateway/openai/v1")


def invocation_routes(dispatcher: Dispatcher) -> APIRouter:
    """The routes. OpenAI's come first; an endpoint called `chat` still has `/serving-endpoints/chat/invocations`."""
    router = APIRouter()
    for root in OPENAI_ROOTS:
        router.include_router(_openai_routes(dispatcher), prefix=root)

    @router.post("/serving-endpoints/{name}/invocations", openapi_extra=takes_any(ChatBody, EmbeddingsBody))
    async def invoke(name: str, request: Request) -> Response:
        return await dispatcher.by_path(name, None, request)

    @router.post(
        "/serving-endpoints/{name}/served-models/{entity}/invocations",
        openapi_extra=takes_any(ChatBody, EmbeddingsBody),
    )
    async def invoke_entity(name: str, entity: str, request: Request) -> Response:
        return await dispatcher.by_path(name, entity, request)

    return router


def _openai_routes(dispatcher: Dispatcher) -> APIRouter:
    router = APIRouter()

    @router.post("/chat/completions", openapi_extra=takes(ChatBody))
    async def chat_completions(request: Request) -> Response:
        return await dispatcher.by_model(CHAT, request)

    @router.post("/completions", openapi_extra=takes(CompletionsBody))
    async def completions(request: Request) -> Response:
        return await dispatcher.by_model(COMPLETIONS, request)

    @router.post("/embeddings", openapi_extra=takes(EmbeddingsBody))
    async def embeddings(request: Request) -> Response:
        return await dispatcher.by_model(EMBEDDINGS, request)

    @router.post("/responses")
    async def responses(request: Request) -> Response:
        return await dispatcher.no_responses(request)

    return router
