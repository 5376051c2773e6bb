"""Served entities of a draft: made, changed, added and taken away. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

from services.endpoint_setup.draft import Body, block, value_at, with_value
from services.endpoint_setup.entity_forms import ENTITIES, WORKLOAD_SIZES, EntityKind
from services.endpoint_setup.fields import FieldKind, PlacedField, emptied
from services.endpoint_setup.providers import Provider, Variant, provider_named
from services.endpoint_setup.traffic import (
    MAX_NAME,
    default_name,
    name_of,
    names_of,
    shares_of,
    traffic_follows,
    with_shares,
)
from services.secret_scopes import Path

Entity = dict[str, Any]


def new_body(entity: Entity, name: str = "") -> Body:
    """A draft that serves *entity*."""
    return {"name": name, "config": {"served_entities": [copy.deepcopy(entity)]}}


def new_external_entity(
    provider: Provider,
    variant: Variant | None = None,
    *,
    task: str = "",
    model: str = "",
    values: Mapping[str, Any] | None = None,
) -> Entity:
    """A served entity of that provider; what is needed and not in *values* stands there empty.

    *values* are the block's fields by name; an inner block's are given as a block. *task* defaults to the provider's first,
    *variant* to its first.
    """
    block_of = _in_variant(provider, variant or provider.variants[0], dict(values or {}))
    external = {
        "provider": provider.name,
        "name": model,
        "task": task or provider.tasks[0],
        provider.config_key: block_of,
    }
    return {"external_model": external}


def new_custom_entity(model: str = "", version: str = "") -> Entity:
    """A served entity of a registered model: small, and asleep when nobody calls."""
    sizes = {"workload_size": WORKLOAD_SIZES[0], "scale_to_zero_enabled": True}
    return {"entity_name": model, "entity_version": version, **sizes}


def new_foundation_entity(model: str = "", version: str = "", units: int = 50) -> Entity:
    """A served entity of a foundation model with provisioned throughput, in model units."""
    return {"entity_name": model, "entity_version": version, "provisioned_model_units": units}


def new_entity(kind: EntityKind, provider: Provider) -> Entity:
    """A served entity of that kind, to be filled in; *provider* is for external ones."""
    if kind is EntityKind.EXTERNAL:
        return new_external_entity(provider)
    return new_foundation_entity() if kind is EntityKind.FOUNDATION else new_custom_entity()


def with_field(body: Body, placed: PlacedField, value: Any) -> Body:
    """The body with what was put into a field, "" and None being nothing.

    What is needed stays there, empty, so that it is seen to be missing. Traffic follows an entity whose name changes.
    """
    before = names_of(body)
    changed = with_value(body, placed.path, None if value == "" else value)
    if value in ("", None) and placed.field.required:
        changed = with_value(changed, placed.path, emptied(placed.field))
        if placed.field.kind is FieldKind.WHOLE:
            block(value_at(changed, placed.path[:-1]))[str(placed.path[-1])] = None
    return traffic_follows(_renamed(body, changed, placed.path), before)


def _renamed(body: Body, changed: Body, path: Path) -> Body:
    """The changed body with another name for the entity at *path*, where its name was only what the platform made of its model.

    A platform shows such a name as if it had been given; left so, an entity would go on under the name of an earlier model.
    """
    at = path[: len(ENTITIES) + 1]
    old, new = block(value_at(body, at)), block(value_at(changed, at))
    if path[: len(ENTITIES)] != ENTITIES or old.get("name") != new.get("name") or old.get("name") != default_name(old):
        return changed
    made = default_name(new)
    return changed if made in names_of(changed) else with_value(changed, (*at, "name"), made or None)


def with_provider(body: Body, index: int, provider: Provider) -> Body:
    """The body with another provider for that entity. Its task stays if that provider has it, its name in any case."""
    before = names_of(body)
    at: Path = (*ENTITIES, index, "external_model")
    task = value_at(body, (*at, "task"))
    fresh = new_external_entity(provider, task=task if task in provider.tasks else "")["external_model"]
    return traffic_follows(with_value(body, at, fresh), before)


def with_variant(body: Body, index: int, variant: Variant) -> Body:
    """The body with that entity in another variant of its provider: common fields stay, those of the other variant go."""
    at: Path = (*ENTITIES, index, "external_model")
    provider = provider_named(value_at(body, (*at, "provider")))
    if provider is None:
        return body
    before = block(value_at(body, (*at, provider.config_key)))
    return with_value(body, (*at, provider.config_key), _in_variant(provider, variant, before))


def _in_variant(provider: Provider, variant: Variant, given: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's block: what is fixed, then *given* as far as it belongs here, with what is needed and missing empty."""
    others = {pair for one in provider.variants if one is not variant for pair in one.fixed.items()}
    found: dict[str, Any] = dict(variant.fixed)
    for field in variant.fields:
        value = given.get(field.name)
        if field.name in given and (field.name, value if isinstance(value, str) else "") not in others:
            found[field.name] = value
        elif field.required:
            found[field.name] = ""
    if variant.block:
        inner = block(given.get(variant.block))
        found[variant.block] = {one.name: "" for one in variant.inner} | inner
    return found | {name: value for name, value in given.items() if name not in provider.names}


def with_entity(body: Body, entity: Entity) -> Body:
    """The body with one more entity, which gets no traffic yet; its name is made unique."""
    names = names_of(body)
    added = copy.deepcopy(entity)
    if (name := name_of(added)) and name in names:
        number = next(number for number in range(2, len(names) + 3) if f"{name}-{number}" not in names)
        added["name"] = f"{name[: MAX_NAME - 3]}-{number}"
    shares = [*shares_of(body), 0] if names else [100]
    changed = with_value(body, (*ENTITIES, len(names)), added)
    return with_shares(changed, shares)


def without_entity(body: Body, index: int) -> Body:
    """The body without that entity; its traffic goes to the first of the others."""
    shares = shares_of(body)
    if not 0 <= index < len(shares):
        return body
    freed = shares.pop(index)
    changed = with_value(body, (*ENTITIES, index), None)
    if shares:
        shares[0] += freed
    return with_shares(changed, shares)
