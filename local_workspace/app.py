"""The workspace as an ASGI application: the parts, the routes, and the layers a request passes on its way to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from local_workspace import refusals
from local_workspace.ai_gateway.gateway import AiGateway
from local_workspace.ai_gateway.routes import gateway_routes
from local_workspace.clusters.driver_process import DriverProcess
from local_workspace.clusters.driver_proxy import DriverProxy
from local_workspace.clusters.routes import cluster_routes
from local_workspace.clusters.store import RUNNING_ID, ClusterStore
from local_workspace.engines import catalog
from local_workspace.engines.embedding_engine import EmbeddingEngine
from local_workspace.engines.text_model import TextModel
from local_workspace.faults.injection import FaultInjection, FaultQueue
from local_workspace.faults.routes import local_routes
from local_workspace.identity.app_headers import app_header_routes
from local_workspace.identity.authentication import Authentication
from local_workspace.identity.oauth import sign_in_routes
from local_workspace.identity.users import Identities
from local_workspace.invocations.dispatch import Dispatcher
from local_workspace.invocations.foundation import FoundationModels
from local_workspace.invocations.routes import invocation_routes
from local_workspace.options import Options
from local_workspace.permissions.routes import permission_routes
from local_workspace.permissions.store import Grant, PermissionStore
from local_workspace.secret_scopes.routes import secret_routes
from local_workspace.secret_scopes.store import SecretStore
from local_workspace.serving.backends import Backend
from local_workspace.serving.deployments import Deployments
from local_workspace.serving.endpoints import OBJECT_TYPE, Endpoints
from local_workspace.serving.observation import Observation
from local_workspace.serving.records import Endpoint, Kind
from local_workspace.serving.routes import endpoint_routes
from local_workspace.serving.store import EndpointStore
from local_workspace.serving.traffic import Traffic
from local_workspace.state import State
from local_workspace.web.connection import Connection
from local_workspace.web.openapi import openapi_routes
from local_workspace.web.request_log import RequestLog


def make_app(state: State, identities: Identities, provisioned: list[Endpoint], options: Options) -> ASGIApp:
    """The workspace. Its models begin to load when its lifespan starts, and calls that need one wait for it.

    Raises ValueError when the state holds what cannot be read.
    """
    log, queue = RequestLog(), FaultQueue()
    permissions = PermissionStore(state.database)
    secrets = SecretStore(state.database, state.cipher)
    store = EndpointStore(state.database)
    store.provision(provisioned)
    for endpoint in provisioned:
        permissions.merge(OBJECT_TYPE, endpoint.id, [Grant.to_group("users", "CAN_QUERY")])

    text_model = TextModel(catalog.chat_model_file, "smollm2-135m-instruct-1")
    embeddings = EmbeddingEngine(catalog.embedding_model_file, catalog.tokenizer_file)
    backends: dict[Kind, Backend] = {"foundation": FoundationModels(text_model, embeddings)}
    deployments = Deployments(store, backends, options.deployment_seconds)
    endpoints = Endpoints(store, permissions, deployments, backends, state.cipher)
    gateway = AiGateway(state.database)
    dispatcher = Dispatcher(endpoints, backends, Traffic(), gateway, options.timeout)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        chat = asyncio.create_task(text_model.run())
        embeddings.load()
        deployments.resume()
        yield
        await deployments.close()
        for backend in backends.values():
            await backend.close()
        embeddings.close()
        chat.cancel()
        with suppress(asyncio.CancelledError):
            await chat

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(refusals.RefusalError, _refused)
    app.add_exception_handler(HTTPException, _no_such_api)
    app.add_exception_handler(Exception, _failed)
    for router in (
        sign_in_routes(identities),
        app_header_routes(identities),
        secret_routes(secrets),
        permission_routes(permissions, {OBJECT_TYPE: store.has_id}),
        endpoint_routes(endpoints, Observation(store, backends), gateway.metrics),
        invocation_routes(dispatcher),
        local_routes(log, queue),
        gateway_routes(gateway),
        openapi_routes(app),
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
