"""An endpoint as a resource of a Databricks bundle: YAML. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from services.endpoint_setup import walk

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class _Quoted(str):
    """A text that is written in quotes: what looks like a number in YAML 1.2, such as 1e3, is none in 1.1."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes a body as people do: in its own order, lists indented, the same block twice rather than by a mark."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent a list below the name of its field."""
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write what is there twice, twice."""
        del data
        return True


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def bundle_yaml(body: Mapping[str, Any]) -> str:
    """The file: ``resources.model_serving_endpoints.<key>`` with the body as it is."""
    resource = {"resources": {"model_serving_endpoints": {resource_key(body.get("name")): _marked(dict(body))}}}
    return yaml.dump(resource, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def resource_key(name: Any) -> str:
    """A key for the resource, made of the endpoint's name: letters, digits and "_", not beginning with a digit."""
    key = re.sub(r"[^A-Za-z0-9_]", "_", name) if isinstance(name, str) else ""
    return key if _PLAIN.fullmatch(key) else f"endpoint_{key}"


def has_interpolation(body: Mapping[str, Any]) -> bool:
    """Whether a text would be taken for a bundle's variable: ``${...}``, for which bundles have no other spelling."""
    return any(isinstance(value, str) and "${" in value for _, value in walk(body))


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {(name if _PLAIN.fullmatch(name) else _Quoted(name)): _marked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in value]
    return _Quoted(value) if isinstance(value, str) else value
