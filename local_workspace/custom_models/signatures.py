"""From an MLflow signature, as MLflow writes it, to the JSON schemas of an invocation and of its reply.

The forms of a type are those of mlflow.types.schema: `{"type": "string"}`, arrays, objects, maps, and tensors with a numpy
type and a shape in which -1 stands for any length.
"""

import json
from typing import Any

Schema = dict[str, Any]

_SCALARS: dict[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
}


def invocation_schema(signature: dict[str, str | None]) -> Schema:
    """The schema of a body: each form that MLflow's scoring takes for these inputs, with the params beside it."""
    columns = _part(signature, "inputs")
    forms = _tensor_forms(columns) if _is_tensors(columns) else _column_forms(columns)
    params = _part(signature, "params")
    beside = {"params": {"type": "object", "properties": {it["name"]: _param(it) for it in params}}} if params else {}
    return {
        "oneOf": [
            {"type": "object", "properties": {name: form} | beside, "required": [name]} for name, form in forms.items()
        ]
    }


def reply_schema(signature: dict[str, str | None]) -> Schema:
    """The schema of a reply: `predictions`."""
    columns = _part(signature, "outputs")
    if not columns:
        predictions: Schema = {}
    elif _is_tensors(columns):
        predictions = _tensor_forms(columns)["inputs"]
    elif len(columns) == 1 and "name" not in columns[0]:
        predictions = {"type": "array", "items": _type(columns[0])}
    else:
        predictions = {"type": "array", "items": _record(columns)}
    return {"type": "object", "properties": {"predictions": predictions}, "required": ["predictions"]}


def _part(signature: dict[str, str | None], name: str) -> list[Schema]:
    found: list[Schema] = json.loads(signature.get(name) or "[]")
    return found


def _is_tensors(columns: list[Schema]) -> bool:
    return any(column.get("type") == "tensor" for column in columns)


def _column_forms(columns: list[Schema]) -> dict[str, Schema]:
    records: Schema = {"type": "array", "items": _record(columns)}
    if columns and "name" not in columns[0]:
        rows: Schema = {"type": "array", "items": _type(columns[0])}
        return {"inputs": rows, "instances": rows, "dataframe_records": {"type": "array"}}
    values = {"type": "array", "items": {"type": "array", "items": {}}}
    split = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string", "enum": [it["name"] for it in columns]}},
            "index": {"type": "array", "items": {"type": "integer"}},
            "data": values,
        },
        "required": ["columns", "data"],
    }
    by_column = {
        "type": "object",
        "properties": {it["name"]: {"type": "array", "items": _type(it)} for it in columns},
        "required": _required(columns),
    }
    return {"dataframe_records": records, "dataframe_split": split, "inputs": by_column, "instances": records}


def _tensor_forms(columns: list[Schema]) -> dict[str, Schema]:
    if len(columns) == 1 and "name" not in columns[0]:
        tensor = _type(columns[0])
        return {"inputs": tensor, "instances": tensor}
    named = {
        "type": "object",
        "properties": {it["name"]: _type(it) for it in columns},
        "required": [it["name"] for it in columns],
    }
    return {"inputs": named, "instances": {"type": "array", "items": {"type": "object"}}}


def _record(columns: list[Schema]) -> Schema:
    named = {it["name"]: _type(it) for it in columns if "name" in it}
    return {"type": "object", "properties": named, "required": _required(columns)}


def _required(columns: list[Schema]) -> list[str]:
    return [it["name"] for it in columns if "name" in it and it.get("required", True)]


def _param(param: Schema) -> Schema:
    scalar = _type(param)
    kind: Schema = {"type": "array", "items": scalar} if param.get("shape") else scalar
    return kind | ({"default": param["default"]} if param.get("default") is not None else {})


def _type(column: Schema) -> Schema:
    kind = column["type"]
    if kind == "array":
        return {"type": "array", "items": _type(column["items"])}
    if kind == "object":
        properties: dict[str, Schema] = column.get("properties", {})
        required = [name for name, it in properties.items() if it.get("required", True)]
        return {
            "type": "object",
            "properties": {name: _type(it) for name, it in properties.items()},
            "required": required,
        }
    if kind == "map":
        return {"type": "object", "additionalProperties": _type(column["values"])}
    if kind == "tensor":
        return _tensor(column["tensor-spec"])
    return dict(_SCALARS.get(kind, {}))


def _tensor(spec: Schema) -> Schema:
    """One array within another for each length of the shape; the first is usually how many rows there are."""
    dtype = str(spec["dtype"])
    scalar: Schema = {"type": "string"}
    if dtype.startswith(("int", "uint")):
        scalar = {"type": "integer"}
    elif dtype.startswith("float"):
        scalar = {"type": "number"}
    elif dtype == "bool":
        scalar = {"type": "boolean"}
    for length in reversed(spec["shape"]):
        fixed = {"minItems": length, "maxItems": length} if length >= 0 else {}
        scalar = {"type": "array", "items": scalar} | fixed
    return scalar
