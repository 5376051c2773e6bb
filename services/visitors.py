"""The visitor's cookie: what lets a browser find its conversation again after a reload. Pure."""

import re
import secrets

COOKIE = "brickyard_visitor"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_visitor() -> str:
    """256 random bits: whoever knows it is that visitor."""
    return secrets.token_urlsafe(32)


def is_visitor(value: object) -> bool:
    """Whether it has the form of one of ours."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None
