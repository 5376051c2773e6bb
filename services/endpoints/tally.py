"""Which served entity answered, against the configured split. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.endpoints.records import Route

FEW = 30
"""Calls that say little of a split, whatever they are."""
SURPRISING = 0.05
"""A difference that chance brings less often than this is called none of chance's."""


@dataclass(frozen=True)
class Share:
    """How many calls one served entity answered."""

    entity: str
    calls: int
    of: int
    """Calls in all."""
    configured: int | None
    """Percent; None where the split does not name it."""
    chance: float
    """How often a split that is as configured differs at least this much: 0 to 1, exact for this entity alone."""


def shares(calls: Mapping[str, int], routes: Sequence[Route]) -> tuple[Share, ...]:
    """One for each entity of the split, then those that answered without being in it."""
    total = sum(calls.values())
    configured = {route.entity: route.percentage for route in routes}
    names = list(dict.fromkeys([*configured, *calls]))
    return tuple(
        Share(
            name,
            calls.get(name, 0),
            total,
            configured.get(name),
            _chance(calls.get(name, 0), total, configured.get(name, 0) / 100),
        )
        for name in names
    )


def verdict(found: Sequence[Share]) -> str:
    """Whether the difference can be chance, as a sentence; empty without calls."""
    total = found[0].of if found else 0
    if not total:
        return ""
    if strangers := [one.entity for one in found if one.calls and not one.configured]:
        return (
            f"{', '.join(strangers)} answered, though the split gives it nothing: that is no chance. A fallback may have asked "
            "it, or the split was changed meanwhile."
        )
    # Each entity is looked at on its own; the more there are, the sooner one of them looks odd.
    chance = min(1.0, min(one.chance for one in found) * max(1, len(found) - 1))
    calls, split = f"{total} call{'s' * (total > 1)}", _split(found)
    if chance < SURPRISING:
        often = f"{chance * 100:.0f} times in 100" if chance >= 0.015 else "once in 100 times, or less often"
        return f"This differs from the {split} more than chance explains (over {calls}, chance does as much {often})."
    fits = f"{calls} fit{'s' * (total == 1)} the {split}"
    return f"{fits}; too few to tell more." if total < FEW and len(found) > 1 else f"{fits}."


def _split(found: Sequence[Share]) -> str:
    """Its name: the 90/10 split."""
    percent = [str(one.configured) for one in found if one.configured]
    return f"{'/'.join(percent)} split" if 1 < len(percent) < 5 else "split"


def _chance(calls: int, total: int, share: float) -> float:
    """The exact two-sided binomial test: how likely is a count that is as unlikely as this one, or more so."""
    if not 0 < share < 1:
        return 1.0 if calls == round(share) * total else 0.0
    seen = _log_likelihood(calls, total, share)
    odds = (_log_likelihood(count, total, share) for count in range(total + 1))
    return min(1.0, math.fsum(math.exp(one) for one in odds if one <= seen + 1e-9))


def _log_likelihood(calls: int, total: int, share: float) -> float:
    ways = math.lgamma(total + 1) - math.lgamma(calls + 1) - math.lgamma(total - calls + 1)
    return ways + calls * math.log(share) + (total - calls) * math.log1p(-share)
