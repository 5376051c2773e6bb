"""Text of others inside Markdown of ours: servers' sentences, endpoints' names, what a link asks for."""

MOST = 600
_SIGNS = frozenset("\\`*_[]<>$~:#!&|()")


def literal(text: str) -> str:
    """The text as it is, on one line and not longer than MOST characters: no Markdown, no icon, no colour."""
    line = _whole_characters(" ".join(text.split()))
    line = line if len(line) <= MOST else f"{line[:MOST]}…"
    return "".join(f"\\{sign}" if sign in _SIGNS else sign for sign in line)


def code(text: str) -> str:
    """The text as code; nothing for nothing."""
    line = _whole_characters(" ".join(text.split())).replace("`", "'")[:MOST]
    return f"`{line}`" if line else ""


def _whole_characters(text: str) -> str:
    """With ``?`` for each half of a character: what is drawn goes to the browser as UTF-8, which has no halves."""
    return text.encode("utf-8", errors="replace").decode()
