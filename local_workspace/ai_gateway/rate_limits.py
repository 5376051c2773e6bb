"""Rate limits of endpoints: who may call how often in a minute that moves, and when there is room again.

Whose limit counts is from the platform's page on them: the endpoint's is for everybody; a user's own goes before those of
their groups, and either before the default for users; a group's is shared by its members, and someone in several groups is
only stopped when all of them are full. Calls and tokens are limited apart.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from local_workspace import refusals
from local_workspace.ai_gateway.config import Limit, limits_of
from local_workspace.identity.users import User
from local_workspace.serving.records import Endpoint

WINDOW_SECONDS = 60


class Allowance(RateLimitItemPerMinute):
    """So many a minute. Its window is named by what is counted alone, so that a changed limit meets what was used before."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        """The name of the window."""
        return "/".join(str(identifier) for identifier in identifiers)


class Windows(MemoryStorage):
    """The library's storage in memory, with a clock of ours and entries that weigh: a reply is one entry of many tokens."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._entries: dict[str, deque[tuple[float, int]]] = {}

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note `amount` if there is room for it; whether there was."""
        if self.get_moving_window(key, limit, expiry)[1] + amount > limit:
            return False
        self.note(key, amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest entry in the window was made, and how much the window holds."""
        entries = self._current(key, expiry)
        return (entries[0][0] if entries else self._clock()), sum(amount for _, amount in entries)

    def note(self, key: str, amount: int) -> None:
        """Note `amount` whether there is room or not."""
        self._entries.setdefault(key, deque()).append((self._clock(), amount))

    def seconds_to_room(self, key: str, limit: int, expiry: int) -> float:
        """How long until one more fits, if nothing else is noted; 0 when it fits now."""
        now = free_at = self._clock()
        entries = self._current(key, expiry)
        held = sum(amount for _, amount in entries)
        for made, amount in entries:
            if held < limit:
                break
            held -= amount
            free_at = made + expiry
        return free_at - now

    def _current(self, key: str, expiry: int) -> deque[tuple[float, int]]:
        entries = self._entries.get(key, deque())
        while entries and entries[0][0] <= self._clock() - expiry:
            entries.popleft()
        if not entries:
            self._entries.pop(key, None)
        return entries


@dataclass(frozen=True)
class Rule:
    """Something that must hold before a call: one of `windows`, each a name and what it may hold, has room."""

    scope: str
    measure: str
    windows: tuple[tuple[str, int], ...]


class RateLimits:
    """What every endpoint's limits have counted. It is forgotten when the workspace ends, as a minute would be anyway."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._storage = Windows(clock)
        self._limiter = MovingWindowRateLimiter(self._storage)

    def check(self, endpoint: Endpoint, caller: User) -> None:
        """Count one call. Raises RefusalError (429) when a limit is reached, and then counts it nowhere."""
        rules = list(_rules(endpoint, caller))
        full = [rule for rule in rules if not any(self._has_room(*window) for window in rule.windows)]
        if full:
            worst = max(full, key=self._seconds)
            # At least one: a client told to wait 0 seconds asks again at once.
            seconds = max(1, math.ceil(self._seconds(worst)))
            raise refusals.rate_limited(endpoint.name, worst.measure, worst.scope, seconds)
        # A dictionary, since an old and a new limit of one thing share its window.
        calls = dict(window for rule in rules if rule.measure == "calls" for window in rule.windows)
        for name, amount in calls.items():
            self._limiter.hit(Allowance(amount), name)

    def spend(self, endpoint: Endpoint, caller: User, tokens: int) -> None:
        """Count the tokens of a reply. They may exceed a limit: how many there would be was not known before."""
        rules = [rule for rule in _rules(endpoint, caller) if rule.measure == "tokens"]
        for name in {name for rule in rules for name, _ in rule.windows}:
            self._storage.note(name, tokens)

    def _has_room(self, name: str, amount: int) -> bool:
        return self._limiter.test(Allowance(amount), name)

    def _seconds(self, rule: Rule) -> float:
        return min(self._storage.seconds_to_room(name, amount, WINDOW_SECONDS) for name, amount in rule.windows)


def _rules(endpoint: Endpoint, caller: User) -> Iterable[Rule]:
    limits = limits_of(endpoint.ai_gateway, endpoint.rate_limits)
    for measure in ("calls", "tokens"):
        stated = [limit for limit in limits if getattr(limit, measure) is not None]
        for limit in (limit for limit in stated if limit.key == "endpoint"):
            yield Rule("endpoint", measure, (_window(endpoint, limit, caller, measure),))
        yield from _personal(endpoint, stated, caller, measure)


def _personal(endpoint: Endpoint, stated: list[Limit], caller: User, measure: str) -> Iterable[Rule]:
    names = {caller.user_name, caller.key}
    own = [limit for limit in stated if limit.key in {"user", "service_principal"} and limit.principal in names]
    groups = [limit for limit in stated if limit.key == "user_group" and limit.principal in caller.groups]
    default = [limit for limit in stated if limit.key == "user" and not limit.principal]
    if groups and not own:
        yield Rule("user group", measure, tuple(_window(endpoint, limit, caller, measure) for limit in groups))
    else:
        for limit in own or default:
            yield Rule("user", measure, (_window(endpoint, limit, caller, measure),))


def _window(endpoint: Endpoint, limit: Limit, caller: User, measure: str) -> tuple[str, int]:
    whose = {"endpoint": "", "user_group": limit.principal or ""}.get(limit.key, caller.user_name)
    shared = limit.key if limit.key in {"endpoint", "user_group"} else "user"
    return f"{endpoint.id}/{measure}/{shared}/{whose}", getattr(limit, measure)
