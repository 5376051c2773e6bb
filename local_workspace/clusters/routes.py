"""The clusters API, 2.0 (the legacy CLI) and 2.1: list, show, start, restart, terminate, events."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from local_workspace.clusters.records import RUNNING, Cluster
from local_workspace.clusters.store import ClusterStore
from local_workspace.identity.users import User
from local_workspace.permissions.store import PermissionStore
from local_workspace.refusals import invalid_parameter, missing_permission
from local_workspace.web.bodies import Integer, LenientBody, Text, read, read_query, takes, takes_query

PREFIXES = ("/api/2.0/clusters", "/api/2.1/clusters")
PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_EVENTS = 500
# What a permission level is called in a refusal.
ABILITIES = {"CAN_ATTACH_TO": "Attach", "CAN_RESTART": "Restart", "CAN_MANAGE": "Manage"}


class ClusterId(LenientBody):
    """The cluster that is meant, in a body or a query string."""

    cluster_id: Text


class ListClusters(LenientBody):
    """The query string of `clusters/list`. Filters may be repeated."""

    page_size: Annotated[int, Field(ge=0, le=MAX_PAGE_SIZE)] = 0  # 0 leaves the size to the workspace
    page_token: str = ""


class ListEvents(ClusterId):
    """The body of `clusters/events`. Times are in milliseconds of Unix time."""

    start_time: Integer = 0
    end_time: Integer | None = None
    order: Literal["ASC", "DESC"] = "DESC"
    event_types: list[Text] = []
    offset: Annotated[Integer, Field(ge=0)] = 0
    limit: Annotated[Integer, Field(ge=0, le=MAX_EVENTS)] = 50


def cluster_routes(store: ClusterStore, permissions: PermissionStore) -> APIRouter:
    """The routes, under both versions' prefixes."""
    router = APIRouter()
    for prefix in PREFIXES:
        router.include_router(_routes(store, permissions), prefix=prefix)
    return router


def _routes(store: ClusterStore, permissions: PermissionStore) -> APIRouter:
    router = APIRouter()

    def allowed(cluster_id: str, caller: User, level: str) -> Cluster:
        cluster = store.get(cluster_id)
        if not permissions.allows("clusters", cluster_id, caller, level):
            raise missing_permission(caller.user_name, ABILITIES[level], "cluster", cluster_id)
        return cluster

    @router.get("/list", openapi_extra=takes_query(ListClusters))
    async def list_clusters(request: Request) -> dict[str, Any]:
        caller = request.scope["caller"]
        visible = [each for each in store.list() if permissions.level("clusters", each.cluster_id, caller)]
        found = _filtered(visible, request)
        # Version 2.0 knows no pages: it lists everything.
        return _page(found, read_query(ListClusters, request)) if "/2.1/" in request.url.path else _listed(found)

    @router.get("/get", openapi_extra=takes_query(ClusterId))
    async def get_cluster(request: Request) -> dict[str, Any]:
        wanted = read_query(ClusterId, request).cluster_id
        return allowed(wanted, request.scope["caller"], "CAN_ATTACH_TO").to_wire()

    @router.post("/start", openapi_extra=takes(ClusterId))
    async def start_cluster(request: Request) -> dict[str, Any]:
        return await change(request, store.start)

    @router.post("/restart", openapi_extra=takes(ClusterId))
    async def restart_cluster(request: Request) -> dict[str, Any]:
        return await change(request, store.restart)

    @router.post("/delete", openapi_extra=takes(ClusterId))
    async def terminate_cluster(request: Request) -> dict[str, Any]:
        return await change(request, store.terminate)

    async def change(request: Request, apply: Callable[[str, User], None]) -> dict[str, Any]:
        wanted, caller = (await read(ClusterId, request)).cluster_id, request.scope["caller"]
        allowed(wanted, caller, "CAN_RESTART")
        apply(wanted, caller)
        return {}

    @router.post("/events", openapi_extra=takes(ListEvents))
    async def list_events(request: Request) -> dict[str, Any]:
        wanted = await read(ListEvents, request)
        allowed(wanted.cluster_id, request.scope["caller"], "CAN_ATTACH_TO")
        return _events(store.events(wanted.cluster_id), wanted)

    return router


def _filtered(clusters: list[Cluster], request: Request) -> list[Cluster]:
    """Those that the query's filters leave, running ones first, then by name."""
    query = request.query_params
    states, sources = query.getlist("filter_by.cluster_states"), query.getlist("filter_by.cluster_sources")
    pinned, policy = query.get("filter_by.is_pinned"), query.get("filter_by.policy_id")
    # Nothing is pinned here, nothing was made under a policy, and all came through the API.
    none_match = pinned == "true" or policy or (sources and "API" not in sources)
    found = [each for each in clusters if not states or each.state in states]
    return [] if none_match else sorted(found, key=lambda each: (each.state != RUNNING, each.name))


def _listed(clusters: list[Cluster]) -> dict[str, Any]:
    return {"clusters": [each.to_wire() for each in clusters]}


def _page(clusters: list[Cluster], wanted: ListClusters) -> dict[str, Any]:
    size = wanted.page_size or PAGE_SIZE
    first = _offset(wanted.page_token)
    after = first + size
    return _listed(clusters[first:after]) | {
        "next_page_token": _token(after) if after < len(clusters) else "",
        "prev_page_token": _token(max(0, first - size)) if first else "",
    }


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"clusters:{offset}".encode()).decode()


def _offset(token: str) -> int:
    """The offset in a page token; none is the first page. Raises RefusalError (400)."""
    try:
        word, _, digits = base64.urlsafe_b64decode(token or _token(0)).decode().partition(":")
    except (binascii.Error, ValueError):
        word, digits = "", ""
    if word != "clusters" or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise invalid_parameter("The parameter 'page_token' is none that this API gave.")
    return int(digits)


def _events(events: list[dict[str, Any]], wanted: ListEvents) -> dict[str, Any]:
    until = wanted.end_time
    found = [
        event
        for event in events
        if event["timestamp"] >= wanted.start_time
        and (until is None or event["timestamp"] <= until)
        and (not wanted.event_types or event["type"] in wanted.event_types)
    ]
    ordered = found if wanted.order == "ASC" else found[::-1]
    after = wanted.offset + (wanted.limit or 50)
    shown: dict[str, Any] = {"events": ordered[wanted.offset : after], "total_count": len(found)}
    if after < len(found):
        shown["next_page"] = wanted.model_dump(exclude_none=True) | {"offset": after}
    return shown
