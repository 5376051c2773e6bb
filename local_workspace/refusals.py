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


def render(refusal: RefusalError) -> Response:
    """The HTTP reply of a refusal."""
    return JSONResponse(refusal.to_body(), status_code=refusal.status, headers=refusal.headers)


def bad_request(message: str) -> RefusalError:
    """400: the body or a parameter is wrong; the message says which and how."""
    return RefusalError(400, "BAD_REQUEST", message)


def no_credentials(request_id: str) -> RefusalError:
    """401: no credential, or one of a kind this API does not take. The code is numeric, as the platform's gateway has it."""
    text = "Credential was not sent or was of an unsupported type for this API."
    return RefusalError(401, 401, f"{text} [ReqId: {request_id}]")


def invalid_token(request_id: str) -> RefusalError:
    """403: a token that nobody holds, or that has expired."""
    return RefusalError(403, 403, f"Invalid access token. [ReqId: {request_id}]")


def permission_denied(message: str) -> RefusalError:
    """403: a known caller who lacks a permission."""
    return RefusalError(403, "PERMISSION_DENIED", message)


def no_such_endpoint(name: str) -> RefusalError:
    """404: no serving endpoint of that name."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint with name '{name}' does not exist.")


def no_such_served_entity(endpoint: str, entity: str) -> RefusalError:
    """404: the endpoint exists and serves nothing of that name."""
    return RefusalError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{endpoint}' has no served entity named '{entity}'.")


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


def unavailable(message: str) -> RefusalError:
    """503: the model behind the endpoint cannot answer now, and may in a moment."""
    return RefusalError(503, "TEMPORARILY_UNAVAILABLE", message)


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
