"""What no Databricks workspace has: the request log and the fault queue, for tests. The admin's token only."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from local_workspace.faults.injection import FaultQueue, QueuedFault
from local_workspace.refusals import bad_request
from local_workspace.web.admin_only import admin_only
from local_workspace.web.bodies import Body, Integer, Text, read, takes
from local_workspace.web.request_log import RequestLog


class FaultBody(Body):
    """The body of `POST /_local/faults`."""

    fault: Text
    path: Text | None = None
    times: Annotated[Integer, Field(ge=1, le=100_000)] = 1


def local_routes(log: RequestLog, queue: FaultQueue) -> APIRouter:
    """Read and clear the log; queue, list and clear faults."""
    router = APIRouter(prefix="/_local", dependencies=[Depends(admin_only)])

    @router.get("/requests")
    async def list_requests(request: Request) -> dict[str, Any]:
        since = request.query_params.get("since", "0")
        if not since.isascii() or not since.isdigit():
            raise bad_request("The parameter 'since' must be the id of a request, a whole number.")
        return {"requests": log.since(int(since[:18]))}

    @router.delete("/requests")
    async def clear_requests() -> dict[str, Any]:
        log.clear()
        return {}

    @router.post("/faults", openapi_extra=takes(FaultBody))
    async def queue_fault(request: Request) -> dict[str, Any]:
        body = await read(FaultBody, request)
        fault = QueuedFault(body.fault, body.path, body.times)
        queue.add(fault)
        return fault.to_wire()

    @router.get("/faults")
    async def list_faults() -> dict[str, Any]:
        return {"faults": [fault.to_wire() for fault in queue.list()]}

    @router.delete("/faults")
    async def clear_faults() -> dict[str, Any]:
        queue.clear()
        return {}

    return router
