"""The visitor's cookie."""

import pytest

from services.visitors import is_visitor, new_visitor


def test_every_visitor_is_another_and_has_the_form_of_one():
    visitors = {new_visitor() for _ in range(1000)}
    assert len(visitors) == 1000
    assert all(is_visitor(one) for one in visitors)


@pytest.mark.parametrize(
    "value", [None, 7, "", "short", "a" * 44, "a" * 42 + "\n", "a" * 42 + "/", "벽" * 43, b"a" * 43, ["a" * 43]]
)
def test_what_does_not_have_that_form_is_no_visitor(value):
    assert not is_visitor(value)
