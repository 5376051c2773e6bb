"""Who visits: the cookie that lets a browser find its conversation again, and whose the saved things are. Pure."""

import hashlib
import re
import secrets

COOKIE = "brickyard_visitor"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
"""Addresses that only this machine's own programs reach."""
THIS_MACHINE = "this machine"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_visitor() -> str:
    """256 random bits: whoever knows it is that visitor."""
    return secrets.token_urlsafe(32)


def is_visitor(value: object) -> bool:
    """Whether it has the form of one of ours."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def owner_of(visitor: str, forwarded_user: str, *, alone: bool) -> str:
    """Whose things are saved: the person's, as a trusted proxy names them; this machine's where nobody else can come in
    (*alone*); else the browser's. Never the cookie itself: whoever could read the file would be that visitor.
    """
    if forwarded_user:
        return f"user {forwarded_user}"
    return THIS_MACHINE if alone else f"browser {hashlib.sha256(visitor.encode()).hexdigest()}"
