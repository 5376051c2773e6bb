"""What a version of a model takes and gives, as far as the workspace tells without its files being downloaded.

Two places may have it: the ``MLmodel`` file, where the workspace serves artifacts itself (``mlflow-artifacts``), and the run
that logged the model, whose tag ``mlflow.log-model.history`` holds it. Neither is promised by the platform: Unity Catalog
keeps artifacts in storage of its own, which this app does not reach for.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import yaml

from services.errors import NotFound, PermissionDenied, Rejected
from services.foreign_json import as_dict, as_dicts, as_text
from services.registered_models.listing import REGISTRY_SECONDS
from services.registered_models.records import Column, ModelVersion, Registry, Signature, SignatureAnswer
from services.workspace import Workspace

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
HISTORY_TAG = "mlflow.log-model.history"
NOT_TOLD = "The workspace does not tell this version's signature. Once it is served, the endpoint's schema shows it."
NONE_LOGGED = "This version was logged without a signature."
_SILENT = (NotFound, PermissionDenied, Rejected)


def get_signature(workspace: Workspace, version: ModelVersion) -> SignatureAnswer:
    """The signature of *version*, or why there is none. Raises PlaygroundError when the workspace does not answer."""
    model_file = _model_file(workspace, version)
    if model_file is not None:
        return _answer(model_file.get("signature"))
    if (logged := _logged(workspace, version)) is not None:
        return _answer(logged.get("signature"))
    return SignatureAnswer(None, NOT_TOLD)


def _model_file(workspace: Workspace, version: ModelVersion) -> dict[str, Any] | None:
    """The file ``MLmodel``, where the workspace itself serves it."""
    if version.registry is Registry.UNITY_CATALOG:
        return None
    what = f"version {version.version} of {version.model}"
    asked = urlencode({"name": version.model, "version": version.version})
    try:
        reply = workspace.get(
            f"/api/2.0/mlflow/model-versions/get-download-uri?{asked}", name=what, seconds=REGISTRY_SECONDS
        )
        uri = urlsplit(as_text(as_dict(reply).get("artifact_uri")))
        path = uri.path.strip("/")
        if uri.scheme != "mlflow-artifacts" or not path or ".." in path.split("/"):
            return None
        text = workspace.get_text(f"{ARTIFACTS}/{quote(path)}/MLmodel", name=f"the description of {what}")
        found = yaml.safe_load(text)
    except (*_SILENT, yaml.YAMLError, ValueError, RecursionError):
        return None  # ValueError: a URI or a date in the file that is none
    return found if isinstance(found, dict) else None


def _logged(workspace: Workspace, version: ModelVersion) -> dict[str, Any] | None:
    """What the run that logged the model noted about it."""
    if not version.run_id:
        return None
    try:
        asked = urlencode({"run_id": version.run_id})
        reply = workspace.get(f"/api/2.0/mlflow/runs/get?{asked}", name=f"the run of {version.model}")
    except _SILENT:
        return None
    tags = as_dict(as_dict(as_dict(reply).get("run")).get("data")).get("tags")
    noted = [as_text(tag.get("value")) for tag in as_dicts(tags) if tag.get("key") == HISTORY_TAG]
    models = as_dicts(_parsed(noted[0])) if noted else []
    path = version.source.rstrip("/")
    named = [one for one in models if as_text(one.get("artifact_path")) and path.endswith(f"/{one['artifact_path']}")]
    if named:
        return named[-1]
    return models[0] if len(models) == 1 else None


def _answer(wire: Any) -> SignatureAnswer:
    if not isinstance(wire, dict):
        return SignatureAnswer(None, NONE_LOGGED)
    parts = [
        tuple(_column(one) for one in as_dicts(_parsed(wire.get(part)))) for part in ("inputs", "outputs", "params")
    ]
    return SignatureAnswer(Signature(*parts)) if any(parts) else SignatureAnswer(None, NONE_LOGGED)


def _column(wire: dict[str, Any]) -> Column:
    kind = _type(wire)
    if wire.get("shape") and wire.get("type") != "tensor":
        kind = f"array of {kind}"  # a parameter's shape
    return Column(as_text(wire.get("name")), kind, wire.get("required", True) is not False, wire.get("default"))


def _type(wire: dict[str, Any], depth: int = 0) -> str:
    """A type in words; MLflow's forms are those of mlflow.types.schema."""
    kind = wire.get("type")
    if depth > 5:
        return "…"
    if kind == "array":
        return f"array of {_type(as_dict(wire.get('items')), depth + 1)}"
    if kind == "map":
        return f"map of {_type(as_dict(wire.get('values')), depth + 1)}"
    if kind == "object":
        names = ", ".join(str(name) for name in as_dict(wire.get("properties")))
        return f"object of {names}" if names else "object"
    if kind == "tensor":
        spec = as_dict(wire.get("tensor-spec"))
        shape = spec.get("shape")
        lengths = ", ".join(str(length) for length in shape) if isinstance(shape, list) else "?"
        return f"tensor of {as_text(spec.get('dtype')) or 'numbers'} ({lengths})"
    return as_text(kind) or "anything"


def _parsed(text: Any) -> Any:
    """What a JSON text holds; MLflow writes the parts of a signature so."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
