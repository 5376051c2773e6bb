"""Plain text: a text on each line. Blank lines are none."""

from collections.abc import Sequence

from services.embeddings.files.table_file import MOST_EXAMPLE, Column, ColumnKind, TableFile
from services.embeddings.files.text_encoding import decoded

ONLY = "text"
"""Name of its column."""


def lines_of(text: str) -> list[tuple[int, str]]:
    """The lines that have something on them, without the spaces around them, each with its number from 1.

    Only line feeds and carriage returns part them: other breaks, which ``splitlines`` knows, stand within texts.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, shown) for number, line in enumerate(lines, start=1) if (shown := line.strip())]


class LinesFile(TableFile):
    """The lines of a file."""

    def __init__(self, content: bytes) -> None:
        text, encoding = decoded(content)
        self._lines = lines_of(text)
        self.count = len(self._lines)
        example = self._lines[0][1][:MOST_EXAMPLE] if self._lines else ""
        self.columns = [Column(ONLY, ColumnKind.TEXT, self.count, example)]
        self.assumed = f"The file was read with its letters as {encoding}." if encoding else ""

    def values(self, names: Sequence[str]) -> dict[str, list[str]]:
        return {name: [line for _, line in self._lines] for name in names}

    def where(self, place: int) -> str:
        return f"Line {self._lines[place][0]:,}"
