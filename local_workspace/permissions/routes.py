"""The permissions API: who may do what with one object, read and changed."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from local_workspace.identity.users import GROUPS, USERS, User
from local_workspace.permissions.kinds import CAN_MANAGE, KINDS, ObjectKind
from local_workspace.permissions.store import Grant, PermissionStore
from local_workspace.refusals import (
    RefusalError,
    invalid_parameter,
    missing_permission,
    no_such_object,
    no_such_principal,
)
from local_workspace.web.bodies import LenientBody, Text, read, takes

MAX_GRANTS = 1000  # far above what two users and two groups can need; the platform's own figure is not known
USER_NAMES = {user.user_name: user for user in USERS.values()}


class AccessControl(LenientBody):
    """One item of `access_control_list`: exactly one of the three names, and a level."""

    user_name: Text | None = None
    group_name: Text | None = None
    service_principal_name: Text | None = None
    permission_level: Text


class ChangePermissions(LenientBody):
    """The body of PUT and PATCH. No list is an empty one, as everywhere in the platform's API."""

    access_control_list: Annotated[tuple[AccessControl, ...], Field(max_length=MAX_GRANTS)] = ()


class _Objects:
    """What has permissions here: kinds of objects, and for each whether an id is one."""

    def __init__(self, store: PermissionStore, exists: Mapping[str, Callable[[str], bool]]) -> None:
        self._store = store
        self._exists = exists

    def kind(self, object_type: str, object_id: str) -> ObjectKind:
        """The kind of an object. Raises RefusalError: 400 for an unknown type, 404 for an object that is not there."""
        if object_type not in self._exists:
            known = ", ".join(self._exists)
            raise invalid_parameter(f"'{object_type[:80]}' is no type of object that has permissions here: {known}.")
        kind = KINDS[object_type]
        if not self._exists[object_type](object_id):
            raise no_such_object(kind.noun, object_id)
        return kind

    def show(self, object_type: str, object_id: str) -> dict[str, Any]:
        """The object's permissions as the API shows them."""
        return to_wire(KINDS[object_type], object_id, self._store.grants(object_type, object_id))

    async def change(
        self, object_type: str, object_id: str, request: Request, put: Callable[[str, str, list[Grant]], None]
    ) -> dict[str, Any]:
        """Have `put` write the grants in the request's body, if the caller may."""
        kind, caller = self.kind(object_type, object_id), request.scope["caller"]
        if not self._store.allows(object_type, object_id, caller, CAN_MANAGE):
            raise missing_permission(caller.user_name, "Manage", kind.noun, object_id)
        body = await read(ChangePermissions, request)
        put(object_type, object_id, [_grant(kind, item) for item in body.access_control_list])
        return self.show(object_type, object_id)


def permission_routes(store: PermissionStore, exists: Mapping[str, Callable[[str], bool]]) -> APIRouter:
    """The routes for the kinds of objects in `exists`, which says of an id whether there is such an object."""
    router = APIRouter(prefix="/api/2.0/permissions")
    objects = _Objects(store, exists)

    @router.get("/{object_type}/{object_id}")
    async def get_permissions(object_type: str, object_id: str, request: Request) -> dict[str, Any]:
        kind, caller = objects.kind(object_type, object_id), request.scope["caller"]
        if store.level(object_type, object_id, caller) is None:
            raise missing_permission(caller.user_name, "View", kind.noun, object_id)
        return objects.show(object_type, object_id)

    @router.put("/{object_type}/{object_id}", openapi_extra=takes(ChangePermissions))
    async def set_permissions(object_type: str, object_id: str, request: Request) -> dict[str, Any]:
        return await objects.change(object_type, object_id, request, store.replace)

    @router.patch("/{object_type}/{object_id}", openapi_extra=takes(ChangePermissions))
    async def update_permissions(object_type: str, object_id: str, request: Request) -> dict[str, Any]:
        return await objects.change(object_type, object_id, request, store.merge)

    @router.get("/{object_type}/{object_id}/permissionLevels")
    async def get_permission_levels(object_type: str, object_id: str) -> dict[str, Any]:
        kind = objects.kind(object_type, object_id)
        described = [{"permission_level": name, "description": text} for name, text in kind.levels.items()]
        return {"permission_levels": described}

    return router


def to_wire(kind: ObjectKind, object_id: str, grants: list[Grant]) -> dict[str, Any]:
    """The object's access control list, one entry a principal, with what admins inherit."""
    entries: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for grant in grants:
        direct = {"permission_level": grant.level, "inherited": False}
        entries.setdefault((grant.principal_field, grant.principal), []).append(direct)
    inherited = {"permission_level": CAN_MANAGE, "inherited": True, "inherited_from_object": [f"/{kind.path}/"]}
    entries.setdefault(("group_name", "admins"), []).append(inherited)
    shown = [
        {field: name} | _display_name(field, name) | {"all_permissions": held}
        for (field, name), held in entries.items()
    ]
    return {
        "object_id": f"/{kind.path}/{object_id}",
        "object_type": kind.object_type,
        "access_control_list": shown,
    }


def _display_name(field: str, name: str) -> dict[str, str]:
    user: User | None = USER_NAMES.get(name) if field == "user_name" else None
    return {"display_name": user.display_name} if user else {}


def _grant(kind: ObjectKind, item: AccessControl) -> Grant:
    named = {
        "user_name": ("UserName", item.user_name, USER_NAMES),
        "group_name": ("GroupName", item.group_name, GROUPS),
        "service_principal_name": ("ServicePrincipalName", item.service_principal_name, ()),
    }
    given = {field: about for field, about in named.items() if about[1]}
    if len(given) != 1:
        raise _one_principal(list(named))
    [(field, (word, name, known))] = given.items()
    if name is None or name not in known:
        raise no_such_principal(f"{word}({name})")
    if item.permission_level not in kind.levels:
        levels = ", ".join(kind.levels)
        raise invalid_parameter(
            f"'{item.permission_level[:80]}' is no permission level of a {kind.noun}. Its levels are: {levels}."
        )
    return Grant(field, name, item.permission_level)


def _one_principal(fields: list[str]) -> RefusalError:
    return invalid_parameter(f"Each item of access_control_list names exactly one of {', '.join(fields)}.")
