"""The forms for secrets: their widgets are new ones for each value."""

from collections.abc import Iterable
from typing import Any


def newest(widgets: Iterable[Any], key: str) -> Any:
    """The widget of that kind that a form draws now: its key ends in how many values the form has taken."""
    [found] = [one for one in widgets if str(one.key).startswith(f"{key}.")]
    return found
