"""The rows of a body as a table that can be edited."""

from typing import Any

import streamlit as st

from services.invocation import Field, Form, Kind, Misfit, cell_of, columns_of, drawable, edited, rows_of, with_rows
from ui.foreign_text import literal
from ui.invoke.sheet import Rows, Sheet
from ui.session import entered

SAFE = 2**53
"""Larger whole numbers lose digits in a browser: their column is shown as texts."""
LEAVES_OUT = (Form.RECORDS, Form.INSTANCES)
"""Forms whose rows name their cells, so that one can be left out."""
MOST_TOLD = 5
"""Problems of a table that are told at a time."""


def draw_table(sheet: Sheet, form: Form, wrong: list[Misfit]) -> None:
    """Draw the rows; a change of the table is one of the body."""
    rows = rows_of(sheet.body, form) or []
    columns = columns_of(rows, sheet.interface.fields)
    if too_many := drawable(rows, columns):
        st.info(f"{too_many} They are sent as the JSON has them.", icon=":material/table_rows:")
        return
    key = _key(sheet)
    held, before = entered(key), columns_of(sheet.base, sheet.interface.fields)
    if held is None or edited(sheet.base, before, _edits(held, before)) != rows:
        sheet.base, sheet.revision = rows, sheet.revision + 1
        key = _key(sheet)
    drawn = columns_of(sheet.base, sheet.interface.fields)
    st.data_editor(
        _frame(sheet.base, drawn),
        key=key,
        num_rows="dynamic",
        placeholder="not sent" if form in LEAVES_OUT else "null",
        hide_index=True,
        height="content" if len(sheet.base) <= 12 else 460,
        column_config={_id(place): _column(one, sheet.base) for place, one in enumerate(drawn)},
        on_change=_put,
        args=(sheet, form, drawn, key),
    )
    _say_how(form, drawn)
    told = [one for one in wrong if one.place.startswith("row") and (sheet.tried or not one.missing)]
    for one in told[:MOST_TOLD]:
        st.markdown(f":red[:material/error: {literal(one.sentence)}]")
    if len(told) > MOST_TOLD:
        st.caption(f"and {len(told) - MOST_TOLD} more")


def _say_how(form: Form, drawn: tuple[Field, ...]) -> None:
    texts = [literal(one.name) for one in drawn if one.kind in (Kind.JSON, Kind.TEXTS)]
    about = f"Written as JSON: {', '.join(texts[:MOST_TOLD])}. " if texts else ""
    empty = (
        "An empty cell is not sent."
        if form in LEAVES_OUT
        else "An empty cell is sent as null, an empty column not at all."
    )
    st.caption(f"{about}{empty} Rows can be pasted from a spreadsheet; a column is added in the JSON.")


def _key(sheet: Sheet) -> str:
    return f"invoke.{sheet.number}.rows.{sheet.revision}"


def _id(place: int) -> str:
    """What a column is called in the table: names of others may be empty, or mean something to Streamlit."""
    return f"column-{place}"


def _edits(held: object, columns: tuple[Field, ...]) -> dict[str, Any]:
    """What the browser says of edits, by the columns' own names."""
    if not isinstance(held, dict):
        return {}
    names = {_id(place): one.name for place, one in enumerate(columns)}

    def named(cells: dict[str, Any]) -> dict[str, Any]:
        return {names[name]: value for name, value in cells.items() if name in names}

    changed = {int(place): named(cells) for place, cells in (held.get("edited_rows") or {}).items()}
    added = [named(cells) for cells in held.get("added_rows") or ()]
    return {"edited_rows": changed, "added_rows": added, "deleted_rows": held.get("deleted_rows") or []}


def _put(sheet: Sheet, form: Form, columns: tuple[Field, ...], key: str) -> None:
    rows = edited(sheet.base, columns, _edits(entered(key), columns))
    sheet.change(with_rows(sheet.body, form, rows, [one.name for one in columns]))


def _frame(rows: Rows, columns: tuple[Field, ...]) -> Any:
    import pandas as pd

    return pd.DataFrame({_id(place): _series(one, rows) for place, one in enumerate(columns)})


def _series(field: Field, rows: Rows) -> Any:
    import pandas as pd

    shown = _shown_as(field, rows)
    if shown is Kind.SWITCH:
        return pd.Series([row.get(field.name) for row in rows], dtype="boolean")
    if shown in (Kind.WHOLE, Kind.NUMBER):
        return pd.Series([row.get(field.name) for row in rows], dtype="Int64" if shown is Kind.WHOLE else "Float64")
    return pd.Series([cell_of(field, row.get(field.name)) for row in rows], dtype="object").map(_text)


def _text(cell: Any) -> Any:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _shown_as(field: Field, rows: Rows) -> Kind:
    """Its own kind, where every cell is one of it; else texts, which show anything."""
    cells = [row[field.name] for row in rows if row.get(field.name) is not None]
    if field.kind is Kind.SWITCH and all(isinstance(one, bool) for one in cells):
        return Kind.SWITCH
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < SAFE for one in cells)
    if field.kind is Kind.WHOLE and numbers and all(isinstance(one, int) for one in cells):
        return Kind.WHOLE
    return Kind.NUMBER if field.kind is Kind.NUMBER and numbers else Kind.TEXT


def _column(field: Field, rows: Rows) -> Any:
    label = f"{field.name or '(no name)'}{' *' if field.required else ''}"
    help_text = f"{literal(field.type)}{', needed' if field.required else ''}"
    match _shown_as(field, rows):
        case Kind.SWITCH:
            return st.column_config.CheckboxColumn(label, help=help_text)
        case Kind.WHOLE:
            return st.column_config.NumberColumn(label, help=help_text, step=1)
        case Kind.NUMBER:
            return st.column_config.NumberColumn(label, help=help_text, format="plain")
        case _ if field.kind is Kind.CHOICE:
            return st.column_config.SelectboxColumn(label, help=help_text, options=list(field.choices))
    return st.column_config.TextColumn(label, help=help_text)
