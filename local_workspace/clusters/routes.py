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
    event_types: tuple[Text, ...] = ()
    offset: Annotated[Integer, Field(ge=0)] = 0
    limit: Annotated[Integer, Field(ge=0, le=MAX_EVENTS)] = 50


class _Callers:
    """The clusters as callers may see and change them."""

    def __init__(self, store: ClusterStore, permissions: PermissionStore) -> None:
        self.store = store
        self._permissions = permissions

    def visible(self, caller: User) -> list[Cluster]:
        """Those on which the caller has any permission."""
        return [each for each in self.store.all() if self._permissions.level("clusters", each.cluster_id, caller)]

    def get(self, cluster_id: str, caller: User, level: str) -> Cluster:
        """The cluster. Raises RefusalError: 400 when there is none, 403 when the caller lacks `level` on it."""
        cluster = self.store.get(cluster_id)
        if not self._permissions.allows("clusters", cluster_id, caller, level):
            raise missing_permission(caller.user_name, ABILITIES[level], "cluster", cluster_id)
        return cluster

    async def change(self, request: Request, change: Callable[[str, User], None]) -> dict[str, Any]:
        """Start, restart or terminate the cluster that the request's body names."""
        wanted, caller = (await read(ClusterId, request)).cluster_id, request.scope["caller"]
        self.get(wanted, caller, "CAN_RESTART")
        change(wanted, caller)
        return {}


def cluster_routes(store: ClusterStore, permissions: PermissionStore) -> APIRouter:
    """The routes, under both versions' prefixes."""
    router = APIRouter()
    for prefix in PREFIXES:
        router.include_router(_routes(_Callers(store, permissions)), prefix=prefix)
    return router


def _routes(clusters: _Callers) -> APIRouter:
    router = APIRouter()

    @router.get("/list", openapi_extra=takes_query(ListClusters))
    async def list_clusters(request: Request) -> dict[str, Any]:
        found = _filtered(clusters.visible(request.scope["caller"]), request)
        # Version 2.0 knows no pages: it lists everything.
        return _page(found, read_query(ListClusters, request)) if "/2.1/" in request.url.path else _listed(found)

    @router.get("/get", openapi_extra=takes_query(ClusterId))
    async def get_cluster(request: Request) -> dict[str, Any]:
        wanted = read_query(ClusterId, request).cluster_id
        return clusters.get(wanted, request.scope["caller"], "CAN_ATTACH_TO").to_wire()

    @router.post("/start", openapi_extra=takes(ClusterId))
    async def start_cluster(request: Request) -> dict[str, Any]:
        return await clusters.change(request, clusters.store.start)

    @router.post("/restart", openapi_extra=takes(ClusterId))
    async def restart_cluster(request: Request) -> dict[str, Any]:
        return await clusters.change(request, clusters.store.restart)

    @router.post("/delete", openapi_extra=takes(ClusterId))
    async def terminate_cluster(request: Request) -> dict[str, Any]:
        return await clusters.change(request, clusters.store.terminate)

    @router.post("/events", openapi_extra=takes(ListEvents))
    async def list_events(request: Request) -> dict[str, Any]:
        wanted = await read(ListEvents, request)
        clusters.get(wanted.cluster_id, request.scope["caller"], "CAN_ATTACH_TO")
        return _events(clusters.store.events(wanted.cluster_id), wanted)

    return router


def _filtered(clusters: list[Cluster], request: Request) -> list[Cluster]:
    """Those that the query's filters leave, running ones first, then by name."""
    query = request.query_params
    states, sources = query.getlist("filter_by.cluster_states"), query.getlist("filter_by.cluster_sources")
    # The SDK writes a nested true as True.
    pinned, policy = query.get("filter_by.is_pinned", "").lower(), query.get("filter_by.policy_id")
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
