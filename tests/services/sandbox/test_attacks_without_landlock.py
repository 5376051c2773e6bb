"""The native engine under attack on a kernel that has no Landlock: the required walls hold alone."""

import pytest

from tests.services.sandbox.attacking import attack
from tests.services.sandbox.stage import ATTACKS


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_contained(name):
    assert attack("any-import", "no-landlock")[name]["problems"] == []
