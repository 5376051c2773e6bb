"""What a web page says where something else was expected, as a gateway's error page. Pure."""

import re

LOOKED_AT = 20_000
"""Characters of a page that are looked through."""
_TITLE = re.compile("<(?:title|h1|pre)", re.IGNORECASE)


def title_of(page: str) -> str:
    """Its title, else its first heading or preformatted text, on one line; empty without one.

    The page may be anybody's, and of any size: each character is looked at a few times at most.
    """
    start = page[:LOOKED_AT]
    tag = _TITLE.search(start)
    begin = start.find(">", tag.end()) if tag else -1
    end = start.find("</", begin)
    return " ".join(start[begin + 1 : end].split()) if begin >= 0 and end >= 0 else ""
