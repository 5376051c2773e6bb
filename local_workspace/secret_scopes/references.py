"""A secret reference: the text that stands for a secret's value in an endpoint's config."""

import re
from dataclasses import dataclass

SCOPE_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,128}")
KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_REFERENCE = re.compile(rf"\{{\{{secrets/({SCOPE_NAME.pattern})/({KEY_NAME.pattern})\}}\}}")


@dataclass(frozen=True)
class SecretReference:
    """`{{secrets/<scope>/<key>}}`, which `str()` gives back."""

    scope: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "SecretReference | None":
        """The reference that `text` is, or None: two braces each side, three parts, no spaces."""
        found = _REFERENCE.fullmatch(text)
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        """The reference as an endpoint's config has it."""
        return f"{{{{secrets/{self.scope}/{self.key}}}}}"
