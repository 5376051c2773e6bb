"""An endpoint as a Terraform resource: HCL. Pure.

In the provider's resources an object of the API is a block, a list of objects the same block several times, and only
``environment_vars`` is a map (``docs/resources/model_serving.md`` of terraform-provider-databricks).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.endpoint_setup import by_model_units
from services.snippets.bundle import resource_key

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_MAPS = frozenset({"environment_vars"})
_INDENT = "  "
_TEMPLATE = re.compile(r"(?:\$+|%+)\{")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def terraform_hcl(body: Mapping[str, Any], *, exists: bool = False) -> str:
    """The file: one resource; with an import block before it for an endpoint that *exists*."""
    kind, label = resource_kind(body), resource_key(body.get("name"))
    imported = f"import {{\n  to = {kind}.{label}\n  id = {text(str(body.get('name', '')))}\n}}\n\n" if exists else ""
    return f'{imported}resource "{kind}" "{label}" {{\n{"".join(_lines(body, _INDENT))}}}\n'


def resource_kind(body: Mapping[str, Any]) -> str:
    """The resource: provisioned model units have one of their own."""
    units = by_model_units(body.get("config"))
    return "databricks_model_serving_provisioned_throughput" if units else "databricks_model_serving"


def text(value: str) -> str:
    """A text in quotes. ``${`` and ``%{`` would begin a template, and are doubled."""
    plain = "".join(_ESCAPES.get(one) or (one if one.isprintable() else _escaped(one)) for one in value)
    return f'"{_TEMPLATE.sub(_literal, plain)}"'


def _literal(template: re.Match[str]) -> str:
    sign = template[0][0]
    # Of several signs only the last is doubled: "$$${" would be read as "$$" and the beginning of a template.
    return _escaped(sign) * (len(template[0]) - 2) + sign * 2 + "{"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Attributes first, as Terraform's own formatter would have them, then blocks."""
    blocks = []
    for name, value in values.items():
        if value is None or not _IDENTIFIER.fullmatch(name):
            continue
        if name in _MAPS and isinstance(value, dict):
            yield from _map(name, value, indent)
        elif isinstance(value, dict):
            blocks.append((name, value))
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            blocks += [(name, one) for one in value if isinstance(one, dict)]
        else:
            yield f"{indent}{name} = {_value(value)}\n"
    for name, value in blocks:
        yield f"{indent}{name} {{\n"
        yield from _lines(value, indent + _INDENT)
        yield f"{indent}}}\n"


def _map(name: str, values: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield f"{indent}{name} = {{\n"
    for key, value in values.items():
        yield f"{indent}{_INDENT}{text(key)} = {_value(value)}\n"
    yield f"{indent}}}\n"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    return json.dumps(value)
