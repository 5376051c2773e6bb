"""Markdown of a model, made safe to draw and cut into blocks that need not be drawn again. Pure.

A growing answer is resent whole by Streamlit at each update. Cut at paragraph ends into blocks that are finished, and one
growing tail, 2,000 tokens are 0.1 MB on the websocket instead of 8.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

SOFT = 250
"""Characters of tail above which it is cut at the next place that allows it."""
HARD = 4_000
"""Characters of tail above which it is cut at a line's end, also inside a list, a table or a fence."""
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_CONTINUES = re.compile(r"[-*+>|]|\d+[.)]|\s|$|\[[^\]]+\]:")
_CODE_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_READERS = (MarkdownIt("commonmark", {"html": False}).enable("table"), MarkdownIt("commonmark", {"html": True}))
_MONEY = re.compile(r"(?<![\\$])\$(?=\d)")


@dataclass(frozen=True)
class Cut:
    """Where a tail may be cut, and the fence that has to be closed before and opened again after."""

    length: int
    fence: str = ""
    """The opening line, with its line end; empty outside a fence."""


def cut(tail: str) -> Cut | None:
    """The last place where *tail* may be cut, or None while it must stay whole."""
    if len(tail) <= SOFT:
        return None
    position, fence, best, line_end = 0, "", 0, None
    *lines, _ = tail.split("\n")
    for number, line in enumerate(lines):
        fence = _fence_after(fence, line)
        position += len(line) + 1
        follower = lines[number + 1] if number + 1 < len(lines) else tail[position:]
        if not fence and not line.strip() and not _CONTINUES.match(follower):
            best = position
        line_end = Cut(position, fence) if not _FENCE.match(line) else line_end
    if best:
        return Cut(best)
    return line_end if len(tail) > HARD else None


def _fence_after(fence: str, line: str) -> str:
    """The fence that is open after *line*: its opening line, ``$$``, or nothing."""
    if fence == "$$\n":
        return "" if line.count("$$") % 2 else fence
    found = _FENCE.fullmatch(line)
    if not fence:
        if found:
            return line + "\n"
        return "$$\n" if line.count("$$") % 2 else ""
    opened = _FENCE.match(fence)
    closes = found and opened and found[1].startswith(opened[1]) and not found[2].strip()
    return "" if closes else fence


def closing(fence: str) -> str:
    """The line that closes an open fence."""
    if fence == "$$\n":
        return "$$"
    opened = _FENCE.match(fence)
    return opened[1] if opened else ""


def safe(markdown: str) -> str:
    """The same text, with pictures turned into links, so that drawing it fetches nothing, and prices kept from being formulas.

    The Content-Security-Policy refuses such fetches too; both hold without the other. Code is left as it is.
    """
    quiet = _without_pictures(markdown)
    return "".join(part if is_code else _with_prices(part) for is_code, part in _parts(quiet))


def _without_pictures(markdown: str) -> str:
    """Without ``![`` wherever some reading of the text finds a picture in it: raw HTML decides what counts as code."""
    if "![" not in markdown:
        return markdown
    markdown = re.sub(r"\r\n?", "\n", markdown)  # as the readers count lines
    readings = [reader.parse(markdown) for reader in _READERS]
    if not any(child.type == "image" for tokens in readings for token in tokens for child in token.children or ()):
        return markdown
    code = set.intersection(*(_code_lines(tokens) for tokens in readings))
    lines = markdown.split("\n")
    # An entity and not a backslash, which a backslash before it would undo.
    return "\n".join(line if n in code else line.replace("![", "&#33;[") for n, line in enumerate(lines))


def _code_lines(tokens: Sequence[Token]) -> set[int]:
    return {n for token in tokens if token.type in ("fence", "code_block") and token.map for n in range(*token.map)}


def _parts(markdown: str) -> Iterator[tuple[bool, str]]:
    """(is it code, text) of each run of lines, in order."""
    fence, run, run_is_code = "", "", False
    for line in markdown.splitlines(keepends=True):
        after = _fence_after(fence, line.rstrip("\r\n"))
        is_code = bool(fence or after) and "$$\n" not in (fence, after)
        if is_code != run_is_code:
            yield run_is_code, run
            run, run_is_code = "", is_code
        run, fence = run + line, after
    yield run_is_code, run


def _with_prices(text: str) -> str:
    position, out = 0, []
    for span in _CODE_SPAN.finditer(text):
        out += [_MONEY.sub(r"\\$", text[position : span.start()]), span[0]]
        position = span.end()
    return "".join([*out, _MONEY.sub(r"\\$", text[position:])])


def closed(markdown: str) -> str:
    """A tail with the emphasis and the code span closed that are still open in its last paragraph: no flicker of stars."""
    fence = ""
    for line in markdown.split("\n"):
        fence = _fence_after(fence, line)
    if fence:
        return markdown
    paragraph = markdown.rsplit("\n\n", 1)[-1]
    rest = _CODE_SPAN.sub("", paragraph)
    if rest.count("`") % 2:
        return markdown + "`"
    ends_open = rest.count("**") % 2 and not rest.endswith("**")
    return markdown.rstrip() + "**" if ends_open else markdown
