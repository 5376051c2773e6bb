"""From a refusal's bytes to the error that explains it."""

import json
from dataclasses import dataclass, field, replace

import pytest

from services import refusals
from services.errors import (
    AlreadyExists,
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    Side,
    TooManyRequests,
    Unauthenticated,
    WorkspaceError,
)
from services.known_refusals import KNOWN_REFUSALS, Asked
from services.refusals import explained_code, refused, refused_in_stream

CHANGE = Asked.CHANGE
NAME = "my-{chat} endpoint"


def standard(code: str | int, message: str) -> str:
    return json.dumps({"error_code": code, "message": message})


def openai(message: str, **more) -> str:
    return json.dumps({"error": {"message": message, **more}})


def provider(error, name: str = "openai") -> str:
    return standard("BAD_REQUEST", json.dumps({"external_model_provider": name, "external_model_error": error}))


GUARDRAIL = standard(
    "BAD_REQUEST",
    json.dumps(
        {
            "input_guardrail": [{"flagged": True, "categories": {"hate": True}}],
            "finishReason": "input_guardrail_triggered",
        }
    ),
)


@dataclass
class Case:
    status: int
    body: str
    error: type[WorkspaceError]
    side: Side
    says: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    asked: Asked = Asked.INVOKE


CASES = {
    "a change of what is there already": Case(
        409, standard("RESOURCE_ALREADY_EXISTS", "x exists"), AlreadyExists, Side.YOU, "already", asked=CHANGE
    ),
    "the same from mlflow's table": Case(
        400, standard("RESOURCE_ALREADY_EXISTS", "x exists"), AlreadyExists, Side.YOU, "already", asked=CHANGE
    ),
    "a change while another is under way": Case(
        409,
        standard("RESOURCE_CONFLICT", "an update runs"),
        Conflict,
        Side.ENDPOINT,
        "is busy: an update",
        asked=CHANGE,
    ),
    "a change that is not allowed": Case(
        403,
        standard("PERMISSION_DENIED", "needs CAN_MANAGE"),
        PermissionDenied,
        Side.PLATFORM,
        "may not change",
        asked=CHANGE,
    ),
    "a change of what is gone": Case(
        404,
        standard("RESOURCE_DOES_NOT_EXIST", "Scope x does not exist"),
        NotFound,
        Side.YOU,
        "does not exist",
        asked=CHANGE,
    ),
    "a change with a wrong field": Case(
        400,
        standard("INVALID_PARAMETER_VALUE", "config.x is not supported"),
        Rejected,
        Side.YOU,
        "The workspace refused",
        asked=CHANGE,
    ),
    "a key that the provider does not accept": Case(
        401,
        provider({"error": {"message": "Incorrect API key provided"}}),
        EndpointFailed,
        Side.PROVIDER,
        "The provider did not accept the endpoint's key: openai: Incorrect API key",
    ),
    "a key that may not, says the provider": Case(
        403, provider("invalid token"), EndpointFailed, Side.PROVIDER, "did not accept the endpoint's key"
    ),
    "a secret that is not there": Case(
        400,
        standard("INVALID_PARAMETER_VALUE", "The secret reference {{secrets/a/b}} cannot be resolved: no scope a"),
        EndpointFailed,
        Side.ENDPOINT,
        "{{secrets/a/b}}",
    ),
    "a secret that may not be read": Case(
        403, standard("PERMISSION_DENIED", "Secret a/b not found"), EndpointFailed, Side.ENDPOINT, "Secret a/b"
    ),
    "a provider that speaks of secrets": Case(
        400, provider("client secret was not found"), Rejected, Side.PROVIDER, "refused the request"
    ),
    "a workspace that cannot answer": Case(
        503,
        standard("TEMPORARILY_UNAVAILABLE", "maintenance"),
        EndpointFailed,
        Side.PLATFORM,
        "The workspace failed over",
        asked=Asked.READ,
    ),
    "too many changes": Case(
        429,
        standard("REQUEST_LIMIT_EXCEEDED", "slow down"),
        TooManyRequests,
        Side.PLATFORM,
        "takes no change",
        asked=CHANGE,
    ),
    "a change in which the workspace fails": Case(
        500, standard("INTERNAL_ERROR", "oops"), EndpointFailed, Side.PLATFORM, "failed over", asked=CHANGE
    ),
    "a guardrail": Case(400, GUARDRAIL, Rejected, Side.ENDPOINT, "guardrail"),
    "context length": Case(
        400, standard("BAD_REQUEST", "This model's maximum context length is 4096 tokens"), Rejected, Side.YOU, "longer"
    ),
    "too many tokens, by status 413": Case(413, openai("prompt is too long: 9000 tokens"), Rejected, Side.YOU, "9000"),
    "too large": Case(413, "", Rejected, Side.YOU, "larger"),
    "too large, by a proxy": Case(
        413, "<html><h1>413 Request Entity Too Large</h1></html>", Rejected, Side.YOU, "larger"
    ),
    "stopped": Case(
        400, standard("BAD_REQUEST", "Endpoint my-chat has been stopped."), NotFound, Side.ENDPOINT, "stopped"
    ),
    "unknown field": Case(400, standard("BAD_REQUEST", "Unknown field 'colour'"), Rejected, Side.YOU, "colour"),
    "unknown field, FastAPI": Case(
        422,
        json.dumps({"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]}),
        Rejected,
        Side.YOU,
        "top_k",
    ),
    "bad request": Case(
        400, standard("INVALID_PARAMETER_VALUE", "messages is empty"), Rejected, Side.YOU, "messages is empty"
    ),
    "bad request, CODE: text": Case(400, "MALFORMED_REQUEST: no body was sent", Rejected, Side.YOU, "no body was sent"),
    "bad request, nothing": Case(400, "", Rejected, Side.YOU, "HTTP 400"),
    "401, numeric code": Case(
        401, standard(401, "Credential was not sent. [ReqId: 1]"), Unauthenticated, Side.YOU, "Credential"
    ),
    "401, nothing": Case(401, "", Unauthenticated, Side.YOU, "HTTP 401"),
    "403, unknown token": Case(
        403, standard(403, "Invalid access token. [ReqId: 1]"), Unauthenticated, Side.YOU, "token"
    ),
    "403, expired": Case(403, standard(403, "Token is expired"), Unauthenticated, Side.YOU, "token"),
    "403, scope": Case(
        403,
        standard(403, "Provided access token does not have required scopes: model-serving"),
        PermissionDenied,
        Side.YOU,
        "model-serving",
    ),
    "403, permission": Case(
        403, standard("PERMISSION_DENIED", "User does not have CAN_QUERY"), PermissionDenied, Side.PLATFORM, "CAN_QUERY"
    ),
    "404": Case(
        404, standard("RESOURCE_DOES_NOT_EXIST", "The given endpoint does not exist"), NotFound, Side.YOU, NAME
    ),
    "404, an HTML page": Case(404, "<html><title>Not\n Found</title></html>", NotFound, Side.YOU, NAME),
    "403, something the workspace was asked about": Case(
        403,
        standard("PERMISSION_DENIED", "User may not list"),
        PermissionDenied,
        Side.PLATFORM,
        f"You may not see {NAME}: User may not list",
        asked=Asked.READ,
    ),
    "403, unknown token, when the workspace was asked": Case(
        403, standard(403, "Invalid access token."), Unauthenticated, Side.YOU, "token", asked=Asked.READ
    ),
    "404, something the workspace was asked about": Case(
        404,
        "<title>Not Found</title>",
        NotFound,
        Side.YOU,
        f"This workspace does not know {NAME}.",
        asked=Asked.READ,
    ),
    "an unexpected error": Case(
        400, standard("BAD_REQUEST", "An unexpected error came up"), Rejected, Side.YOU, "refused the request"
    ),
    "an unexpected field": Case(
        422, openai("Unexpected keyword argument 'top_k'"), Rejected, Side.YOU, "does not accept a field"
    ),
    "a rate limit of a guardrail": Case(
        429, standard("REQUEST_LIMIT_EXCEEDED", "Guardrail calls: limit"), TooManyRequests, Side.PLATFORM, "rate limit"
    ),
    "a failing guardrail": Case(
        500, standard("INTERNAL_ERROR", "The guardrail model failed"), EndpointFailed, Side.ENDPOINT, "failed"
    ),
    "409": Case(
        409, standard("RESOURCE_CONFLICT", "update in progress"), Conflict, Side.ENDPOINT, "update in progress"
    ),
    "429, concurrency": Case(
        429,
        standard("REQUEST_LIMIT_EXCEEDED", "Too many concurrent requests."),
        TooManyRequests,
        Side.ENDPOINT,
        "concurrent",
    ),
    "429, gateway": Case(
        429,
        standard("REQUEST_LIMIT_EXCEEDED", "User defined rate limit(s) exceeded"),
        TooManyRequests,
        Side.PLATFORM,
        "User defined",
        {"Retry-After": "7"},
    ),
    "429, OpenAI's shape": Case(
        429, openai("slow down", type="rate_limit_exceeded", code=429), TooManyRequests, Side.PLATFORM, "slow down"
    ),
    "408": Case(408, "Timed out while evaluating the model", EndpointFailed, Side.ENDPOINT, "Timed out"),
    "504": Case(
        504, "<html><h1>504 Gateway Time-out</h1></html>", EndpointFailed, Side.ENDPOINT, "504 Gateway Time-out"
    ),
    "503": Case(503, standard("TEMPORARILY_UNAVAILABLE", "scaling up"), EndpointFailed, Side.ENDPOINT, "scaling up"),
    "502": Case(502, "<html>\n<title>502 Bad Gateway</title></html>", EndpointFailed, Side.PLATFORM, "proxy"),
    "500": Case(500, standard("INTERNAL_ERROR", "boom"), EndpointFailed, Side.ENDPOINT, "boom"),
    "500, a list": Case(500, "[1]", EndpointFailed, Side.ENDPOINT, "[1]"),
    "500, bytes": Case(500, "\udc80", EndpointFailed, Side.ENDPOINT, "�"),
    "418": Case(418, '{"message": null}', EndpointFailed, Side.ENDPOINT, "HTTP 418"),
    "a provider's text": Case(400, provider("model overloaded"), Rejected, Side.PROVIDER, "openai: model overloaded"),
    "a provider's JSON": Case(
        400, provider({"error": {"message": "quota", "code": 3}}), Rejected, Side.PROVIDER, "openai: quota"
    ),
    "a provider's odd JSON": Case(500, provider({"reason": 7}), EndpointFailed, Side.PROVIDER, '{"reason": 7}'),
    "a provider's unknown field": Case(
        400, provider({"error": {"message": "Unrecognized argument: top_k"}}), Rejected, Side.PROVIDER, "top_k"
    ),
}


def error_of(case: Case) -> WorkspaceError:
    body = case.body.encode("utf-8", "surrogateescape")
    return refused(NAME, case.status, case.headers, body, asked=case.asked)


@pytest.mark.parametrize("what", CASES)
def test_a_refusal_is_explained(what):
    case = CASES[what]
    error = error_of(case)
    assert type(error) is case.error
    assert error.side is case.side
    assert case.says in error.message
    assert NAME in error.message or case.status in (401, 403)
    assert error.message == str(error)
    assert error.hint.endswith((".", ")."))
    assert not error.message.endswith((":", " "))
    assert error.raw.status == case.status


@pytest.mark.parametrize("row", KNOWN_REFUSALS, ids=lambda row: row.what)
def test_every_known_refusal_can_happen(row):
    """A row that no case reaches is dead, or has one above it that takes its cases away."""
    reached = set()
    for case in CASES.values():
        body = case.body.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        decoded = replace(refusals._decoded(case.status, body, None), asked=case.asked)
        reached.add(next(one for one in KNOWN_REFUSALS if one.matches(decoded)))
    assert row in reached


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("", None), ("soon", None), ("nan", None), ("inf", None), ("-3", None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_not_said(header, seconds):
    error = refused(NAME, 429, {"Retry-After": header}, b"")
    assert error.retry_after == seconds
    assert ("asks to wait" in error.hint) == (seconds is not None)


@pytest.mark.parametrize(
    "body",
    [
        standard("X", "long " * 100_000),
        openai("long " * 100_000),
        provider("long " * 100_000),
        "BAD_REQUEST: " + "long " * 100_000,
        "long " * 100_000,
        "<title>" + "long " * 100_000 + "</title>",
    ],
)
def test_a_sentence_without_end_is_cut_in_the_message_and_in_what_is_shown(body):
    for status in (400, 500):
        error = refused(NAME, status, {}, body.encode())
        assert len(error.message) < 1200
        assert len(error.raw.body) <= refusals.SHOWN_REPLY
    assert len(explained_code(NAME, 400, "X", body, None).message) < 1200
    assert len(refused_in_stream(NAME, {"error": body}).message) < 1200


@pytest.mark.parametrize("body", ["[" * 200_000, '{"message": ' + json.dumps("[" * 200_000) + "}", '{"a":' * 100_000])
def test_json_that_is_nested_very_deep_is_a_refusal_all_the_same(body):
    assert type(refused(NAME, 500, {}, body.encode())) is EndpointFailed


def test_the_next_step_is_where_the_failure_is():
    assert "Secrets page" in error_of(CASES["a key that the provider does not accept"]).hint
    assert "Secrets page" in error_of(CASES["a secret that is not there"]).hint
    assert error_of(CASES["a workspace that cannot answer"]).hint == "Try again in a moment."
    assert "Check the names" in error_of(CASES["a change of what is gone"]).hint


def test_a_name_with_braces_is_shown_as_it_is():
    assert "{text}" in refused("{text}", 404, {}, b"").message


def test_what_the_sdk_has_decoded_is_explained_by_the_same_rows():
    error = explained_code(NAME, 400, "BAD_REQUEST", json.loads(provider("overloaded"))["message"], 3.0)
    assert (type(error), error.side, error.retry_after) == (Rejected, Side.PROVIDER, 3.0)
    assert "openai: overloaded" in error.message
