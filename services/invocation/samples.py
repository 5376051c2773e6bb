"""A value that fits a JSON schema: small, readable, and never larger than MOST_VALUES. Pure."""

from collections.abc import Mapping
from typing import Any

from services.foreign_json import as_dict, as_list

HELLO = "Say hello."
MOST_VALUES = 2_000
"""Of lists whose schema says how many they hold: a picture's tensor becomes one pixel, for the person to fill."""
_DEEPEST = 12
_SCALARS: Mapping[str, Any] = {"string": HELLO, "integer": 1, "number": 1.0, "boolean": True}
_FORMATS: Mapping[str, str] = {
    "date-time": "2026-01-31T12:00:00",
    "date": "2026-01-31",
    "byte": "aGVsbG8=",
    "binary": "aGVsbG8=",
}
Schema = Mapping[str, Any]


def example_of(holder: Schema) -> Any:
    """The example that a media type or a schema gives; None without one."""
    if "example" in holder:
        return holder["example"]
    examples = holder.get("examples")
    if isinstance(examples, list):
        return examples[0] if examples else None
    return as_dict(next(iter(as_dict(examples).values()), None)).get("value")


def sample(schema: Any, *, short: bool = False, room: int = MOST_VALUES, depth: int = 0) -> Any:
    """A value that fits. *short*: an empty list where one is allowed. *room*: how many values it may hold at most."""
    given = as_dict(schema)
    for fixed in (example_of(given), given.get("default"), given.get("const"), *as_list(given.get("enum"))[:1]):
        if fixed is not None:
            return fixed
    if depth >= _DEEPEST:
        return None
    options = as_list(given.get("oneOf")) or as_list(given.get("anyOf"))
    if options:
        return sample(options[0], short=short, room=room, depth=depth + 1)
    kind = _kind(given)
    if kind == "object":
        return _record(given, room, depth)
    if kind == "array":
        return [] if short and not given.get("minItems") else _items(given, room, depth)
    return _FORMATS.get(str(given.get("format")), HELLO) if kind == "string" else _SCALARS.get(kind)


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return str(next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind)


def _record(schema: Schema, room: int, depth: int) -> dict[str, Any]:
    parts = as_dict(schema.get("properties"))
    needed = as_list(schema.get("required"))
    names = [name for name in parts if name in needed] or list(parts)
    names = names[: max(1, room)]
    share = room // max(1, len(names))
    return {name: sample(parts[name], room=share, depth=depth + 1) for name in names}


def _items(schema: Schema, room: int, depth: int) -> list[Any]:
    each = as_list(schema.get("prefixItems"))[: max(1, room)]
    if each:
        return [sample(one, room=room // len(each), depth=depth + 1) for one in each]
    fewest = schema.get("minItems")
    count = fewest if isinstance(fewest, int) and 1 < fewest <= room else 1
    one = sample(schema.get("items"), room=room // count, depth=depth + 1)
    return [one] * count
