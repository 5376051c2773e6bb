"""A secret reference: the text that stands for a secret's value in an endpoint's config. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""Where in a JSON value: names and positions from its root."""

SCOPE_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,128}", re.ASCII)
KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
_REFERENCE = re.compile(rf"\{{\{{secrets/({SCOPE_NAME.pattern})/({KEY_NAME.pattern})\}}\}}")


@dataclass(frozen=True)
class SecretReference:
    """``{{secrets/<scope>/<key>}}``, which ``str()`` gives back."""

    scope: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "SecretReference | None":
        """The reference that *text* is, or None: two braces each side, three parts, no spaces."""
        found = _REFERENCE.fullmatch(text)
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        """The reference as an endpoint's config has it."""
        return f"{{{{secrets/{self.scope}/{self.key}}}}}"


def references_in(wire: Any) -> Iterator[tuple[Path, SecretReference]]:
    """Every reference in a JSON value, with the path to it."""
    waiting: list[tuple[Path, Any]] = [((), wire)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [((*path, name), inner) for name, inner in value.items()]
        elif isinstance(value, (list, tuple)):
            waiting += [((*path, place), inner) for place, inner in enumerate(value)]
        elif isinstance(value, str) and (reference := SecretReference.parse(value)):
            yield path, reference
