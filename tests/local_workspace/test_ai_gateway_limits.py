"""How the AI gateway counts, minute by minute, with a clock that a test moves."""

from typing import Any

import pytest

from local_workspace.ai_gateway.rate_limits import RateLimits
from local_workspace.identity.users import ADMIN, ANALYST, User
from local_workspace.refusals import RefusalError
from local_workspace.serving.records import Endpoint


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def endpoint(*limits: dict[str, Any], older: list[dict[str, Any]] | None = None, name: str = "brick") -> Endpoint:
    gateway = {"rate_limits": [{"renewal_period": "minute"} | limit for limit in limits]}
    return Endpoint(
        name=name, id=name, creator="admin", created_ms=0, updated_ms=0, ai_gateway=gateway, rate_limits=older or []
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock) -> RateLimits:
    return RateLimits(clock)


def calls(limits: RateLimits, target: Endpoint, user: User = ADMIN) -> int:
    """How many calls pass before one is refused; at most 50."""
    for passed in range(50):
        try:
            limits.check(target, user)
        except RefusalError:
            return passed
    return 50


def refusal(limits: RateLimits, target: Endpoint, user: User = ADMIN) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        limits.check(target, user)
    return caught.value


def test_a_limit_of_the_endpoint_is_shared_by_its_users(limits):
    target = endpoint({"calls": 3, "key": "endpoint"})
    limits.check(target, ADMIN)
    assert calls(limits, target, ANALYST) == 2
    found = refusal(limits, target)
    assert (found.status, found.error_code, found.headers) == (429, "REQUEST_LIMIT_EXCEEDED", {"retry-after": "60"})
    assert found.message == (
        "User defined rate limit(s) exceeded for 'brick'. Requests-per-minute (RPM) rate limit exceeded for endpoint."
    )


def test_a_limit_of_users_is_each_users_own(limits):
    target = endpoint({"calls": 2, "key": "user"})
    assert [calls(limits, target, user) for user in (ADMIN, ANALYST)] == [2, 2]
    assert refusal(limits, target).message.endswith("exceeded for user.")


def test_the_minute_moves_and_retry_after_says_when_a_slot_frees(limits, clock):
    target = endpoint({"calls": 2})
    limits.check(target, ADMIN)
    clock.now += 20.5
    limits.check(target, ADMIN)
    assert refusal(limits, target).headers["retry-after"] == "40"
    clock.now += 39.4
    assert refusal(limits, target).headers["retry-after"] == "1"
    clock.now += 0.1
    assert calls(limits, target) == 1


def test_what_one_limit_refuses_is_counted_by_none(limits, clock):
    target = endpoint({"calls": 4, "key": "endpoint"}, {"calls": 1, "key": "user"})
    assert calls(limits, target, ADMIN) == 1
    assert calls(limits, target, ADMIN) == 0
    assert calls(limits, target, ANALYST) == 1
    clock.now += 61
    without_users = endpoint({"calls": 4, "key": "endpoint"})
    limits.check(target, ADMIN)
    refusal(limits, target, ADMIN)
    assert calls(limits, without_users) == 3


def test_a_users_own_limit_goes_before_the_groups_and_those_before_the_default(limits):
    everyone, group = {"calls": 1, "key": "user"}, {"calls": 2, "key": "user_group", "principal": "users"}
    own = {"calls": 3, "key": "user", "principal": "analyst@local"}
    assert calls(limits, endpoint(everyone, group, own, name="a"), ANALYST) == 3
    assert calls(limits, endpoint(everyone, group, name="b"), ANALYST) == 2
    assert calls(limits, endpoint(everyone, name="c"), ANALYST) == 1
    assert calls(limits, endpoint(own, name="d"), ADMIN) == 50


def test_a_service_principal_is_limited_by_its_client_id(limits):
    target = endpoint({"calls": 1, "key": "service_principal", "principal": "analyst"})
    assert [calls(limits, target, user) for user in (ANALYST, ADMIN)] == [1, 50]


def test_a_groups_limit_is_shared_and_someone_in_two_groups_needs_room_in_one(limits):
    users, admins = (
        {"calls": n, "key": "user_group", "principal": group} for n, group in ((2, "users"), (4, "admins"))
    )
    target = endpoint(users, admins)
    assert calls(limits, target, ANALYST) == 2
    assert calls(limits, target, ADMIN) == 4
    assert refusal(limits, target, ADMIN).message.endswith("exceeded for user group.")


def test_tokens_count_after_the_reply_and_stop_the_next_call(limits, clock):
    target = endpoint({"tokens": 100, "key": "user"})
    limits.check(target, ADMIN)
    limits.spend(target, ADMIN, 90)
    limits.check(target, ADMIN)
    clock.now += 10
    limits.spend(target, ADMIN, 500)
    found = refusal(limits, target)
    assert "Tokens-per-minute (TPM)" in found.message
    # The 90 leave after 50 s more, but 500 alone are too many.
    assert found.headers["retry-after"] == "60"
    limits.check(target, ANALYST)
    clock.now += 60
    limits.check(target, ADMIN)


def test_calls_and_tokens_of_one_limit_are_both_kept(limits):
    target = endpoint({"calls": 2, "tokens": 10, "key": "endpoint"})
    limits.check(target, ADMIN)
    limits.spend(target, ADMIN, 10)
    assert "TPM" in refusal(limits, target).message


def test_a_changed_limit_applies_at_once_and_remembers_what_was_used(limits, clock):
    assert calls(limits, endpoint({"calls": 5})) == 5
    assert calls(limits, endpoint({"calls": 7})) == 2
    clock.now += 5
    assert refusal(limits, endpoint({"calls": 1})).headers["retry-after"] == "55"
    assert calls(limits, endpoint()) == 50


def test_older_limits_hold_beside_the_gateways_and_count_a_call_once(limits):
    older = [{"calls": 3, "key": "endpoint", "renewal_period": "minute"}]
    assert calls(limits, endpoint({"calls": 9}, older=older)) == 3
    assert calls(limits, endpoint({"calls": 9})) == 6


def test_endpoints_do_not_share_their_limits(limits):
    assert calls(limits, endpoint({"calls": 1}, name="one")) == 1
    assert calls(limits, endpoint({"calls": 1}, name="two")) == 1
