"""Whether the traffic is split: all of it, between entities that are there. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from services.endpoint_setup.draft import block, items, value_at
from services.endpoint_setup.problems import Problem, quoted
from services.endpoint_setup.shape_checks import missing
from services.endpoint_setup.traffic import ROUTES, names_of, routed
from services.secret_scopes import Path


def traffic_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the split of the traffic."""
    names, routes = names_of(body), [block(one) for one in items(value_at(body, ROUTES))]
    if not routes:
        if len(names) > 1:
            sentence = "With several served entities it must be said how the traffic is split."
            yield Problem(ROUTES, sentence, "Split it evenly, to begin with.")
        return
    yield from _named(names, routes)
    shares = [share for share in (one.get("traffic_percentage") for one in routes) if _is_whole(share)]
    for place, one in enumerate(routes):
        share = one.get("traffic_percentage")
        if _is_whole(share) and not 0 <= share <= 100:
            at: Path = (*ROUTES, place, "traffic_percentage")
            yield Problem(at, "A share of the traffic is 0 to 100 per cent.", "Change it.")
    # The sum of nonsense is not worth a sentence; it may have thousands of digits too.
    if len(shares) == len(routes) and all(abs(share) <= 1000 for share in shares) and sum(shares) != 100:
        sentence = f"The shares of the traffic add up to {sum(shares)} %; they must add up to 100 %."
        yield Problem(ROUTES, sentence, "Change them, or split evenly.")


def _named(names: list[str], routes: list[dict[str, Any]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, route in enumerate(routes):
        name = routed(route)
        at: Path = (*ROUTES, place, "served_entity_name")
        if not name:
            yield missing(at, "The served entity of this share")
        elif name not in names:
            yield Problem(at, f"No served entity is called {quoted(name)}.", "Name one that is there.")
        elif name in seen:
            yield Problem(at, f"{quoted(name)} has two shares.", "Make one of them.")
        seen.add(name)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
