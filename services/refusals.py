"""From an HTTP refusal to a PlaygroundError: decode the body, then find the known refusal that explains it.

The body shapes are those of databricks-sdk's own deserialisers plus OpenAI's: {"error_code", "message"} (the code may be a
number), {"error": {...}}, "CODE: text", an HTML page, nothing. A gateway wraps a provider's refusal in *message* as JSON.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.errors import EndpointFailed, RawReply, Side, WorkspaceError
from services.known_refusals import KNOWN_REFUSALS, Asked, Refusal
from services.web_page import title_of

SENTENCE = 1000
"""Characters of the server's own sentence that enter a message."""
SHOWN_REPLY = 20_000
"""Characters of a refusal's body that are kept for showing."""


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
    row = next(row for row in KNOWN_REFUSALS if row.matches(refusal))
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
        return Refusal(status, "", title_of(text)[:SENTENCE] or "an HTML page", False, retry_after)
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
