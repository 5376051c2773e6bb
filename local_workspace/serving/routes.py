"""The serving-endpoints API. Each route with and without a trailing slash: mlflow lists and creates with one."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from local_workspace.ai_gateway.config import AiGatewayBody, RateLimitsBody
from local_workspace.ai_gateway.metrics import EndpointMetrics
from local_workspace.identity.users import User
from local_workspace.refusals import not_implemented
from local_workspace.serving import views
from local_workspace.serving.bodies import (
    ConfigBody,
    CreateBody,
    NotificationsBody,
    TagsBody,
    TelemetryBody,
)
from local_workspace.serving.endpoints import Endpoints
from local_workspace.serving.observation import Observation
from local_workspace.serving.records import Endpoint
from local_workspace.web.bodies import read, takes

ROOT = "/api/2.0/serving-endpoints"


def endpoint_routes(endpoints: Endpoints, observation: Observation, metrics: EndpointMetrics) -> APIRouter:
    """Create, read, change, delete and observe."""
    router = APIRouter()
    router.include_router(_record_routes(endpoints))
    router.include_router(_config_routes(endpoints))
    router.include_router(_setting_routes(endpoints))
    router.include_router(_observation_routes(endpoints, observation, metrics))
    return router


def _caller(request: Request) -> User:
    caller: User = request.scope["caller"]
    return caller


def _shown(endpoints: Endpoints, endpoint: Endpoint, caller: User) -> dict[str, Any]:
    return views.detail(endpoint, endpoints.level(endpoint, caller), endpoints.state_messages(endpoint))


def _record_routes(endpoints: Endpoints) -> APIRouter:
    router = APIRouter()

    @router.get(ROOT)
    @router.get(f"{ROOT}/")
    async def list_endpoints(request: Request) -> dict[str, Any]:
        caller = _caller(request)
        return {"endpoints": [views.summary(it, endpoints.level(it, caller)) for it in endpoints.visible(caller)]}

    @router.post(ROOT, openapi_extra=takes(CreateBody))
    @router.post(f"{ROOT}/", openapi_extra=takes(CreateBody))
    @router.post(f"{ROOT}/pt", openapi_extra=takes(CreateBody))
    async def create_endpoint(request: Request) -> dict[str, Any]:
        endpoint = await endpoints.create(await read(CreateBody, request), _caller(request))
        return _shown(endpoints, endpoint, _caller(request))

    @router.get(f"{ROOT}/{{name}}")
    @router.get(f"{ROOT}/{{name}}/")
    async def get_endpoint(name: str, request: Request) -> dict[str, Any]:
        return _shown(endpoints, endpoints.get(name, _caller(request), "CAN_VIEW"), _caller(request))

    @router.delete(f"{ROOT}/{{name}}")
    @router.delete(f"{ROOT}/{{name}}/")
    async def delete_endpoint(name: str, request: Request) -> dict[str, Any]:
        endpoints.delete(name, _caller(request))
        return {}

    @router.get("/serving-endpoints/models")
    async def list_models(request: Request) -> dict[str, Any]:
        return {"object": "list", "data": [_model(endpoint) for endpoint in endpoints.visible(_caller(request))]}

    return router


def _model(endpoint: Endpoint) -> dict[str, Any]:
    created = endpoint.created_ms // 1000
    return {"id": endpoint.name, "object": "model", "created": created, "owned_by": endpoint.creator}


def _config_routes(endpoints: Endpoints) -> APIRouter:
    router = APIRouter()

    @router.put(f"{ROOT}/{{name}}/config", openapi_extra=takes(ConfigBody))
    @router.put(f"{ROOT}/pt/{{name}}/config", openapi_extra=takes(ConfigBody))
    async def update_config(name: str, request: Request) -> dict[str, Any]:
        body = await _config_body(request)
        return _shown(endpoints, await endpoints.update_config(name, body, _caller(request)), _caller(request))

    @router.post(f"{ROOT}/{{name}}/config:stop")
    async def stop_endpoint(name: str, request: Request) -> dict[str, Any]:
        return _shown(endpoints, endpoints.stop(name, _caller(request)), _caller(request))

    @router.post(f"{ROOT}/{{name}}/config:start")
    async def start_endpoint(name: str, request: Request) -> dict[str, Any]:
        return _shown(endpoints, endpoints.start(name, _caller(request)), _caller(request))

    return router


def _setting_routes(endpoints: Endpoints) -> APIRouter:
    router = APIRouter()

    @router.patch(f"{ROOT}/{{name}}/tags", openapi_extra=takes(TagsBody))
    async def change_tags(name: str, request: Request) -> dict[str, Any]:
        endpoint = endpoints.change_tags(name, await read(TagsBody, request), _caller(request))
        return {"tags": [{"key": key, "value": value} for key, value in endpoint.tags.items()]}

    @router.put(f"{ROOT}/{{name}}/rate-limits", openapi_extra=takes(RateLimitsBody))
    async def change_rate_limits(name: str, request: Request) -> dict[str, Any]:
        body = await read(RateLimitsBody, request)
        limits = [limit.model_dump(exclude_none=True) for limit in body.rate_limits or []]
        return {"rate_limits": endpoints.change_rate_limits(name, limits, _caller(request)).rate_limits}

    @router.put(f"{ROOT}/{{name}}/ai-gateway", openapi_extra=takes(AiGatewayBody))
    async def change_ai_gateway(name: str, request: Request) -> dict[str, Any]:
        endpoint = endpoints.change_ai_gateway(name, await read(AiGatewayBody, request), _caller(request))
        return endpoint.ai_gateway or {}

    @router.patch(f"{ROOT}/{{name}}/notifications", openapi_extra=takes(NotificationsBody))
    async def change_notifications(name: str, request: Request) -> dict[str, Any]:
        body = await read(NotificationsBody, request)
        endpoints.change_setting(name, "email_notifications", body.email_notifications, _caller(request))
        return {"name": name, "email_notifications": body.email_notifications or {}}

    @router.patch(f"{ROOT}/{{name}}/telemetry-config", openapi_extra=takes(TelemetryBody))
    async def change_telemetry(name: str, request: Request) -> dict[str, Any]:
        body = await read(TelemetryBody, request)
        return _shown(
            endpoints, endpoints.change_telemetry(name, body.telemetry_config, _caller(request)), _caller(request)
        )

    @router.post("/api/2.0/external-function")
    async def external_function() -> dict[str, Any]:
        raise not_implemented("The local workspace has no Unity Catalog connections, so there is nothing to call.")

    return router


async def _config_body(request: Request) -> ConfigBody:
    """The config, on its own or, in the provisioned-throughput form, inside `config`."""
    body = await read(ConfigUpdate, request)
    return body.config or body


class ConfigUpdate(ConfigBody):
    """The body of both forms of config update."""

    config: ConfigBody | None = None


def _observation_routes(endpoints: Endpoints, observation: Observation, metrics: EndpointMetrics) -> APIRouter:
    router = APIRouter()

    @router.get(f"{ROOT}/{{name}}/served-models/{{entity}}/logs")
    async def logs(name: str, entity: str, request: Request) -> dict[str, Any]:
        endpoint = endpoints.get(name, _caller(request), "CAN_VIEW")
        return {"logs": observation.logs(endpoint, entity)}

    @router.get(f"{ROOT}/{{name}}/served-models/{{entity}}/build-logs")
    async def build_logs(name: str, entity: str, request: Request) -> dict[str, Any]:
        endpoint = endpoints.get(name, _caller(request), "CAN_VIEW")
        return {"logs": observation.build_logs(endpoint, entity, request.query_params.get("config_version"))}

    @router.get(f"{ROOT}/{{name}}/events")
    async def events(name: str, request: Request) -> dict[str, Any]:
        return {"events": observation.events(endpoints.get(name, _caller(request), "CAN_VIEW"))}

    @router.get(f"{ROOT}/{{name}}/metrics")
    async def export_metrics(name: str, request: Request) -> Response:
        return PlainTextResponse(metrics.export(endpoints.get(name, _caller(request), "CAN_VIEW").name))

    @router.get(f"{ROOT}/{{name}}/openapi")
    async def open_api(name: str, request: Request) -> Response:
        endpoint = endpoints.get(name, _caller(request), "CAN_QUERY")
        host = str(request.base_url).rstrip("/")
        return JSONResponse(await observation.openapi(endpoint, host))

    return router
