"""The Secrets API 2.0: `/api/2.0/secrets`. Every reply is a JSON object, since the legacy CLI reads every reply as one."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from local_workspace import refusals
from local_workspace.secret_scopes.store import SecretStore
from local_workspace.web.bodies import AnyBody, LenientBody, Text, read, read_query, takes, takes_query


class KeyVault(LenientBody):
    """Where an Azure Key Vault is. There is none on this machine."""


class CreateScope(LenientBody):
    """A scope to create."""

    scope: Text
    initial_manage_principal: Text | None = None
    scope_backend_type: Text | None = None
    backend_azure_keyvault: KeyVault | None = None


class ScopeName(LenientBody):
    """A scope by its name."""

    scope: Text


class SecretName(LenientBody):
    """A secret by scope and key."""

    scope: Text
    key: Text


class PutSecret(SecretName):
    """A secret with its value, as text or as base64 of bytes."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    string_value: Annotated[Text | None, Field(repr=False)] = None
    bytes_value: Annotated[Text | None, Field(repr=False)] = None


class AclName(LenientBody):
    """An ACL by scope and principal."""

    scope: Text
    principal: Text


class PutAcl(AclName):
    """An ACL: READ, WRITE or MANAGE."""

    permission: Text


def secret_routes(store: SecretStore) -> APIRouter:
    """The eleven calls of the API."""
    router = APIRouter(prefix="/api/2.0/secrets")
    _add_scopes(router, store)
    _add_secrets(router, store)
    _add_acls(router, store)
    return router


def _add_scopes(router: APIRouter, store: SecretStore) -> None:
    @router.post("/scopes/create", openapi_extra=takes(CreateScope))
    async def create_scope(request: Request) -> dict[str, Any]:
        body = await _read(CreateScope, request)
        _check_backend(body)
        store.create_scope(body.scope, _manager(body) or request.scope["caller"].user_name)
        return {}

    @router.get("/scopes/list")
    async def list_scopes() -> dict[str, Any]:
        return {"scopes": [{"name": name, "backend_type": "DATABRICKS"} for name in store.list_scopes()]}

    @router.post("/scopes/delete", openapi_extra=takes(ScopeName))
    async def delete_scope(request: Request) -> dict[str, Any]:
        body = await _read(ScopeName, request)
        store.delete_scope(body.scope, request.scope["caller"])
        return {}


def _add_secrets(router: APIRouter, store: SecretStore) -> None:
    @router.post("/put", openapi_extra=takes(PutSecret))
    async def put_secret(request: Request) -> dict[str, Any]:
        body = await _read(PutSecret, request)
        store.put_secret(body.scope, body.key, _value(body), request.scope["caller"])
        return {}

    @router.post("/delete", openapi_extra=takes(SecretName))
    async def delete_secret(request: Request) -> dict[str, Any]:
        body = await _read(SecretName, request)
        store.delete_secret(body.scope, body.key, request.scope["caller"])
        return {}

    @router.get("/list", openapi_extra=takes_query(ScopeName))
    async def list_secrets(request: Request) -> dict[str, Any]:
        query = _read_query(ScopeName, request)
        found = store.list_secrets(query.scope, request.scope["caller"])
        return {"secrets": [{"key": key, "last_updated_timestamp": updated_ms} for key, updated_ms in found]}

    @router.get("/get", openapi_extra=takes_query(SecretName))
    async def get_secret(request: Request) -> dict[str, Any]:
        # The reference says that only DBUtils may call this. Apps do it too, with READ, and it works.
        query = _read_query(SecretName, request)
        key, value = store.get_secret(query.scope, query.key, request.scope["caller"])
        return {"key": key, "value": base64.b64encode(value).decode()}


def _add_acls(router: APIRouter, store: SecretStore) -> None:
    @router.post("/acls/put", openapi_extra=takes(PutAcl))
    async def put_acl(request: Request) -> dict[str, Any]:
        body = await _read(PutAcl, request)
        store.put_acl(body.scope, body.principal, body.permission, request.scope["caller"])
        return {}

    @router.get("/acls/get", openapi_extra=takes_query(AclName))
    async def get_acl(request: Request) -> dict[str, Any]:
        query = _read_query(AclName, request)
        permission = store.get_acl(query.scope, query.principal, request.scope["caller"])
        return {"principal": query.principal, "permission": permission}

    @router.get("/acls/list", openapi_extra=takes_query(ScopeName))
    async def list_acls(request: Request) -> dict[str, Any]:
        query = _read_query(ScopeName, request)
        # The documentation's sample says "acls"; every client reads "items".
        found = store.list_acls(query.scope, request.scope["caller"])
        return {"items": [{"principal": principal, "permission": permission} for principal, permission in found]}

    @router.post("/acls/delete", openapi_extra=takes(AclName))
    async def delete_acl(request: Request) -> dict[str, Any]:
        body = await _read(AclName, request)
        store.delete_acl(body.scope, body.principal, request.scope["caller"])
        return {}


async def _read(kind: type[AnyBody], request: Request) -> AnyBody:
    try:
        return await read(kind, request)
    except refusals.RefusalError as refusal:
        raise refusals.malformed_request(refusal.message) from refusal


def _read_query(kind: type[BaseModel], request: Request) -> Any:
    try:
        return read_query(kind, request)
    except refusals.RefusalError as refusal:
        raise refusals.malformed_request(refusal.message) from refusal


def _check_backend(body: CreateScope) -> None:
    """Both sentences about Azure Key Vault are the platform's, which says the second to a personal access token."""
    backend = body.scope_backend_type or "DATABRICKS"
    if backend == "AZURE_KEYVAULT":
        wanted = "userAADToken" if body.backend_azure_keyvault else "AzureKeyVaultSecretScopeMetadata"
        raise refusals.invalid_parameter(f"Scope with Azure KeyVault must have {wanted} defined!")
    if backend != "DATABRICKS":
        raise refusals.invalid_parameter(
            f"The scope_backend_type must be DATABRICKS or AZURE_KEYVAULT, not '{backend[:80]}'."
        )
    if body.backend_azure_keyvault:
        raise refusals.invalid_parameter("A scope with backend_azure_keyvault needs scope_backend_type AZURE_KEYVAULT.")


def _manager(body: CreateScope) -> str | None:
    if body.initial_manage_principal not in {None, "users"}:
        raise refusals.invalid_parameter(
            f"The initial_manage_principal can only be 'users', not '{body.initial_manage_principal[:80]}'."
        )
    return body.initial_manage_principal


def _value(body: PutSecret) -> bytes:
    if (body.string_value is None) == (body.bytes_value is None):
        raise refusals.malformed_request("Exactly one of the fields 'string_value' and 'bytes_value' must be given.")
    if body.string_value is not None:
        return body.string_value.encode()
    try:
        return base64.b64decode(body.bytes_value or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusals.malformed_request("The field 'bytes_value' must be base64.") from error
