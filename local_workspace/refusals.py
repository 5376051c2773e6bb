"""Every refusal the workspace can give, and the one place that renders them.

A refusal is what a caller sees: an HTTP status and `{"error_code", "message"}` in the platform's shape. Anything else that
goes wrong is a bug and becomes a 500 with its traceback on stderr.
"""

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

DEFAULT_RETRY_AFTER = 7


class RefusalError(Exception):
    """A call that is answered with `status` and `{"error_code": error_code, "message": message}`."""

    def __init__(self, status: int, error_code: str | int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.headers = headers or {}

    def to_body(self) -> dict[str, Any]:
        """The reply's JSON, which is also the shape of an error inside a stream."""
        return {"error_code": self.error_code, "message": self.message}


class ProxyError(RefusalError):
    """A call that a proxy on the way answers, which knows no JSON: with `page`, of content type `media_type`."""

    def __init__(self, status: int, error_code: str, message: str, page: str, media_type: str) -> None:
        super().__init__(status, error_code, message)
        self.page = page
        self.media_type = media_type


def render(refusal: RefusalError) -> Response:
    """The HTTP reply of a refusal."""
    if isinstance(refusal, ProxyError):
        return Response(refusal.page, refusal.status, refusal.headers, refusal.media_type)
    return JSONResponse(refusal.to_body(), status_code=refusal.status, headers=refusal.headers)


def bad_request(message: str) -> RefusalError:
    """400: the body or a parameter is wrong; the message says which and how."""
    return RefusalError(400, "BAD_REQUEST", message)


def invalid_parameter(message: str) -> RefusalError:
    """400: a field or parameter has a value that cannot be; the message says which and how."""
    return RefusalError(400, "INVALID_PARAMETER_VALUE", message)


def no_credentials(request_id: str) -> RefusalError:
    """401: no credential, or one of a kind this API does not take. The code is numeric, as the platform's gateway has it."""
    text = "Credential was not sent or was of an unsupported type for this API."
    return RefusalError(401, 401, f"{text} [ReqId: {request_id}]")


def invalid_token(request_id: str) -> RefusalError:
    """403: a token that nobody holds, or that has expired."""
    return RefusalError(403, 403, f"Invalid access token. [ReqId: {request_id}]")


def missing_scope(oauth_scope: str, request_id: str) -> RefusalError:
    """403: the token is good, but was not issued for this part of the API."""
    message = f"Provided access token does not have required scopes: {oauth_scope} [ReqId: {request_id}]"
    return RefusalError(403, 403, message)


def permission_denied(message: str) -> RefusalError:
    """403: a known caller who lacks a permission."""
    return RefusalError(403, "PERMISSION_DENIED", message)


def no_such_endpoint(name: str) -> RefusalError:
    """404: no serving endpoint of that name."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint with name '{name}' does not exist.")


def endpoint_exists(name: str) -> RefusalError:
    """409: the name is taken. Clients look at the code; the platform may send 400 with it."""
    return RefusalError(409, "RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{name}' already exists.")


def update_in_progress(name: str) -> RefusalError:
    """409: an endpoint that is being updated cannot be updated again."""
    message = f"Endpoint '{name}' is being updated; wait until its config_update is NOT_UPDATING."
    return RefusalError(409, "RESOURCE_CONFLICT", message)


def timed_out(seconds: float) -> RefusalError:
    """408: the model took too long."""
    message = f"Timed out while evaluating the model: it had {seconds:g} s."
    return RefusalError(408, "DEADLINE_EXCEEDED", message)


def not_implemented(message: str) -> RefusalError:
    """501: an API of the platform that this workspace has no part for."""
    return RefusalError(501, "NOT_IMPLEMENTED", message)


def limit_exceeded(message: str) -> RefusalError:
    """400: one more than the workspace holds."""
    return RefusalError(400, "RESOURCE_LIMIT_EXCEEDED", message)


def no_such_served_entity(endpoint: str, entity: str) -> RefusalError:
    """404: the endpoint exists and serves nothing of that name."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{endpoint}' has no served entity named '{entity}'.")


def malformed_request(message: str) -> RefusalError:
    """400: the request cannot be understood, or two of its fields exclude each other."""
    return RefusalError(400, "MALFORMED_REQUEST", message)


def no_such_secret_scope(scope: str) -> RefusalError:
    """404: no secret scope of that name. The platform's own sentence."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {scope} does not exist!")


def secret_scope_exists(scope: str) -> RefusalError:
    """400: the name is taken, also when it is written with other capitals."""
    return RefusalError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {scope} already exists!")


def no_such_secret(scope: str, key: str) -> RefusalError:
    """404: the scope has no such key."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Failed to get secret {key} for scope {scope}.")


def no_such_secret_acl(scope: str, principal: str) -> RefusalError:
    """404: the principal was given nothing in the scope. The platform's own sentence."""
    message = f"Failed to get secret acl for principal {principal} for scope {scope}."
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", message)


def no_secret_permission(user_name: str, permission: str, scope: str) -> RefusalError:
    """403: the caller lacks READ, WRITE or MANAGE in a secret scope. The platform's own sentence."""
    return permission_denied(
        f"User {user_name} does not have {permission} permission on scope {scope} to perform this action."
    )


def unresolved_reference(reference: str, cause: RefusalError) -> RefusalError:
    """403 when the reader may not read what a secret reference names, and 400 when it names nothing."""
    message = f"The secret reference {reference} cannot be resolved: {cause.message}"
    return permission_denied(message) if cause.status == 403 else invalid_parameter(message)


def no_such_object(noun: str, object_id: str) -> RefusalError:
    """404: permissions were asked for of something that is not there."""
    return RefusalError(
        404, "RESOURCE_DOES_NOT_EXIST", f"The {noun} with id '{object_id[:80]}' does not exist; its id is not its name."
    )


def no_such_principal(principal: str) -> RefusalError:
    """400: a permission for nobody. The sentence is the platform's; `principal` looks like `UserName(a@b)`."""
    return invalid_parameter(f"Principal: {principal[:200]} does not exist")


def missing_permission(user_name: str, ability: str, noun: str, object_id: str) -> RefusalError:
    """403: the caller's permission level is not enough. `ability` is View, Attach, Restart, Manage and so on."""
    return permission_denied(
        f"{user_name} does not have {ability} permissions on {noun} {object_id}. "
        "Please contact the owner or an administrator for access."
    )


def no_such_cluster(cluster_id: str) -> RefusalError:
    """400: the platform does not say 404 of clusters."""
    return invalid_parameter(f"Cluster {cluster_id[:80]} does not exist")


def unexpected_cluster_state(cluster_id: str, state: str) -> RefusalError:
    """400: the cluster cannot be started or restarted now. `state` is a word of the API, such as RUNNING."""
    message = f"Cluster {cluster_id} is in unexpected state {state.capitalize()}."
    return RefusalError(400, "INVALID_STATE", message)


def single_user_check_failed(user_name: str, cluster_id: str, single_user_name: str) -> RefusalError:
    """403: a dedicated cluster is its one user's, whatever permissions others have on it."""
    return permission_denied(
        f"Single-user check failed: user '{user_name}' attempted to run a command on single-user cluster {cluster_id}, "
        f"but the single user of this cluster is '{single_user_name}'"
    )


def cluster_not_running(cluster_id: str, state: str) -> RefusalError:
    """400 of the driver proxy, as a line of text: there is no driver to pass a request on to."""
    message = f"INVALID_STATE: Cluster {cluster_id} is in {state.capitalize()} state"
    return ProxyError(400, "INVALID_STATE", message, f"{message}\n", "text/plain")


def bad_gateway() -> RefusalError:
    """502 of a gateway, as HTML: nobody listens behind it, or what listened broke off before it answered."""
    page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
    return ProxyError(502, "BAD_GATEWAY", "502 Bad Gateway", page, "text/html")


def no_such_api(method: str, path: str) -> RefusalError:
    """404: no route of that method and path."""
    return RefusalError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'")


def too_large(limit: int) -> RefusalError:
    """413: a body over `limit` bytes. The connection closes, since the rest of the body may still be on its way."""
    message = f"The request body is larger than the limit of {limit} bytes."
    return RefusalError(413, "BAD_REQUEST", message, {"connection": "close"})


def throttled(retry_after: int) -> RefusalError:
    """429 with `Retry-After: retry_after` seconds."""
    message = "REQUEST_LIMIT_EXCEEDED: Exceeded workspace rate limit for this endpoint. Please retry later."
    return RefusalError(429, "REQUEST_LIMIT_EXCEEDED", message, {"retry-after": str(retry_after)})


def rate_limited(endpoint: str, measure: str, scope: str, retry_after: int) -> RefusalError:
    """429: a rate limit that someone set on the endpoint. `measure` is calls or tokens, `scope` whose limit it is."""
    name = "Tokens-per-minute (TPM)" if measure == "tokens" else "Requests-per-minute (RPM)"
    message = f"User defined rate limit(s) exceeded for '{endpoint}'. {name} rate limit exceeded for {scope}."
    return RefusalError(429, "REQUEST_LIMIT_EXCEEDED", message, {"retry-after": str(retry_after)})


def guardrail_triggered(side: str, usage: dict[str, int]) -> RefusalError:
    """400: an AI gateway's guardrail stopped the prompt (side "input") or the answer ("output").

    The message is JSON, as the platform has it. Which category it names for a forbidden word is not known.
    """
    verdict = {
        "flagged": True,
        "categories": {"invalid_keywords": True},
        "category_scores": None,
        "pii_detection": False,
        f"anonymized_{side}": None,
    }
    found = {"usage": usage, f"{side}_guardrail": [verdict], "finishReason": f"{side}_guardrail_triggered"}
    return RefusalError(400, "BAD_REQUEST", json.dumps(found, separators=(",", ":")))


def no_such_registered_model(name: str) -> RefusalError:
    """404: the registry has no model of that name. MLflow's own sentence."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found")


def no_such_model_version(name: str, version: str) -> RefusalError:
    """404: the registered model has no such version. MLflow's own sentence."""
    message = f"Model Version (name={name}, version={version}) not found"
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", message)


def too_many_concurrent() -> RefusalError:
    """429: every slot of a custom model is taken. The platform's own sentence."""
    message = "Too many concurrent requests. Consider increasing the provisioned concurrency of the served entity."
    return RefusalError(429, "REQUEST_LIMIT_EXCEEDED", message)


def unavailable(message: str) -> RefusalError:
    """503: the model behind the endpoint cannot answer now, and may in a moment."""
    return RefusalError(503, "TEMPORARILY_UNAVAILABLE", message)


_PROVIDER_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "ENDPOINT_NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def external_model_failed(provider: str, status: int, error: Any, retry_after: str | None = None) -> RefusalError:
    """What a provider answered in place of a reply: its status, and its words inside the platform's message.

    The status is passed on, 401 and 403 too: real workspaces answer so. `error` is the provider's JSON or text; callers
    parse the message once more. Retry-After is passed on where the provider sent one.
    """
    status = status if 400 <= status <= 599 else 502
    known = _PROVIDER_CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
    wrapped = {"external_model_provider": provider, "external_model_error": error}
    sendable = retry_after and len(retry_after) <= 64 and retry_after.isascii() and retry_after.isprintable()
    headers = {"retry-after": retry_after} if retry_after and sendable else {}
    return RefusalError(status, known, json.dumps(wrapped, ensure_ascii=False, separators=(",", ":")), headers)


def external_model_key_lost(field: str) -> RefusalError:
    """400: a plaintext credential that was encrypted with another key than the state folder has now."""
    return bad_request(
        f"The credential '{field}' can no longer be decrypted; send the endpoint's config again with it."
    )


def model_ended(message: str) -> RefusalError:
    """500: a model's process ended during the call. Not 503, which clients repeat for minutes, each time with a new process."""
    return RefusalError(500, "INTERNAL_ERROR", message)


def internal_error() -> RefusalError:
    """500: a fault of the workspace itself."""
    return RefusalError(500, "INTERNAL_ERROR", "The local workspace failed; its log on stderr says where.")


_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    408: "DEADLINE_EXCEEDED",
    409: "RESOURCE_CONFLICT",
    499: "CANCELLED",
    500: "INTERNAL_ERROR",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def asked_for(status: int, request_id: str, retry_after: int | None) -> RefusalError:
    """The refusal a fault asks for by status alone: the platform's body where one is known, a plain one elsewhere."""
    known = {
        401: lambda: no_credentials(request_id),
        403: lambda: invalid_token(request_id),
        413: lambda: too_large(4 * 1024 * 1024),
        429: lambda: throttled(DEFAULT_RETRY_AFTER),
    }
    if status in known:
        refusal = known[status]()
    else:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"
        code = _CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
        refusal = RefusalError(status, code, f"{phrase}: a fault of the local workspace was asked for.")
    if retry_after is not None:
        refusal.headers["retry-after"] = str(retry_after)
    return refusal


def error_event(refusal: RefusalError) -> bytes:
    """A stream's last event when the model fails after the first: both shapes clients look for, in one object.

    What the platform sends here is not known. The openai client only sees `error`, our own app and LangChain's see
    `error_code`.
    """
    body = refusal.to_body() | {"error": {"message": refusal.message, "type": str(refusal.error_code)}}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
