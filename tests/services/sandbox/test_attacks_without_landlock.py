"""The native engine under attack on a kernel that has no Landlock: the required walls hold alone."""

import pytest

from tests.services.sandbox.attacking import attack, chosen

HOW = ("any-import", "no-landlock")


@pytest.mark.parametrize("name", chosen(*HOW))
def test_an_attack_is_contained(name):
    assert attack(*HOW)[name]["problems"] == []
