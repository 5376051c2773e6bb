"""What is wrong with a draft, told at its field."""

from dataclasses import dataclass
from typing import Any

from services.endpoint_setup.draft import path_text
from services.secret_scopes import Path

SHOWN = 80
"""Characters of what was typed that a sentence repeats."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or may be."""

    path: Path
    """Where in the body; of something missing, where it belongs. Empty: the body itself."""
    sentence: str
    hint: str = ""
    instead: str = ""
    """The text that could stand there instead, where there is one: a mended reference, a field's right name."""
    blocks: bool = True
    """Whether it keeps the body from being sent. What does not is a caution: it may be newer than this app."""
    renames: bool = False
    """Whether *instead* is the right name of the field at *path*, and not what is to stand there."""

    @property
    def place(self) -> str:
        """The path as the platform's sentences write it."""
        return path_text(self.path)


def quoted(value: Any) -> str:
    """What was typed, as a sentence repeats it: short, on one line, in quotes."""
    if not isinstance(value, str):
        return {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}.get(
            type(value), "a number"
        )
    shown = "".join(one if one.isprintable() else " " for one in value[: SHOWN + 1])
    return f"“{shown[:SHOWN]}…”" if len(value) > SHOWN else f"“{shown}”"
