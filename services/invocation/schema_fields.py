"""Fields from JSON schemas and from a registered model's columns. Pure; schemas are other people's, and may be anything."""

import re
from collections.abc import Mapping
from typing import Any

from services.foreign_json import as_dict, as_list
from services.invocation.fields import Field, Kind
from services.registered_models import Column

MAX_STEPS = 8
"""References and choices that are followed to learn what a field is; what is deeper is JSON."""
_KINDS: Mapping[str, Kind] = {
    "string": Kind.TEXT,
    "integer": Kind.WHOLE,
    "number": Kind.NUMBER,
    "boolean": Kind.SWITCH,
}
_FORMATS: Mapping[str, Kind] = {
    "date-time": Kind.TIME,
    "date": Kind.TIME,
    "byte": Kind.BYTES,
    "binary": Kind.BYTES,
}
_COLUMNS: Mapping[str, Kind] = {
    "string": Kind.TEXT,
    "long": Kind.WHOLE,
    "integer": Kind.WHOLE,
    "double": Kind.NUMBER,
    "float": Kind.NUMBER,
    "boolean": Kind.SWITCH,
    "datetime": Kind.TIME,
    "binary": Kind.BYTES,
}
_ARRAY = re.compile(r"array of (.+)")


def resolved(schema: Any, document: Mapping[str, Any], steps: int = 0) -> dict[str, Any]:
    """The schema, with a reference into its own document followed; empty where that leads nowhere, or in a circle."""
    found = as_dict(schema)
    where = found.get("$ref")
    if not isinstance(where, str):
        return found
    if steps >= MAX_STEPS or not where.startswith("#/"):
        return {}
    at: Any = document
    for step in where[2:].split("/"):
        at = as_dict(at).get(step.replace("~1", "/").replace("~0", "~"))
    return resolved(at, document, steps + 1)


def field_of_schema(name: str, schema: Any, document: Mapping[str, Any], *, required: bool, steps: int = 0) -> Field:
    """The field that a schema describes."""
    given = _chosen(resolved(schema, document), document)
    kind = _type(given)
    about: dict[str, Any] = {"name": name, "required": required, "default": given.get("default"), "help": _about(given)}
    choices = tuple(one for one in as_list(given.get("enum")) if isinstance(one, str))
    if choices:
        return Field(**about, kind=Kind.CHOICE, choices=choices)
    if kind == "array":
        inner = given.get("items")
        each = (
            field_of_schema("", inner, document, required=True, steps=steps + 1)
            if inner and steps < MAX_STEPS
            else None
        )
        if each is not None and each.kind is Kind.TEXT:
            return Field(**about, kind=Kind.TEXTS)
        typed = each if each is not None and (each.kind is not Kind.JSON or each.outer) else None
        return Field(**about, outer="array", of=typed, says=f"array of {each.type}" if each else "array")
    if kind == "object":
        return Field(**about, outer="object", says="object")
    plain = _FORMATS.get(str(given.get("format")), Kind.TEXT) if kind == "string" else _KINDS.get(kind, Kind.JSON)
    return Field(**about, kind=plain, minimum=_bound(given, "minimum"), maximum=_bound(given, "maximum"))


def field_of_column(column: Column, *, required: bool | None = None) -> Field:
    """The field of a signature's column; its type is told in words."""
    needed = column.required if required is None else required
    about: dict[str, Any] = {"name": column.name, "required": needed, "default": column.default, "says": column.type}
    if column.type in _COLUMNS:
        return Field(**about, kind=_COLUMNS[column.type])
    if column.type == "array of string":
        return Field(**about, kind=Kind.TEXTS)
    if found := _ARRAY.fullmatch(column.type):
        inner = _COLUMNS.get(found[1])
        return Field(**about, outer="array", of=Field("", inner) if inner else None)
    return Field(**about, outer="array" if column.type.startswith("tensor") else "")


def _chosen(schema: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """The one schema that is meant where there are several, of which the others are null."""
    options = as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))
    found = [one for one in (resolved(option, document) for option in options) if _type(one) != "null"]
    if len(found) == 1:
        return {**{name: value for name, value in schema.items() if name in ("default", "description")}, **found[0]}
    return {"type": "any"} if options else schema


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "any")
    if isinstance(kind, list):
        kinds = [one for one in kind if one != "null"]
        return str(kinds[0]) if len(kinds) == 1 else "any"
    return str(kind)


def _about(schema: Mapping[str, Any]) -> str:
    described = schema.get("description")
    return described if isinstance(described, str) else ""


def _bound(schema: Mapping[str, Any], name: str) -> float | None:
    bound = schema.get(name)
    return bound if isinstance(bound, int | float) and not isinstance(bound, bool) else None
