"""What the request log must not keep: the values of secrets and keys in the bodies of calls that set them.

A new call that takes a secret gets a row in `_RULES`.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

REDACTED = "[redacted]"

# Paths, and the names of fields, at any depth, whose values are secret there. Paths are matched loosely: whoever misspells a
# call has sent the secret all the same.
_RULES = (
    (re.compile(r"/secrets(/|$)"), re.compile(r"string_value|bytes_value")),
    (re.compile(r"^/+api/.*serving-endpoints"), re.compile(r".*_plaintext")),
    (re.compile(r"^/+oidc/"), re.compile(r"client_secret|assertion|subject_token|refresh_token|code|code_verifier")),
)


def redacted_body(path: str, body: bytes) -> bytes:
    """`body` as it is where it holds no secret; with REDACTED in place of secret values; or REDACTED when it is no JSON.

    A form is treated as JSON is. A body with a secret in it comes back in the spelling of `json.dumps`.
    """
    fields = _secret_fields(path)
    if fields is None or not body.strip():
        return body
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _redacted_form(body, fields)
    shown = _redacted(value, fields)
    return body if shown == value else json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass")


def redacted_query(path: str, query: str) -> str:
    """The query string likewise: a secret sent there is refused, but it was sent."""
    fields = _secret_fields(path)
    if fields is None or not any(fields.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        return query
    return REDACTED


def _secret_fields(path: str) -> re.Pattern[str] | None:
    return next((fields for paths, fields in _RULES if paths.search(path)), None)


def _redacted(value: Any, fields: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: REDACTED if fields.fullmatch(name) and item is not None else _redacted(item, fields)
            for name, item in value.items()
        }
    return [_redacted(item, fields) for item in value] if isinstance(value, list) else value
