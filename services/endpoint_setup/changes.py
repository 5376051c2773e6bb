"""What a draft changes of what an endpoint serves, as lines for people. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.endpoint_setup.draft import block, items
from services.endpoint_setup.traffic import name_of, routed
from services.endpoints import config_differences

_SHOWN = 120


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was."""

    place: str
    """Where: ``gpt-4o.external_model.name``."""
    before: str
    """As JSON; of a served entity that is taken away its model. Empty: not there."""
    after: str
    whole: bool = False
    """Whether a whole served entity is added or taken away."""


def config_changes(before: Any, after: Any) -> list[Change]:
    """What differs between two configs. Served entities are the same where their names are, given or made."""
    old, new = _entities(before), _entities(after)
    found = [Change(name, _model(old[name]), "", whole=True) for name in old if name not in new]
    found += [Change(name, "", _model(new[name]), whole=True) for name in new if name not in old]
    for name in old:
        if name in new:
            found += _leaves({name: old[name]}, {name: new[name]})
    return [*found, *_leaves(_rest(before), _rest(after))]


def _entities(config: Any) -> dict[str, Any]:
    entities = items(block(config).get("served_entities"))
    names = [name_of(one) or f"entity {place + 1}" for place, one in enumerate(entities)]
    return {
        name if name not in names[:place] else f"{name} ({place + 1})": block(one) | {"name": name}
        for place, (name, one) in enumerate(zip(names, entities, strict=True))
    }


def _rest(config: Any) -> dict[str, Any]:
    """All but the served entities; routes by the names of what they lead to."""
    rest = {name: value for name, value in block(config).items() if name not in ("served_entities", "traffic_config")}
    traffic = block(block(config).get("traffic_config"))
    routes = {routed(block(one)): block(one).get("traffic_percentage") for one in items(traffic.get("routes"))}
    return rest | ({"traffic": routes} if routes else {})


def _leaves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(*leaf) for one in config_differences(before, after) for leaf in _inner(one.place, one.before, one.after)
    ]


def _inner(place: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    """What is in a block that is new or gone, each value for itself."""
    old, new = block(before), block(after)
    if not (old or new):
        yield place, _text(before), _text(after)
    for name in dict.fromkeys([*old, *new]):
        yield from _inner(f"{place}.{name}", old.get(name), new.get(name))


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)[:_SHOWN]


def _model(entity: Mapping[str, Any]) -> str:
    """Which model an entity is of: ``gpt-4o (openai)``."""
    external = block(entity.get("external_model"))
    name, of = (
        external.get("name") or entity.get("entity_name"),
        external.get("provider") or entity.get("entity_version"),
    )
    known = str(name or "no model yet")
    return f"{known} ({of if external else f'version {of}'})" if of else known
