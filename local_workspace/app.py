"""The workspace as an ASGI application: the parts, the routes, and the layers a request passes on its way to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from local_workspace import refusals, seed
from local_workspace.engines.embedding_engine import EmbeddingEngine
from local_workspace.engines.text_model import TextModel
from local_workspace.faults.injection import FaultInjection, FaultQueue
from local_workspace.faults.routes import local_routes
from local_workspace.identity.authentication import Authentication
from local_workspace.identity.oauth import sign_in_routes
from local_workspace.identity.users import Identities
from local_workspace.invocations.routes import Invocations, invocation_routes
from local_workspace.options import Options
from local_workspace.serving.endpoints import Endpoint, EndpointStore, endpoint_routes
from local_workspace.state import State
from local_workspace.web.connection import Connection
from local_workspace.web.request_log import RequestLog


def make_app(state: State, identities: Identities, endpoints: list[Endpoint], options: Options) -> ASGIApp:
    """The workspace. Its models begin to load when its lifespan starts, and calls that need one wait for it."""
    store = EndpointStore(endpoints)
    text_model = TextModel(seed.chat_model_file, seed.CHAT_MODEL.name)
    embeddings = EmbeddingEngine(seed.embedding_model_file, seed.tokenizer_file)
    log, queue = RequestLog(), FaultQueue()

    @asynccontextmanager
    async def engines(_: FastAPI) -> AsyncIterator[None]:
        chat = asyncio.create_task(text_model.run())
        embeddings.load()
        yield
        embeddings.close()
        chat.cancel()
        with suppress(asyncio.CancelledError):
            await chat

    app = FastAPI(lifespan=engines, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(refusals.RefusalError, _refused)
    app.add_exception_handler(HTTPException, _no_such_api)
    app.add_exception_handler(Exception, _failed)
    for router in (
        sign_in_routes(identities),
        endpoint_routes(store),
        invocation_routes(Invocations(store, text_model, embeddings)),
        local_routes(log, queue),
    ):
        app.include_router(router)
    return Connection(Authentication(FaultInjection(app, queue), identities), log)


async def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, refusals.RefusalError):
        raise refusal
    return refusals.render(refusal)


async def _no_such_api(request: Request, _: Exception) -> Response:
    return refusals.render(refusals.no_such_api(request.method, request.url.path))


async def _failed(_: Request, __: Exception) -> Response:
    return refusals.render(refusals.internal_error())
