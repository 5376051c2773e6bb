"""Create an endpoint and change what it serves: each sent once, and only when nothing is known to be wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from services.endpoint_setup.checks import problems
from services.endpoint_setup.draft import Body, block, items, value_at, with_value
from services.endpoint_setup.entity_forms import ENTITIES, by_model_units
from services.endpoint_setup.providers import provider_named, variant_of
from services.endpoint_setup.schema import CREATE, PROVISIONED_CREATE, PROVISIONED_ENTITY, ListOf, Object, Shape
from services.endpoints import EndpointDetail, endpoint_path
from services.endpoints.reading import ROOT, detail_from_wire
from services.errors import BadInput, UnexpectedReply
from services.secret_scopes import Path
from services.workspace import Workspace

CREATE_PATH = ROOT
PROVISIONED_PATH = f"{ROOT}/pt"


def create_endpoint(workspace: Workspace, body: Body) -> EndpointDetail:
    """Create the endpoint; it is then being deployed. Raises BadInput, AlreadyExists or another PlaygroundError."""
    _refuse_problems(body, updating=False)
    method, path, sent = create_call(body)
    return _detail(workspace, method, path, sent, str(body["name"]))


def update_config(workspace: Workspace, name: str, config: Mapping[str, Any]) -> EndpointDetail:
    """Have the endpoint serve *config* in place of what it serves; it is then being deployed.

    Raises BadInput, Conflict while an update is under way, NotFound, or another PlaygroundError.
    """
    _refuse_problems({"name": name, "config": config}, updating=True)
    method, path, sent = update_call(name, config)
    return _detail(workspace, method, path, sent, name)


def create_call(body: Body) -> tuple[str, str, Body]:
    """Method, path and body of the creation."""
    return "POST", PROVISIONED_PATH if by_model_units(body.get("config")) else CREATE_PATH, body


def update_call(name: str, config: Mapping[str, Any]) -> tuple[str, str, Body]:
    """Method, path and body of the change; provisioned model units have a path and a form of their own."""
    if by_model_units(config):
        return "PUT", f"{PROVISIONED_PATH}/{quote(name, safe='')}/config", {"config": dict(config)}
    return "PUT", endpoint_path(name, "config"), dict(config)


def draft_of(detail: EndpointDetail) -> Body:
    """The endpoint as a body that would make it again: what the API takes, and nothing that it only shows.

    What it serves now; of one that never served, what is being deployed. Keys that were once given as text are not told by
    the platform, and stand there empty: ``untold_keys`` names them.
    """
    wire = dict(detail.wire)
    wire["config"] = _in_newer_words(block(wire.get("config") or wire.get("pending_config")))
    body = {name: value for name, value in block(_input(wire, CREATE)).items() if value not in ({}, [], "", False)}
    config = block(body.get("config"))
    for entity in items(config.get("served_entities")):
        if {"min_provisioned_concurrency", "max_provisioned_concurrency"} & block(entity).keys():
            entity.pop("workload_size", None)  # a workspace may tell both; it takes one
    for route in map(block, items(block(config.get("traffic_config")).get("routes"))):
        # The platform shows both names of the same entity.
        if "served_entity_name" in route:
            route.pop("served_model_name", None)
    if by_model_units(config):
        body = {name: value for name, value in body.items() if name in PROVISIONED_CREATE}
        config["served_entities"] = [
            {name: value for name, value in block(one).items() if name in PROVISIONED_ENTITY}
            for one in items(config["served_entities"])
        ]
    for path in _untold(body):
        body = with_value(body, path, "")
    return body


def _in_newer_words(config: Mapping[str, Any]) -> Body:
    """The config with served entities only: a workspace may tell them under their older name, or under both."""
    models = [block(one) for one in items(config.get("served_models"))]
    renamed = {"model_name": "entity_name", "model_version": "entity_version"}
    entities = [{renamed.get(name, name): value for name, value in one.items()} for one in models]
    return {"served_entities": entities, **{name: config[name] for name in config if name != "served_models"}}


def untold_keys(detail: EndpointDetail) -> tuple[Path, ...]:
    """Where in ``draft_of(detail)`` a key belongs that the platform has and does not tell: it was given as text."""
    return tuple(_untold(draft_of(detail)))


def _untold(body: Mapping[str, Any]) -> list[Path]:
    entities = items(value_at(body, ENTITIES))
    return [path for place, entity in enumerate(entities) for path in _keys_missing(entity, (*ENTITIES, place))]


def _keys_missing(entity: Any, at: Path) -> Iterator[Path]:
    external = block(block(entity).get("external_model"))
    provider = provider_named(external.get("provider"))
    if provider is None:
        return
    config = block(external.get(provider.config_key))
    variant = variant_of(provider, config)
    for path, field in provider.placed(variant):
        holder = block(config.get(path[0])) if len(path) > 1 else config
        if field.secret and not holder.get(field.name):
            yield (*at, "external_model", provider.config_key, *path)


def _input(wire: Any, shape: Shape) -> Any:
    """What of *wire* the API takes."""
    if isinstance(shape, Object) and isinstance(wire, dict):
        return {name: _input(wire[name], inner) for name, inner in shape.fields.items() if wire.get(name) is not None}
    if isinstance(shape, ListOf) and isinstance(wire, list):
        return [_input(one, shape.of) for one in wire if one is not None]
    return wire


def _refuse_problems(body: Any, *, updating: bool) -> None:
    """Raise BadInput for the first problem that keeps the body from being sent."""
    blocking = [one for one in problems(body, updating=updating) if one.blocks]
    if blocking:
        first, more = blocking[0], len(blocking) - 1
        place = f"{first.place}: " if first.path else ""
        also = f" {more} more {'is' if more == 1 else 'are'} to be mended." if more else ""
        raise BadInput(f"{place}{first.sentence}", f"{first.hint}{also} Nothing was sent.".strip())


def _detail(workspace: Workspace, method: str, path: str, body: Body, name: str) -> EndpointDetail:
    reply = workspace.change(method, path, body, name=f"endpoint {name}")
    if not isinstance(reply, dict) or not reply.get("name"):
        raise UnexpectedReply(
            f"The workspace took endpoint {name} and did not answer with it.",
            "The change may have been made all the same: look before you repeat it.",
        )
    return detail_from_wire(reply)
