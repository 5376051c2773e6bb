"""Who visits: the cookie that lets a browser find its conversation again, and whose the saved things are. Pure."""

import hashlib
import re
import secrets

from services.settings import Settings

COOKIE = "brickyard_visitor"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
"""Addresses that only this machine's own programs reach."""
THIS_MACHINE = "this machine"
A_BROWSER = "browser "
"""How an owner begins that is a browser, and nobody in particular."""
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_visitor() -> str:
    """256 random bits: whoever knows it is that visitor."""
    return secrets.token_urlsafe(32)


def is_visitor(value: object) -> bool:
    """Whether it has the form of one of ours."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def is_alone(settings: Settings, bound_to: str | None) -> bool:
    """Whether one person only can come in: *bound_to* is the address that the server listens on, None for all.

    Whoever lets a proxy or other origins in has made a server that others reach, wherever it listens.
    """
    shared = bool(settings.databricks_app or settings.allowed_origins or settings.trust_forwarded_identity)
    return bound_to in LOOPBACK and not shared


def owner_of(visitor: str, forwarded_user: str, *, alone: bool) -> str:
    """Whose things are saved: the person's, as a trusted proxy names them; this machine's where nobody else can come in
    (*alone*); else the browser's. Never the cookie itself: whoever could read the file would be that visitor.
    """
    if forwarded_user:
        return f"user {forwarded_user}"
    return THIS_MACHINE if alone else f"{A_BROWSER}{hashlib.sha256(visitor.encode()).hexdigest()}"
