"""The native engine under attack, with and without the friendly import list; as somebody who is not root."""

import pytest

from tests.services.sandbox.attacking import attack
from tests.services.sandbox.stage import ATTACKS


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("how", [(), ("any-import",)], ids=["friendly imports", "any import"])
def test_an_attack_is_contained(how, name):
    assert attack(*how)[name]["problems"] == []
