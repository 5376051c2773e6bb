"""Ask both registries for models and versions. A registry that is not there is an empty answer with a sentence."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from services.errors import NotFound, PermissionDenied, Rejected, WorkspaceError
from services.foreign_json import as_dict, as_dicts, as_text
from services.registered_models.records import ModelPage, ModelVersion, RegisteredModel, Registry
from services.workspace import Workspace

PAGE = 50
"""Models asked for at once."""
MAX_PAGES = 10
"""Pages looked through for one search in Unity Catalog, which cannot search by name, and for the versions of one model."""
REGISTRY_SECONDS = 60.0
"""The local workspace starts its registry when it is first asked for, which takes up to 20 s on a busy machine."""
UNITY_CATALOG = "/api/2.1/unity-catalog/models"
MLFLOW = "/api/2.0/mlflow"


def list_models(workspace: Workspace, registry: Registry, search: str = "", page_token: str = "") -> ModelPage:
    """A page of the models of *registry* that the identity may see, with *search* in their names, in any case.

    *page_token* is the ``next_token`` of the page before. Raises PlaygroundError, but not for a registry that is not there
    or not open to the identity.
    """
    wanted = search.strip().lower()
    try:
        if registry is Registry.UNITY_CATALOG:
            return _unity_catalog_page(workspace, wanted, page_token)
        return _workspace_page(workspace, wanted, page_token)
    except WorkspaceError as refusal:
        if (note := _absent(registry, refusal)) is None:
            raise
        return ModelPage((), note=note)


def list_versions(workspace: Workspace, model: RegisteredModel) -> list[ModelVersion]:
    """The versions of *model*, newest first; of very many, the first that the registry gives. Raises PlaygroundError."""
    aliases = _aliases(workspace, model)
    found = [
        _version_from_wire(model.registry, model.name, wire, aliases)
        for page in _version_pages(workspace, model)
        for wire in page
    ]
    return sorted(found, key=lambda one: int(one.version) if one.version.isdecimal() else 0, reverse=True)


def _unity_catalog_page(workspace: Workspace, wanted: str, page_token: str) -> ModelPage:
    found: list[RegisteredModel] = []
    looked_at = 0
    for _ in range(MAX_PAGES):
        reply = _get(workspace, UNITY_CATALOG, "the models of Unity Catalog", max_results=PAGE, page_token=page_token)
        models = [_unity_catalog_model(one) for one in as_dicts(reply.get("registered_models"))]
        looked_at += len(models)
        found += [one for one in models if wanted in one.name.lower()]
        page_token = as_text(reply.get("next_page_token"))
        # A page may be empty, or all of it filtered out, with more to come.
        if not page_token or len(found) >= (PAGE if wanted else 1):
            break
    note = f"{looked_at:,} models were looked through, and there are more." if wanted and page_token else ""
    return ModelPage(tuple(found), page_token, note)


def _workspace_page(workspace: Workspace, wanted: str, page_token: str) -> ModelPage:
    if "'" in wanted and '"' in wanted:
        return ModelPage((), note="No name can be searched for that has both kinds of quotes in it.")
    words = {"filter": f"name ILIKE {_quoted(f'%{wanted}%')}"} if wanted else {}
    path = f"{MLFLOW}/registered-models/search"
    reply = _get(workspace, path, "the workspace's registry", max_results=PAGE, page_token=page_token, **words)
    models = tuple(_workspace_model(one) for one in as_dicts(reply.get("registered_models")))
    return ModelPage(models, as_text(reply.get("next_page_token")))


def _absent(registry: Registry, refusal: WorkspaceError) -> str | None:
    """What to say of a registry that is not there or not open; None for a refusal of another kind."""
    said = f"{refusal.message} {refusal.raw.body if refusal.raw else ''}".lower()
    without_metastore = isinstance(refusal, (NotFound, Rejected, PermissionDenied)) and "metastore" in said
    if isinstance(refusal, NotFound) or without_metastore:
        return (
            f"This workspace has no {registry}." if registry is Registry.UNITY_CATALOG else "There is no registry here."
        )
    if isinstance(refusal, PermissionDenied):
        return f"You may not list the models of the {registry}; a model's name can be typed all the same."
    return None


def _version_pages(workspace: Workspace, model: RegisteredModel) -> Iterator[list[dict[str, Any]]]:
    if model.registry is Registry.UNITY_CATALOG:
        path, words = f"{UNITY_CATALOG}/{quote(model.name, safe='')}/versions", {}
    else:
        path, words = f"{MLFLOW}/model-versions/search", {"filter": f"name = {_quoted(model.name)}"}
    token = ""
    for _ in range(MAX_PAGES):
        reply = _get(workspace, path, f"the versions of {model.name}", max_results=100, page_token=token, **words)
        yield as_dicts(reply.get("model_versions"))
        token = as_text(reply.get("next_page_token"))
        if not token:
            return


def _aliases(workspace: Workspace, model: RegisteredModel) -> Mapping[str, tuple[str, ...]]:
    """The aliases of each version; they are told with the model, not with its versions."""
    name = f"model {model.name}"
    if model.registry is Registry.UNITY_CATALOG:
        path = f"{UNITY_CATALOG}/{quote(model.name, safe='')}"
        pairs = [
            (as_text(one.get("alias_name")), one.get("version_num"))
            for one in as_dicts(_get(workspace, path, name, include_aliases="true").get("aliases"))
        ]
    else:
        reply = _get(workspace, f"{MLFLOW}/registered-models/get", name, name=model.name)
        aliases = as_dict(reply.get("registered_model")).get("aliases")
        pairs = [(as_text(one.get("alias")), one.get("version")) for one in as_dicts(aliases)]
    found: dict[str, tuple[str, ...]] = {}
    for alias, version in pairs:
        found[str(version)] = (*found.get(str(version), ()), alias)
    return found


def _unity_catalog_model(wire: Mapping[str, Any]) -> RegisteredModel:
    parts = (as_text(wire.get(part)) for part in ("catalog_name", "schema_name", "name"))
    return RegisteredModel(
        Registry.UNITY_CATALOG,
        as_text(wire.get("full_name")) or ".".join(part for part in parts if part),
        as_text(wire.get("comment")),
        updated_ms=_number(wire.get("updated_at")),
    )


def _workspace_model(wire: Mapping[str, Any]) -> RegisteredModel:
    versions = [as_text(one.get("version")) for one in as_dicts(wire.get("latest_versions"))]
    newest = max((int(one) for one in versions if one.isdecimal()), default=None)
    return RegisteredModel(
        Registry.WORKSPACE,
        as_text(wire.get("name")),
        as_text(wire.get("description")),
        "" if newest is None else str(newest),
        _number(wire.get("last_updated_timestamp")),
    )


def _version_from_wire(
    registry: Registry, model: str, wire: Mapping[str, Any], aliases: Mapping[str, tuple[str, ...]]
) -> ModelVersion:
    version, stage = str(wire.get("version", "")), as_text(wire.get("current_stage"))
    return ModelVersion(
        registry,
        model,
        version,
        as_text(wire.get("description")) or as_text(wire.get("comment")),
        "" if stage == "None" else stage,
        aliases.get(version, ()),
        as_text(wire.get("status")) or "READY",
        as_text(wire.get("run_id")),
        as_text(wire.get("source")),
        {as_text(one.get("key")): as_text(one.get("value")) for one in as_dicts(wire.get("tags"))},
        _number(wire.get("last_updated_timestamp")) or _number(wire.get("updated_at")),
    )


def _get(workspace: Workspace, path: str, what: str, /, **query: str | int) -> dict[str, Any]:
    given = urlencode({name: value for name, value in query.items() if value != ""})
    return as_dict(workspace.get(f"{path}?{given}", name=what, seconds=REGISTRY_SECONDS))


def _quoted(text: str) -> str:
    """A text as MLflow's filters have it: in the quotes that are not in it."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
