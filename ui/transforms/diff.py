"""Before and after, line by line, with the white space that cannot be seen otherwise."""

import difflib
import itertools
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

MOST_LINES = 1_200
"""Of each side that are compared; comparing takes time with their square."""
MOST_WIDTH = 400
"""Characters of one line that are drawn."""
MOST_READ = 20_000
"""Lines of each side that are counted, and characters of one text that are drawn."""
DEEPEST = 60
CONTEXT = 3
LEGEND = "“-” is before, “+” is after. In texts, · is a space, → a tab, ↵ a new line."
_SIGNS = {" ": "·", "\t": "→", "\n": "↵"}
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


@dataclass(frozen=True)
class Lines:
    """What differs, as lines that begin with “-”, “+” or a space."""

    text: str
    removed: int
    added: int
    left_out: int
    """Lines beyond those that were compared, of the longer side."""

    @property
    def says(self) -> str:
        """How much differs, in words."""
        if not (self.removed or self.added):
            return "unchanged" if not self.left_out else f"no difference in the first {MOST_LINES:,} lines"
        left = f"; {self.left_out:,} lines more were not compared" if self.left_out else ""
        return f"{_lines(self.removed)} out, {_lines(self.added)} in{left}"


def draw_difference(before: Any, after: Any, *, label: str, key: str = "") -> None:
    """Draw what differs between two JSON values, under *label* (Markdown of ours). Texts of others are safe in it.

    *key* names the container, for tests and for styles.
    """
    _draw(difference(before, after), label, key)


def draw_source_difference(before: str, after: str, *, label: str, key: str = "") -> None:
    """The same for two texts, such as two versions of a transform."""
    _draw(_compared(_marked_source(before), _marked_source(after)), label, key)


def difference(before: Any, after: Any) -> Lines:
    """What differs between two JSON values. Pure."""
    return _compared(*(list(itertools.islice(_json_lines(side), MOST_READ)) for side in (before, after)))


def _draw(lines: Lines, label: str, key: str) -> None:
    with st.container(key=key or None, gap="small"):
        st.markdown(f"{label} :small[({lines.says})]")
        st.code(lines.text, language="diff", wrap_lines=True)
        if lines.removed or lines.added:
            st.caption(LEGEND)


def _compared(before: Sequence[str], after: Sequence[str]) -> Lines:
    old, new = before[:MOST_LINES], after[:MOST_LINES]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    drawn: list[str] = []
    removed = added = end = 0
    for group in matcher.get_grouped_opcodes(CONTEXT):
        drawn += _skipped(old[end : group[0][1]])
        for what, i1, i2, j1, j2 in group:
            if what == "equal":
                drawn += [f"  {line}" for line in old[i1:i2]]
                continue
            drawn += [f"- {line}" for line in old[i1:i2]] + [f"+ {line}" for line in new[j1:j2]]
            removed, added = removed + i2 - i1, added + j2 - j1
        end = group[-1][2]
    if not drawn:
        drawn, end = [f"  {line}" for line in old[:60]], min(60, len(old))
    drawn += _skipped(old[end:])
    left_out = max(len(before), len(after)) - MOST_LINES
    return Lines("\n".join(_short(line) for line in drawn), removed, added, max(0, left_out))


def _skipped(same: Sequence[str]) -> list[str]:
    return [f"  … {_lines(len(same))} …"] if len(same) > CONTEXT else [f"  {line}" for line in same]


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _short(line: str) -> str:
    return line if len(line) <= MOST_WIDTH else f"{line[:MOST_WIDTH]}… ({len(line) - MOST_WIDTH:,} characters more)"


def _json_lines(value: Any, indent: str = "", name: str = "", comma: str = "") -> Iterator[str]:
    """The value as JSON, a line each; a text of several lines takes several."""
    if len(indent) > 2 * DEEPEST:
        yield f"{indent}{name}…{comma}"
    elif isinstance(value, dict) and value:
        yield f"{indent}{name}{{"
        last = len(value) - 1
        for place, (key, one) in enumerate(value.items()):
            yield from _json_lines(one, f"{indent}  ", f"{_quoted(str(key))}: ", "," if place < last else "")
        yield f"{indent}}}{comma}"
    elif isinstance(value, list) and value:
        yield f"{indent}{name}["
        for place, one in enumerate(value):
            yield from _json_lines(one, f"{indent}  ", "", "," if place < len(value) - 1 else "")
        yield f"{indent}]{comma}"
    elif isinstance(value, str):
        yield from _text_lines(value, indent, name, comma)
    else:
        yield f"{indent}{name}{json.dumps(value)}{comma}"


def _text_lines(value: str, indent: str, name: str, comma: str) -> Iterator[str]:
    more = f"… ({len(value) - MOST_READ:,} characters more)" if len(value) > MOST_READ else ""
    pieces = (_quoted(value[:MOST_READ]) + more).split("↵")
    under = " " * (len(indent) + len(name) + 1)
    for place, piece in enumerate(pieces):
        start = f"{indent}{name}" if place == 0 else under
        yield f"{start}{piece}{comma}" if place == len(pieces) - 1 else f"{start}{piece}↵"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(_sign(one) for one in escaped)}"'


def _sign(one: str) -> str:
    if one in _SIGNS:
        return _SIGNS[one]
    if one == "↵" or unicodedata.category(one) in _UNSEEN:
        return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
    return one


def _marked_source(text: str) -> list[str]:
    """The lines of a source: its spaces as they are but at the ends, where nobody sees them."""
    lines = []
    for line in text.split("\n"):
        body = line.rstrip(" \t\r")
        seen = "".join(one if one == " " else _sign(one) for one in body)
        lines.append(seen + "".join(_sign(one) for one in line[len(body) :]))
    return lines
