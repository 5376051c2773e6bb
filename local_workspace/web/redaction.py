"""What the request log must not keep: the values of secrets and keys, in the bodies of calls that set them.

A new call that takes a secret gets a row in `_RULES`.
"""

import json
import re
from typing import Any
from urllib.parse import unquote_plus

from local_workspace.secret_scopes.references import SecretReference

REDACTED = "[redacted]"

# Paths, and the names of fields whose values are secret there, at any depth. The paths are matched loosely: whoever misspells
# a call has sent the secret all the same.
_RULES = (
    (re.compile(r"^/+(api/([^/]+/)*)?secrets?(/|$)"), r"string_value|bytes_value"),
    # Not the plaintext fields alone: a key put where a reference belongs, a common mistake, is a key all the same.
    (re.compile(r"^/+api/.*serving-endpoints"), r"(?i:[^\"=&]*(_plaintext|_key|token|_secret))"),
    (re.compile(r"^/+oidc/"), r"client_secret|client_assertion|assertion|subject_token|refresh_token|code"),
)
_FORMS = re.compile(r"^/+oidc/")
MAX_READ_BYTES = 1024 * 1024  # no secret is that long; reading more would hold up other callers


def redacted_body(path: str, body: bytes) -> bytes:
    """`body` as it is when it sets no secret; otherwise its JSON, spelt anew, with REDACTED for each secret.

    A body that is not JSON, or over MAX_READ_BYTES, where secrets are expected, is REDACTED as a whole.
    """
    fields = _secret_fields(path)
    if fields is None or not body.strip():
        return body
    if len(body) > MAX_READ_BYTES:
        return REDACTED.encode()
    found = False

    def shown(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        secrets = {name for name, item in pairs if fields.fullmatch(name) and not _is_harmless(item)}
        found = found or bool(secrets)
        return {name: REDACTED if name in secrets else item for name, item in pairs}

    try:
        value = json.loads(body, object_pairs_hook=shown)
    except (ValueError, RecursionError):
        is_harmless = _FORMS.search(path) and not fields.search(unquote_plus(body.decode("latin-1")))
        return body if is_harmless else REDACTED.encode()
    return json.dumps(value).encode() if found else body


def redacted_query(path: str, query: str) -> str:
    """`query` as it is, or REDACTED when it sets a secret: one sent there is refused, but it was sent."""
    fields = _secret_fields(path)
    return REDACTED if fields and fields.search(unquote_plus(query)) else query


def _is_harmless(value: Any) -> bool:
    return value is None or (isinstance(value, str) and SecretReference.parse(value) is not None)


def _secret_fields(path: str) -> re.Pattern[str] | None:
    names = [fields for paths, fields in _RULES if paths.search(path)]
    return re.compile("|".join(names)) if names else None
