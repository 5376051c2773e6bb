"""Fields that hold a secret: what a reference must look like, what is wrong with one that is not, and what is a key. Pure.

No sentence and no suggestion repeats what may be a key: only what begins as a reference does.
"""

import copy
import re
from typing import Any

from services.endpoint_setup.draft import Body, value_at
from services.endpoint_setup.fields import walk
from services.endpoint_setup.problems import Problem
from services.endpoint_setup.providers import PROVIDERS
from services.endpoint_setup.schema import PLAINTEXT
from services.secret_scopes import Path, SecretReference, looks_like_key

PLACEHOLDER = re.compile(
    r"<[^<>{}\n]{1,60}>|\byour[_-]\w[\w-]{0,60}|\b(?:replace|change)[_-]?me\b|\A\s*(?:\.\.\.|…)\s*\Z", re.I
)
"""What stands in a text for something that was to be put there."""
_SECRET_FIELDS = frozenset(
    one.name for provider in PROVIDERS for variant in provider.variants for one in variant.fields if one.secret
)
_INNER_SECRETS = frozenset(
    (variant.block, one.name)
    for provider in PROVIDERS
    for variant in provider.variants
    for one in variant.inner
    if one.secret
)
# The name of a field in an external model that nobody knows, such as a mistyped one: its text may be a key.
_LIKE_A_KEY = re.compile(r"key|token|secret|password|credential", re.I)
_NO_KEYS = frozenset(
    name
    for provider in PROVIDERS
    for variant in provider.variants
    for name in (*variant.names, *(one.name for one in variant.inner))
)
_DBUTILS = re.compile(
    r"(?:dbutils\.)?secrets\.get\(\s*(?:scope\s*=\s*)?[\"']([\w.@-]{1,128})[\"']\s*,\s*(?:key\s*=\s*)?[\"']([\w.-]{1,128})[\"']\s*\)",
    re.ASCII,
)
NO_SECRET = "{{secrets//}}"  # noqa: S105 — no secret at all
"""Where a secret is to be and none is chosen yet, in a place that may also hold another text."""
_LONGEST = 400
_STORE = "Store it as a secret and put its reference here: {{secrets/scope/key}}."


def is_secret(path: Path) -> bool:
    """Whether the field at *path* holds a secret: as a reference, or as the key itself, which this app never sends."""
    last = path[-1] if path else ""
    if not isinstance(last, str):
        return False
    return last.endswith(PLAINTEXT) or last in _SECRET_FIELDS or tuple(path[-2:]) in _INNER_SECRETS


def secret_problem(path: Path, text: Any) -> Problem | None:
    """What is wrong with *text* in a field that takes a secret reference, or None."""
    if not isinstance(text, str):
        return Problem(path, "A secret reference is a text in quotes.", _STORE)
    if SecretReference.parse(text):
        return None
    meant = _meant(text)
    if not begins_as_reference(text):
        if text.strip().startswith("{"):
            return Problem(path, "A secret reference begins with secrets/ inside its braces.", _STORE)
        return Problem(path, "This is not a secret reference, and this app sends no key in the clear.", _STORE)
    sentence = _mistake(text)
    return Problem(path, sentence, f"Write {meant}" if meant else _STORE, meant)


def _mistake(text: str) -> str:
    """What is wrong with a text that begins as a reference and is none."""
    core = _core(text)
    mistakes = (
        (
            _DBUTILS.search(text) is not None,
            "This is what a notebook says to read a secret; a config names its reference.",
        ),
        (PLACEHOLDER.search(core) is not None, "The names of a scope and a key are still to be put in."),
        (core.count("/") != 2 or "" in core.split("/"), "A secret reference has three parts: secrets, scope and key."),
        ("{" not in text and "}" not in text, "The braces of this secret reference are missing: two on each side."),
        (
            _braces(text) == (1, 1),
            "This secret reference has one brace on each side and needs two. (A Python f-string makes one of two.)",
        ),
        (_braces(text) != (2, 2), "A secret reference has two braces on each side."),
        (re.search(r"\s", text) is not None, "There are spaces in this secret reference; it has none."),
        (core.startswith("secrets/") is False, "“secrets” is written in small letters."),
    )
    default = "The names in this secret reference are none: letters, digits, “-”, “_” and “.”, at most 128 of them."
    return next((sentence for wrong, sentence in mistakes if wrong), default)


def _meant(text: str) -> str:
    """The reference that *text* was likely meant to be, or empty."""
    if code := _DBUTILS.search(text):
        return str(SecretReference(code[1], code[2]))
    core = _core(text)
    candidate = "{{secrets" + core[7:] + "}}" if core.lower().startswith("secrets/") else ""
    return candidate if SecretReference.parse(candidate) else ""


def _core(text: str) -> str:
    return re.sub(r"[{}\s]", "", text[:_LONGEST])


def _braces(text: str) -> tuple[int, int]:
    found = text.strip()
    return len(found) - len(found.lstrip("{")), len(found) - len(found.rstrip("}"))


def begins_as_reference(text: str) -> bool:
    """Whether a text is a reference or was meant to be one, and so is no key."""
    return len(text) <= _LONGEST and (_core(text).lower().startswith("secrets/") or _DBUTILS.search(text) is not None)


def without_values(body: Body) -> tuple[Body, tuple[Path, ...]]:
    """The body without what looks like a key, and where that was: for what is kept, shown or sent on.

    Taken out is whatever stands in a field for secrets and is no reference, nor meant as one, nor a placeholder; and any
    text of a well-known key's format, wherever it stands.
    """
    found: dict[Path, None] = {}
    for path, value in walk(body):
        inside = any(path[:length] in found for length in range(len(path)))
        if path and not inside and may_be_key(path, value):
            found[path] = None
    cleaned = copy.deepcopy(body)
    for path in found:
        holder, step = value_at(cleaned, path[:-1]), path[-1]
        if isinstance(holder, dict):
            del holder[step]
        else:
            holder[step] = ""  # what follows it in the list keeps its place
    return cleaned, tuple(found)


def may_be_key(path: Path, value: Any) -> bool:
    """Whether *value* is a key in the clear: by its format, or because it stands in a field for secrets and is no reference."""
    if any(isinstance(one, str) and looks_like_key(one) for one in (value, path[-1])):
        return True
    if value is None or value == "" or not (is_secret(path) or _unknown_secret(path)):
        return False
    if not isinstance(value, str):
        return True
    placeholder = PLACEHOLDER.search(value)
    return not begins_as_reference(value) and not (placeholder and len(placeholder[0]) == len(value.strip()))


def _unknown_secret(path: Path) -> bool:
    last = path[-1]
    inside = isinstance(last, str) and "external_model" in path
    return inside and last not in _NO_KEYS and isinstance(last, str) and bool(_LIKE_A_KEY.search(last))
