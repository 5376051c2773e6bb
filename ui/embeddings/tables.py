"""Tables of texts and figures, each with its rows as a file."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ui.session import entered

CUT = 200
"""Characters of a text in a table; the file has all of them."""
MOST_ROWS = 1_000
"""Of a table on the page; the file has all of them."""
MOST_TALL = 420
_ROW = 35
"""Pixels of a row, as Streamlit draws it."""

Columns = Mapping[str, Sequence[object]]


def draw_table(
    columns: Columns,
    *,
    key: str,
    file_name: str,
    alt: str,
    decimals: int = 3,
    widths: Mapping[str, int] | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Draw the columns, and offer them as a CSV file.

    Floats have *decimals*. *widths*, in pixels, are of columns that would push others out of sight. *alt* is what a
    screen reader says. *on_pick*, a callback, gets the place of a row that is clicked.
    """
    floats = [name for name, cells in columns.items() if any(isinstance(cell, float) for cell in cells)]
    config: dict[str, Any] = {name: st.column_config.NumberColumn(format=f"%.{decimals}f") for name in floats}
    config |= {name: st.column_config.Column(width=width) for name, width in (widths or {}).items()}
    shown = {name: [_cut(cell) for cell in cells[:MOST_ROWS]] for name, cells in columns.items()}
    rows = max((len(cells) for cells in columns.values()), default=0)
    options: dict[str, Any] = {}
    if on_pick is not None:
        options = {"on_select": lambda: _tell(key, on_pick), "selection_mode": "single-row"}
    st.dataframe(
        shown,
        hide_index=True,
        height=min(MOST_TALL, _ROW * (min(rows, MOST_ROWS) + 1) + 3),
        key=key,
        column_config=config,
        alt=alt,
        **options,
    )
    if rows > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {rows:,} rows; the file has all.")
    draw_download(columns, key=f"{key}-csv", file_name=file_name)


def draw_download(columns: Columns, *, key: str, file_name: str) -> None:
    """Offer the columns as a CSV file, which is made at the click."""
    st.download_button(
        "Save as CSV",
        lambda: to_csv(columns),
        file_name,
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
        help="All rows, each text whole; the table's own menu saves what is shown. A spreadsheet takes a text that begins with = "
        "for a formula.",
        type="tertiary",
    )


def to_csv(columns: Columns) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it; each text whole."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(cell) for cell in row] for row in zip(*columns.values(), strict=True))
    return file.getvalue().encode("utf-8-sig", errors="replace")


def cut(text: str, most: int = CUT) -> str:
    """On one line, and not longer than *most* characters."""
    line = " ".join(text[: 4 * most].split())
    short = line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"
    return short.encode("utf-8", errors="replace").decode()


def _cut(cell: object) -> object:
    return cut(cell) if isinstance(cell, str) else cell


def _tell(key: str, on_pick: Callable[[int], None]) -> None:
    state = entered(key)
    chosen = state.get("selection", {}).get("rows", []) if isinstance(state, Mapping) else []
    if chosen:
        on_pick(int(chosen[0]))


def _csv_cell(cell: object) -> object:
    """Nothing for a number that is none."""
    return "" if isinstance(cell, float) and math.isnan(cell) else cell
