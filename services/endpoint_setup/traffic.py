"""The names of served entities, and how the traffic is split between them. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.endpoint_setup.draft import Body, block, items, value_at, with_value
from services.endpoint_setup.entity_forms import ENTITIES, EntityKind, kind_of
from services.secret_scopes import Path

ROUTES: Path = ("config", "traffic_config", "routes")
MAX_NAME = 63


def default_name(entity: Any) -> str:
    """What the platform calls an entity that was given no name; empty while its model has none.

    An external model's name with "-" for "." and ":" (SDK); the last part of a registered model's name and its version.
    """
    given = block(entity)
    if kind_of(given) is EntityKind.EXTERNAL:
        name = block(given["external_model"]).get("name")
    else:
        model, version = given.get("entity_name"), given.get("entity_version")
        known = isinstance(model, str) and model
        name = f"{str(model).rpartition('.')[2]}-{version}" if known and version else model
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:MAX_NAME] if isinstance(name, str) else ""


def name_of(entity: Any) -> str:
    """The name of a served entity inside its endpoint: given, or made."""
    given = block(entity).get("name")
    return given if isinstance(given, str) and given else default_name(entity)


def names_of(body: Mapping[str, Any]) -> list[str]:
    """The names of all served entities, in their order."""
    return [name_of(one) for one in items(value_at(body, ENTITIES))]


def shares_of(body: Mapping[str, Any]) -> list[int]:
    """The traffic of each entity in per cent, in their order: 100 for an only one, 0 for what no route names."""
    names = names_of(body)
    routes = [block(one) for one in items(value_at(body, ROUTES))]
    if len(names) == 1 and not routes:
        return [100]
    by_name = {routed(route): route.get("traffic_percentage") for route in routes}
    own = {place: route.get("traffic_percentage") for place, route in enumerate(routes)}  # of two without a name yet
    matching = {place for place, name in enumerate(names[: len(routes)]) if routed(routes[place]) == name}
    return [_share(own[place] if place in matching else by_name.get(name)) for place, name in enumerate(names)]


def with_shares(body: Body, shares: Sequence[int]) -> Body:
    """The body with that traffic, one share an entity. One entity needs no routes, and gets none."""
    names = names_of(body)
    if len(names) < 2:
        return with_value(body, ROUTES[:-1], None)
    routes = [
        {"served_entity_name": name, "traffic_percentage": share} for name, share in zip(names, shares, strict=True)
    ]
    return with_value(body, ROUTES, routes)


def even_split(body: Body) -> Body:
    """The body with the traffic split evenly; what is left over goes to the first ones."""
    count = len(names_of(body))
    if count == 0:
        return body
    each, over = divmod(100, count)
    return with_shares(body, [each + (place < over) for place in range(count)])


def traffic_follows(body: Body, before: Sequence[str]) -> Body:
    """The body with its routes renamed as its entities were, whose names were *before*; "" is one without a name yet."""
    after, routes = names_of(body), [block(one) for one in items(value_at(body, ROUTES))]
    if len(after) != len(before):
        return body
    changed = body
    for entity, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        same = [place for place, route in enumerate(routes) if routed(route) == old]
        for place in [entity] if not old and entity in same else same[:1] if not old else same:
            key = "served_model_name" if routes[place].get("served_model_name") else "served_entity_name"
            changed = with_value(changed, (*ROUTES, place, key), new)
    return changed


def routed(route: Mapping[str, Any]) -> str:
    """The served entity that a route names, under either name; empty for none."""
    name = route.get("served_entity_name") or route.get("served_model_name")
    return name if isinstance(name, str) else ""


def _share(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100 else 0
