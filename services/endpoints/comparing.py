"""What differs between two configs, or two of any JSON values. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NAMES = ("name", "served_entity_name", "served_model_name", "key")
_NOT_CONFIG = frozenset({"state", "creator", "creation_timestamp", "config_version", "start_time", "served_models"})
"""The platform's own words in a config. ``served_models`` says ``served_entities`` again under older names."""


@dataclass(frozen=True)
class Difference:
    """One value that is not the same in both."""

    place: str
    """Where it is: ``served_entities.champion.entity_version``."""
    before: Any
    """None: not there."""
    after: Any


def config_differences(before: Any, after: Any) -> list[Difference]:
    """What differs between two configs, as the API has them; what the platform adds to them is left out."""
    return list(_differences("", _asked(before), _asked(after)))


def differences(before: Any, after: Any) -> list[Difference]:
    """What differs between two JSON values; items of lists are told apart by their names, if they have any."""
    return list(_differences("", before, after))


def _asked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _asked(inner) for name, inner in value.items() if name not in _NOT_CONFIG}
    return [_asked(inner) for inner in value] if isinstance(value, list) else value


def _differences(place: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    old, new = _parts(before), _parts(after)
    if old is None or new is None:
        yield Difference(place, before, after)
        return
    for name in dict.fromkeys([*old, *new]):
        yield from _differences(f"{place}.{name}".lstrip("."), old.get(name), new.get(name))


def _parts(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    names = [_name_of(one) for one in value]
    if not all(names) or len(set(names)) < len(names):
        names = [str(place) for place in range(len(value))]
    return dict(zip(names, value, strict=True))


def _name_of(value: Any) -> str:
    found = (value.get(name) for name in _NAMES) if isinstance(value, dict) else ()
    return next((one for one in found if isinstance(one, str) and one), "")
