"""A draft: the body that will create or update an endpoint, as JSON. The form is a view of it, and so is the JSON beside it.

Pure. Every function returns a new body and leaves the given one as it was.
"""

import copy
from typing import Any

from services.secret_scopes import Path

Body = dict[str, Any]


def value_at(body: Any, path: Path, default: Any = None) -> Any:
    """What stands at *path*, or *default* where nothing does."""
    found: Any = body
    for step in path:
        if not _holds(found, step):
            return default
        found = found[step]
    return found


def with_value(body: Body, path: Path, value: Any) -> Body:
    """The body with *value* at *path*; blocks on the way are made, and what stands in their place gives way.

    None takes the field away, and blocks that it empties. A place beyond the end of a list changes nothing.
    """
    changed = copy.deepcopy(body)
    if value is None:
        _take(changed, path)
    else:
        _put(changed, path, value)
    return changed


def path_text(path: Path) -> str:
    """The path as the platform's sentences write it: ``config.served_entities[0].name``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def block(value: Any) -> dict[str, Any]:
    """The JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The JSON list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def _holds(holder: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(holder, list) and 0 <= step < len(holder)
    return isinstance(holder, dict) and step in holder


def _put(holder: Any, path: Path, value: Any) -> None:
    step, rest = path[0], path[1:]
    if isinstance(holder, list):
        if not isinstance(step, int) or not 0 <= step <= len(holder):
            return
        if step == len(holder):
            holder.append(None)
    if not rest:
        holder[step] = value
        return
    inner: Any = value_at(holder, (step,))
    kind = list if isinstance(rest[0], int) else dict
    if not isinstance(inner, kind):
        inner = holder[step] = kind()
    _put(inner, rest, value)


def _take(holder: Any, path: Path) -> None:
    step, rest = path[0], path[1:]
    if not _holds(holder, step):
        return
    if not rest:
        del holder[step]
        return
    _take(holder[step], rest)
    if holder[step] in ({}, []) and isinstance(holder, dict):
        del holder[step]
