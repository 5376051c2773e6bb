"""Text of others inside Markdown of ours: servers' sentences, endpoints' names, what a link asks for."""

MOST = 600
_SIGNS = frozenset("\\`*_[]<>$~:#!&|()")


def literal(text: str) -> str:
    """The text as it is, on one line and not longer than MOST characters: no Markdown, no icon, no colour."""
    line = " ".join(text.split())
    line = line if len(line) <= MOST else f"{line[:MOST]}…"
    return "".join(f"\\{sign}" if sign in _SIGNS else sign for sign in line)


def code(text: str) -> str:
    """The text as code; nothing for nothing."""
    line = " ".join(text.split()).replace("`", "'")[:MOST]
    return f"`{line}`" if line else ""
