"""From an HTTP refusal to a PlaygroundError: decode the body, then find the row that explains it.

The body shapes are those of databricks-sdk's own deserialisers plus OpenAI's: {"error_code", "message"} (the code may be a
number), {"error": {...}}, "CODE: text", an HTML page, nothing. A gateway wraps a provider's refusal in *message* as JSON.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from services.errors import (
    AlreadyExists,
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    RawReply,
    Rejected,
    Side,
    TooManyRequests,
    Unauthenticated,
    WorkspaceError,
)

SENTENCE = 1000
"""Characters of the server's own sentence that enter a message."""
SHOWN_REPLY = 20_000
"""Characters of a refusal's body that are kept for showing."""


class Asked(Enum):
    """What was refused."""

    INVOKE = auto()
    """An endpoint's invocation."""
    READ = auto()
    """A question to the workspace."""
    CHANGE = auto()
    """A change of something in the workspace."""


@dataclass(frozen=True)
class Refusal:
    """A decoded refusal."""

    status: int
    code: str
    text: str
    from_provider: bool = False
    retry_after: float | None = None
    asked: Asked = Asked.INVOKE


@dataclass(frozen=True)
class _Row:
    """One known refusal. A row matches when each condition it states holds."""

    error: type[WorkspaceError]
    what: str
    hint: str
    status: tuple[int, ...] = ()
    code: str = ""
    text: str = ""
    side: Side | None = None
    asked: Asked | None = None
    """None: any."""
    from_provider: bool | None = None
    """None: whoever says it."""

    def matches(self, refusal: Refusal) -> bool:
        return (
            (not self.status or refusal.status in self.status)
            and self.asked in (None, refusal.asked)
            and self.from_provider in (None, refusal.from_provider)
            and (not self.code or re.search(self.code, refusal.code) is not None)
            and (not self.text or re.search(self.text, refusal.text, re.IGNORECASE | re.DOTALL) is not None)
        )


# Most particular first. {name} is the endpoint or thing that was asked for; {text} is the server's own sentence.
_ROWS = (
    _Row(
        AlreadyExists,
        "There is already a {name}.",
        "Choose another name, or change the one that is there.",
        code="RESOURCE_ALREADY_EXISTS",
        asked=Asked.CHANGE,
        side=Side.YOU,
    ),
    _Row(
        Rejected,
        "The workspace refused {name}: {text}",
        "Mend what the sentence names, then try again. Nothing was changed.",
        status=(400, 413, 422),
        asked=Asked.CHANGE,
    ),
    _Row(
        EndpointFailed,
        "The provider did not accept the endpoint's key: {text}",
        "Store a new value for the secret that the endpoint names (Secrets page); its config says which.",
        asked=Asked.INVOKE,
        status=(401, 403),
        from_provider=True,
    ),
    _Row(
        EndpointFailed,
        "{name} cannot use a secret that its config names: {text}",
        "Store the secret that the sentence names on the Secrets page, or ask the endpoint's owner.",
        asked=Asked.INVOKE,
        status=(400, 403, 404),
        text=r"secret reference|\bsecret\b.* (not found|cannot be resolved)",
        from_provider=False,
        side=Side.ENDPOINT,
    ),
    _Row(
        Rejected,
        "A guardrail of {name} blocked the exchange.",
        "Reword the prompt, or ask whoever manages the endpoint's AI gateway which guardrail is set.",
        asked=Asked.INVOKE,
        status=(400,),
        text="guardrail",
        side=Side.ENDPOINT,
    ),
    _Row(
        Rejected,
        "The prompt is longer than {name} can read: {text}",
        "Clear the conversation, shorten the prompt, or lower max_tokens.",
        asked=Asked.INVOKE,
        status=(400, 413),
        text="context (size|length|window)|too many tokens|maximum.*tokens|prompt is too long|exceeds the available",
    ),
    _Row(
        Rejected,
        "The request is larger than {name} accepts.",
        "Shorten it: 4 MB for foundation and external models, 16 MB for custom ones.",
        asked=Asked.INVOKE,
        status=(413,),
    ),
    _Row(
        NotFound,
        "{name} is stopped.",
        "Start it on the workspace's Serving page, then send again.",
        asked=Asked.INVOKE,
        status=(400,),
        text="endpoint.*(is|has been) stopped",
        side=Side.ENDPOINT,
    ),
    _Row(
        Rejected,
        "{name} does not accept a field of this request: {text}",
        "Set that parameter back to “not sent” and send again.",
        asked=Asked.INVOKE,
        status=(400, 422),
        text=r"\bunknown field|\bunexpected (field|keyword|argument|parameter)|\bunrecognized\b|\bnot supported\b"
        r"|\bunsupported\b|\bextra inputs\b|\bis not permitted\b",
    ),
    _Row(
        Rejected,
        "{name} refused the request: {text}",
        "Change what the sentence names, then send again. The inspector shows the exact body.",
        status=(400, 422),
    ),
    _Row(
        Unauthenticated,
        "The workspace did not accept the sign-in: {text}",
        "Open the connection page and connect again. A forwarded token is renewed by reloading the page.",
        status=(401,),
    ),
    _Row(
        Unauthenticated,
        "The workspace does not know this token.",
        "It may be revoked, expired, or of another workspace. Open the connection page and type a new one.",
        status=(403,),
        text="invalid access token|invalid token|token (is|has) expired",
    ),
    _Row(
        PermissionDenied,
        "The token lacks a scope: {text}",
        "Ask for the scope named above, or connect with a token that has it.",
        status=(403,),
        text="required scopes?",
        side=Side.YOU,
    ),
    _Row(
        Conflict,
        "{name} is busy: {text}",
        "Wait until its update is over, then try again. Nothing was changed.",
        status=(409,),
        asked=Asked.CHANGE,
        side=Side.ENDPOINT,
    ),
    _Row(
        PermissionDenied,
        "You may not change {name}: {text}",
        "Ask whoever manages it, or a workspace admin, for the permission. Nothing was changed.",
        status=(403,),
        asked=Asked.CHANGE,
    ),
    _Row(
        NotFound,
        "{name}: {text}",
        "Check the names in it (model, version, scope, principal); it may also have been deleted meanwhile.",
        status=(404,),
        asked=Asked.CHANGE,
    ),
    _Row(
        TooManyRequests,
        "The workspace takes no change of {name} for now: {text}",
        "Wait, then try again. Nothing was changed.",
        status=(429,),
        asked=Asked.CHANGE,
        side=Side.PLATFORM,
    ),
    _Row(
        EndpointFailed,
        "The workspace failed over {name}: {text}",
        "Look whether the change was made before you repeat it.",
        status=(500, 501, 502, 503, 504),
        asked=Asked.CHANGE,
        side=Side.PLATFORM,
    ),
    _Row(
        EndpointFailed,
        "The workspace failed over {name}: {text}",
        "Try again in a moment.",
        status=(408, 500, 501, 502, 503, 504),
        asked=Asked.READ,
        side=Side.PLATFORM,
    ),
    _Row(
        PermissionDenied,
        "You may not see {name}: {text}",
        "Ask a workspace admin, or connect as somebody who may.",
        status=(403,),
        asked=Asked.READ,
    ),
    _Row(
        PermissionDenied,
        "You may not use {name}: {text}",
        "Ask its owner for CAN QUERY on it (Serving page, Permissions).",
        status=(403,),
    ),
    _Row(
        NotFound,
        "This workspace does not know {name}.",
        "Check which workspace you are connected to; the host may not be a Databricks workspace.",
        status=(404,),
        asked=Asked.READ,
    ),
    _Row(
        NotFound,
        "There is no {name} in this workspace.",
        "Pick another from the list, or check which workspace you are connected to.",
        status=(404,),
    ),
    _Row(
        Conflict,
        "{name} is being changed: {text}",
        "Wait until the update is over, then send again.",
        status=(409,),
        side=Side.ENDPOINT,
    ),
    _Row(
        TooManyRequests,
        "{name} serves as many requests as it can at once: {text}",
        "Wait and send again, or give the endpoint more concurrency.",
        status=(429,),
        text="concurren|parallel",
        side=Side.ENDPOINT,
    ),
    _Row(
        TooManyRequests,
        "A rate limit of {name} is reached: {text}",
        "Wait, then send again. Nothing was retried for you.",
        status=(429,),
    ),
    _Row(
        EndpointFailed,
        "{name} took too long to answer: {text}",
        "Ask for less (max_tokens), or send again when the endpoint is warm.",
        status=(408, 504),
    ),
    _Row(
        EndpointFailed,
        "{name} cannot answer yet: {text}",
        "It may be waking up or scaling. Wait half a minute, then send again.",
        status=(503,),
    ),
    _Row(
        EndpointFailed,
        "Nothing answered behind the workspace's proxy for {name}.",
        "The endpoint may be restarting. Wait a little, then send again.",
        status=(502,),
        side=Side.PLATFORM,
    ),
    _Row(
        EndpointFailed,
        "{name} failed: {text}",
        "Send again; if it stays, read the endpoint's logs on the Serving page.",
    ),
)


def refused(
    name: str, status: int, headers: Mapping[str, str], body: bytes, *, asked: Asked = Asked.INVOKE
) -> WorkspaceError:
    """The error for an HTTP reply with a status of 400 or more. *name* is what was asked for.

    *asked* says what was refused: each has sentences of its own.
    """
    text = body.decode("utf-8", errors="replace")
    decoded = _decoded(status, text, _seconds(headers.get("Retry-After")))
    refusal = replace(decoded, asked=asked)
    return _explained(name, refusal, RawReply(status, text[:SHOWN_REPLY]))


def refused_in_stream(name: str, event: Mapping[str, Any]) -> WorkspaceError:
    """The error for a failure told inside a stream, after a status of 200."""
    text = json.dumps(event, ensure_ascii=False)
    refusal = _decoded(200, text, None)
    return EndpointFailed(
        f"{name} broke off: {refusal.text or refusal.code or 'it did not say why'}",
        "What had arrived is kept. Send again to get a whole answer.",
        side=Side.PROVIDER if refusal.from_provider else None,
        raw=RawReply(200, text[:SHOWN_REPLY]),
    )


def failure_in(event: Mapping[str, Any]) -> bool:
    """Whether this part of a reply of status 200 tells a failure: in the platform's shape, or in OpenAI's."""
    return bool(event.get("error")) or ("error_code" in event and "choices" not in event)


def explained_code(
    name: str, status: int, code: str, sentence: str, retry_after: float | None, *, asked: Asked = Asked.INVOKE
) -> WorkspaceError:
    """The error for a refusal that the SDK has decoded already."""
    inner = _provider_refusal(sentence)
    refusal = Refusal(status, code, (inner or sentence)[:SENTENCE], inner is not None, retry_after, asked)
    return _explained(name, refusal, RawReply(status, sentence[:SHOWN_REPLY]))


def _explained(name: str, refusal: Refusal, raw: RawReply) -> WorkspaceError:
    row = next(row for row in _ROWS if row.matches(refusal))
    message = row.what.format(name=name, text=refusal.text or f"HTTP {refusal.status}").rstrip(": ")
    side = Side.PROVIDER if refusal.from_provider else row.side
    hint = row.hint
    if refusal.retry_after is not None:
        hint = f"The server asks to wait {refusal.retry_after:g} s. {hint}"
    return row.error(message, hint, side=side, raw=raw, retry_after=refusal.retry_after)


def _decoded(status: int, text: str, retry_after: float | None) -> Refusal:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        code, sentence = _code_and_sentence(body)
        inner = _provider_refusal(sentence)
        return Refusal(status, code, (inner or sentence)[:SENTENCE], inner is not None, retry_after)
    if re.match(r"\s*<", text):
        title = re.search(r"<(?:title|pre|h1)[^>]*>(.*?)</", text, re.IGNORECASE | re.DOTALL)
        shown = " ".join(title[1].split())[:SENTENCE] if title else "an HTML page"
        return Refusal(status, "", shown, False, retry_after)
    code_text = re.match(r"([A-Z][A-Z_]+): (.*)", text, re.DOTALL)
    if code_text:
        return Refusal(status, code_text[1], code_text[2].strip()[:SENTENCE], False, retry_after)
    return Refusal(status, "", text.strip()[:SENTENCE], False, retry_after)


def _code_and_sentence(body: Mapping[str, Any]) -> tuple[str, str]:
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")
    sentence = body.get("message") or body.get("detail") or error or ""
    return str(body.get("error_code") or ""), str(sentence)


def _provider_refusal(sentence: str) -> str | None:
    """A gateway puts a provider's refusal into *message* as a JSON string; the readable part of it, or None."""
    try:
        wrapped = json.loads(sentence)
    except (ValueError, RecursionError):
        return None
    if not isinstance(wrapped, dict) or "external_model_error" not in wrapped:
        return None
    inner = wrapped["external_model_error"]
    if isinstance(inner, dict):
        inner = _code_and_sentence(inner)[1] or json.dumps(inner, ensure_ascii=False)
    return f"{wrapped.get('external_model_provider', 'provider')}: {inner}"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its date form is not used by the platform and counts as not said."""
    try:
        seconds = float(retry_after or "nan")
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
