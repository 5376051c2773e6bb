"""The workspace as an ASGI application: the parts, the routes, and the layers a request passes on its way to them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace import refusals
from local_workspace.ai_gateway.gateway import AiGateway
from local_workspace.ai_gateway.routes import gateway_routes
from local_workspace.clusters.driver_process import DriverProcess, driver_environment
from local_workspace.clusters.driver_proxy import DriverProxy
from local_workspace.clusters.routes import cluster_routes
from local_workspace.clusters.store import RUNNING_ID, ClusterStore
from local_workspace.custom_models.backend import CustomModels
from local_workspace.custom_models.registry import Registry
from local_workspace.custom_models.routes import registry_routes
from local_workspace.engines import catalog
from local_workspace.engines.embedding_engine import EmbeddingEngine
from local_workspace.engines.text_model import TextModel
from local_workspace.external_models.backend import ExternalModels
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
from local_workspace.web.not_served import not_served_routes
from local_workspace.web.openapi import openapi_routes
from local_workspace.web.request_log import RequestLog


def make_app(
    state: State,
    identities: Identities,
    provisioned: list[Endpoint],
    options: Options,
    driver_listener: socket.socket | None = None,
) -> ASGIApp:
    """The workspace. Its models begin to load when its lifespan starts, or on demand, and calls that need one wait for it.

    `driver_listener` is the socket of the example app on the running cluster's driver; without it there is none.
    Raises ValueError when the state holds what cannot be read.
    """
    log, queue = RequestLog(), FaultQueue()
    permissions = PermissionStore(state.database)
    secrets = SecretStore(state.database, state.cipher)
    store = EndpointStore(state.database)
    for endpoint in store.provision(provisioned):
        permissions.merge(OBJECT_TYPE, endpoint.id, [Grant.to_group("users", "CAN_QUERY")])

    text_model = TextModel(catalog.chat_model_file, "smollm2-135m-instruct-1")
    embeddings = EmbeddingEngine(catalog.embedding_model_file, catalog.tokenizer_file)
    registry = Registry(state.folder)
    backends: dict[Kind, Backend] = {
        "foundation": FoundationModels(text_model, embeddings),
        "external": ExternalModels(secrets, state.cipher, options.provider_urls, options.timeout),
        "custom": CustomModels(registry, secrets, identities, options),
    }
    deployments = Deployments(store, backends, options.deployment_seconds)
    endpoints = Endpoints(store, permissions, deployments, backends, state.cipher)
    gateway = AiGateway(state.database)
    dispatcher = Dispatcher(endpoints, backends, Traffic(), gateway, options.timeout)

    clusters = ClusterStore(state.database, permissions, options.deployment_seconds)
    driver = DriverProcess(driver_listener, clusters.get(RUNNING_ID), driver_environment(identities, options))
    clusters.watchers.append(driver.watch)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        chat = asyncio.create_task(text_model.run())
        if not options.models_on_demand:
            text_model.load()
            embeddings.load()
        deployments.resume()
        driving = asyncio.create_task(driver.run())
        yield
        driving.cancel()
        await deployments.close()
        for backend in backends.values():
            await backend.close()
        await registry.close()
        embeddings.close()
        chat.cancel()
        for task in (driving, chat):
            with suppress(asyncio.CancelledError):
                await task

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(refusals.RefusalError, _refused)
    app.add_exception_handler(HTTPException, _no_such_api)
    app.add_exception_handler(Exception, _failed)
    for router in (
        sign_in_routes(identities),
        app_header_routes(identities),
        secret_routes(secrets),
        permission_routes(permissions, {OBJECT_TYPE: store.has_id, "clusters": clusters.exists}),
        cluster_routes(clusters, permissions),
        endpoint_routes(endpoints, Observation(store, backends), gateway.metrics),
        invocation_routes(dispatcher),
        registry_routes(registry),
        local_routes(log, queue),
        gateway_routes(gateway),
        not_served_routes(),
        openapi_routes(app),
    ):
        app.include_router(router)
    app.router.default = _no_such_path
    served = DriverProxy(app, clusters, permissions, urlsplit(options.host).port)
    return Connection(Authentication(FaultInjection(served, queue), identities), log)


async def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, refusals.RefusalError):
        raise refusal
    return refusals.render(refusal)


async def _no_such_api(request: Request, _: Exception) -> Response:
    return refusals.render(refusals.no_such_api(request.method, request.url.path))


async def _no_such_path(scope: Scope, receive: Receive, send: Send) -> None:
    # Starlette would refuse a websocket without a word.
    refusal = refusals.no_such_api(scope.get("method", "GET"), scope["path"])
    await refusals.render(refusal)(scope, receive, send)


async def _failed(_: Request, __: Exception) -> Response:
    return refusals.render(refusals.internal_error())
