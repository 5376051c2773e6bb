"""How long an embedding says that it will still take."""

from collections.abc import Callable

import pytest

from services.embeddings.asking.bodies import divided
from services.embeddings.asking.remaining import PACE_SECONDS, Remaining

TEXTS = [f"{number:05}" + "x" * (number % 400) for number in range(20_000)]


@pytest.mark.parametrize("cost", [lambda _: 0.1, lambda batch: sum(map(len, batch)) / 100_000])
def test_the_estimate_is_right_within_a_factor_whether_requests_cost_alike_or_by_their_length(
    cost: Callable[[list[str]], float],
) -> None:
    now = 1000.0
    remaining = Remaining(lambda: now)
    remaining.will_ask(TEXTS)
    assert remaining.seconds() is None
    batches = list(divided(TEXTS, 64))
    now += 0.5  # until the first connection is there
    took = [cost(batch) for batch in batches]
    for number, batch in enumerate(batches[:-1]):
        now += took[number]
        remaining.asked(batch)
        said, left = remaining.seconds(), sum(took[number + 1 :])
        if number > len(batches) // 20:
            assert said is not None
            assert left / 4 < said < left * 4, (number, said, left)
    remaining.asked(batches[-1])
    assert remaining.seconds() is None


def test_a_long_wait_leaves_the_estimate_unknown_and_what_comes_then_decides_it_anew() -> None:
    now = 0.0
    remaining = Remaining(lambda: now)
    texts = ["alike"] * 1000
    remaining.will_ask(texts)
    for _ in range(20):
        now += 1
        remaining.asked(texts[:10])
    assert remaining.seconds() == pytest.approx(80, rel=0.2)
    now += 10 * PACE_SECONDS
    for _ in range(20):
        now += 1
        remaining.asked(texts[:10])
    assert remaining.seconds() == pytest.approx(60, rel=0.2)
