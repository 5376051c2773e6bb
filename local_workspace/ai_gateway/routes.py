"""What the AI gateway has recorded. On the platform these are tables; here they are read over HTTP, by the admin."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from local_workspace.ai_gateway.gateway import AiGateway
from local_workspace.web.admin_only import admin_only
from local_workspace.web.bodies import LenientBody, Text, read_query, takes_query


class RecordQuery(LenientBody):
    """Which rows: of one endpoint or of all, and with an id above `since`."""

    endpoint: Text | None = None
    since: Annotated[int, Field(ge=0, le=2**53)] = 0


def gateway_routes(gateway: AiGateway) -> APIRouter:
    """Read the tables."""
    router = APIRouter(prefix="/_local", dependencies=[Depends(admin_only)])

    @router.get("/usage", openapi_extra=takes_query(RecordQuery))
    async def list_usage(request: Request) -> dict[str, Any]:
        query = read_query(RecordQuery, request)
        return {"endpoint_usage": gateway.usage.rows(query.endpoint, query.since)}

    @router.get("/inference-log", openapi_extra=takes_query(RecordQuery))
    async def list_inferences(request: Request) -> dict[str, Any]:
        query = read_query(RecordQuery, request)
        return {"inference_log": gateway.log.rows(query.endpoint, query.since)}

    return router
