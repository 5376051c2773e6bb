"""Before and after, line by line, with the white space that cannot be seen otherwise."""

import difflib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st

from services.counting import in_words
from services.transforms import HookRun

MOST_LINES = 300
"""Of each side that are compared, from the first one that differs. Comparing takes time with their square, and more where
lines repeat, and nobody else's script runs meanwhile."""
MOST_WIDTH = 400
"""Characters of one line that are drawn."""
MOST_READ = 5_000
"""Lines of each side that are read."""
MOST_TEXT = 20_000
"""Characters of one text that are read."""
MOST_CHARACTERS = 1_000_000
"""Of each side's lines."""
MOST_KEY = 200
"""Characters of a key."""
MOST_INDENT = 120
DEEPEST = 60
CONTEXT = 3
LEGEND = "“-” is before, “+” is after. In texts, · is a space, → a tab, ↵ a new line."


@dataclass(frozen=True)
class Lines:
    """What differs, as lines that begin with “-”, “+” or a space."""

    text: str
    removed: int
    added: int
    left_out: bool
    """Whether there are lines beyond those that were compared."""

    @property
    def says(self) -> str:
        """How much differs, in words."""
        if not (self.removed or self.added):
            return "no difference in the beginning, which alone is compared" if self.left_out else "unchanged"
        left = "; only the beginning is compared" if self.left_out else ""
        return f"{in_words(self.removed, 'line')} out, {in_words(self.added, 'line')} in{left}"


_found: WeakKeyDictionary[HookRun, dict[str, Lines]] = WeakKeyDictionary()
"""What differs around each run that is drawn, by label: a page draws the same ones at each rerun."""


def draw_difference(before: Any, after: Any, *, label: str, key: str = "", of: HookRun | None = None) -> None:
    """Draw what differs between two JSON values, under *label* (Markdown of ours). Texts of others are safe in it.

    *key* names the container, for tests and for styles. The values are those around the run *of*, if it is given: then they are
    compared once for that run and label.
    """
    known = _found.setdefault(of, {}) if of is not None else {}
    if label not in known:
        known[label] = difference(before, after)
    _draw(known[label], label, key)


def draw_source_difference(before: str, after: str, *, label: str, key: str = "") -> None:
    """The same for two texts, such as two versions of a transform."""
    _draw(_compared(_Read(lines=_marked_source(before)), _Read(lines=_marked_source(after))), label, key)


def difference(before: Any, after: Any) -> Lines:
    """What differs between two JSON values. Pure."""
    return _compared(_Read(before), _Read(after))


def _draw(lines: Lines, label: str, key: str) -> None:
    with st.container(key=key or None, gap="small"):
        st.markdown(f"{label} :small[({lines.says})]")
        st.code(lines.text, language="diff", wrap_lines=True)
        if lines.removed or lines.added:
            st.caption(LEGEND)


def _compared(before: "_Read", after: "_Read") -> Lines:
    ended_early = before.ended_early or after.ended_early
    head = _same(before.lines, after.lines)
    tail = 0 if ended_early else _same(before.lines[head:][::-1], after.lines[head:][::-1])
    begin, end = max(0, head - CONTEXT), 0
    old, new = (one.lines[begin : len(one.lines) - max(0, tail - CONTEXT)] for one in (before, after))
    left_out = before.partly or after.partly or max(len(old), len(new)) > MOST_LINES
    old, new = old[:MOST_LINES], new[:MOST_LINES]
    drawn: list[str] = []
    removed = added = 0
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        drawn += _skipped(before.lines[end : begin + group[0][1]])
        for what, i1, i2, j1, j2 in group:
            if what == "equal":
                drawn += [f"  {line}" for line in old[i1:i2]]
                continue
            drawn += [f"- {line}" for line in old[i1:i2]] + [f"+ {line}" for line in new[j1:j2]]
            removed, added = removed + i2 - i1, added + j2 - j1
        end = begin + group[-1][2]
    if not drawn:
        drawn, end = [f"  {line}" for line in before.lines[:60]], min(60, len(before.lines))
    drawn += _skipped(before.lines[end : begin + len(old)] if left_out else before.lines[end:])
    return Lines("\n".join(_short(line) for line in drawn), removed, added, left_out)


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines of their beginnings are the same."""
    pairs = zip(old, new, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _skipped(same: Sequence[str]) -> list[str]:
    return [f"  … {in_words(len(same), 'line')} …"] if len(same) > CONTEXT else [f"  {line}" for line in same]


def _short(line: str) -> str:
    return line if len(line) <= MOST_WIDTH else f"{line[:MOST_WIDTH]}… ({len(line) - MOST_WIDTH:,} characters more)"


class _Read:
    """One side as lines: a JSON value, a line each; a text of several lines takes several."""

    def __init__(self, value: Any = None, lines: list[str] | None = None) -> None:
        """Reads *value*, where no *lines* are given."""
        self.lines: list[str] = lines or []
        self.ended_early = False
        """Whether lines are missing at the end."""
        self.partly = False
        """Whether anything is missing."""
        characters = 0
        for line in self._json(value) if lines is None else ():
            self.lines.append(line)
            characters += len(line)
            if len(self.lines) >= MOST_READ or characters > MOST_CHARACTERS:
                self.ended_early = self.partly = True
                break

    def _json(self, value: Any, indent: str = "", name: str = "", comma: str = "") -> Iterator[str]:
        if len(indent) > 2 * DEEPEST:
            self.partly = True
            yield f"{indent}{name}…{comma}"
        elif isinstance(value, dict) and value:
            yield f"{indent}{name}{{"
            last = len(value) - 1
            for place, (key, one) in enumerate(value.items()):
                shown = _quoted(self._beginning(str(key), MOST_KEY))
                yield from self._json(one, f"{indent}  ", f"{shown}: ", "," if place < last else "")
            yield f"{indent}}}{comma}"
        elif isinstance(value, list) and value:
            yield f"{indent}{name}["
            for place, one in enumerate(value):
                yield from self._json(one, f"{indent}  ", "", "," if place < len(value) - 1 else "")
            yield f"{indent}]{comma}"
        elif isinstance(value, str):
            yield from self._text(value, indent, name, comma)
        else:
            yield f"{indent}{name}{json.dumps(value)}{comma}"

    def _text(self, value: str, indent: str, name: str, comma: str) -> Iterator[str]:
        pieces = _quoted(self._beginning(value, MOST_TEXT)).split("↵")
        under = " " * min(len(indent) + len(name) + 1, MOST_INDENT)
        for place, piece in enumerate(pieces):
            start = f"{indent}{name}" if place == 0 else under
            yield f"{start}{piece}{comma}" if place == len(pieces) - 1 else f"{start}{piece}↵"

    def _beginning(self, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        self.partly = True
        return f"{text[:most]}… ({len(text) - most:,} characters more)"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_signed(escaped).replace(" ", "·")}"'


def _signed(text: str) -> str:
    """The text with a sign for each character that cannot be seen, but for the space."""
    seen = text.replace("↵", "\\u21b5").replace("\t", "→").replace("\n", "↵")
    if seen.isprintable():
        return seen
    return "".join(one if one.isprintable() else _escaped(ord(one)) for one in seen)


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _marked_source(text: str) -> list[str]:
    """The lines of a source: its spaces as they are but at the ends, where nobody sees them."""
    lines = []
    for line in text.split("\n"):
        body = line.rstrip(" \t\r")
        lines.append(_signed(body) + _signed(line[len(body) :]).replace(" ", "·"))
    return lines
