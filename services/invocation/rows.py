"""Rows of a body, in the four forms that MLflow's scoring takes: the same rows whatever the form. Pure.

A row has only the cells that are sent. A cell that holds None was null in the JSON, and stays so.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from services.invocation.fields import Field, Kind, text_of, value_of
from services.invocation.interface import Body, Form

Row = dict[str, Any]
MOST_CELLS = 60_000
"""That are drawn as a table; more are read as JSON."""
MOST_COLUMNS = 120


def rows_of(body: Mapping[str, Any], form: Form) -> list[Row] | None:
    """The rows of the body; None where what it holds are no rows."""
    if form is Form.PROMPT:
        form = Form.RECORDS
    held = body.get(form.value, [])
    if form in (Form.RECORDS, Form.INSTANCES):
        fits = isinstance(held, list) and all(isinstance(one, dict) for one in held)
        return [dict(one) for one in held] if fits else None
    return _split_rows(held) if form is Form.SPLIT else _column_rows(held)


def with_rows(body: Mapping[str, Any], form: Form, rows: Sequence[Row], order: Sequence[str] = ()) -> Body:
    """The body with these rows in that form, in place of the rows that it has in any. *order*: of columns."""
    beside = {name: value for name, value in body.items() if name not in _PLACES}
    names = _names(rows, order) or (list(order) if rows else [])  # a row without cells is one, too
    held: Any
    if form in (Form.RECORDS, Form.INSTANCES, Form.PROMPT):
        held = [dict(row) for row in rows]
    elif form is Form.SPLIT:
        held = {"columns": names, "data": [[row.get(name) for name in names] for row in rows]}
    else:
        held = {name: [row.get(name) for row in rows] for name in names}
    place = Form.RECORDS.value if form is Form.PROMPT else form.value
    return {place: held, **beside}


def columns_of(rows: Sequence[Row], known: Sequence[Field]) -> tuple[Field, ...]:
    """The columns of a table: those that the model has, then what else stands in the rows."""
    names = {one.name for one in known}
    found = [name for name in _names(rows, ()) if name not in names]
    return (*known, *(Field(name, _kind([row[name] for row in rows if row.get(name) is not None])) for name in found))


def edited(rows: Sequence[Row], columns: Sequence[Field], edits: Mapping[str, Any]) -> list[Row]:
    """The rows after what was done to a table of them.

    *edits* as Streamlit tells them: ``edited_rows`` by place, ``added_rows``, ``deleted_rows``. Cells that nobody touched stay
    what they are, to the last digit; a cell that was emptied is taken away.
    """
    by_name = {one.name: one for one in columns}
    changed = [copy.copy(row) for row in rows]
    for place, cells in dict(edits.get("edited_rows") or {}).items():
        if 0 <= int(place) < len(changed):
            _put(changed[int(place)], cells, by_name)
    gone = {int(place) for place in edits.get("deleted_rows") or ()}
    kept = [row for place, row in enumerate(changed) if place not in gone]
    for cells in edits.get("added_rows") or ():
        added: Row = {}
        _put(added, cells, by_name)
        kept.append(added)
    return kept


def cell_of(field: Field, value: Any) -> Any:
    """The value as its column shows it: true and false as they are, all else as it is typed; None for none."""
    if value is None or (field.kind is Kind.SWITCH and isinstance(value, bool)):
        return value
    return text_of(field, value)


def drawable(rows: Sequence[Row], columns: Sequence[Field]) -> str:
    """Why these are too many cells for a table, as a sentence; empty where they are not."""
    if len(columns) > MOST_COLUMNS:
        return f"{len(columns):,} columns are too many for a table here."
    if len(rows) * max(1, len(columns)) > MOST_CELLS:
        return f"{len(rows):,} rows are too many for a table here."
    return ""


_PLACES = frozenset(form.value for form in (Form.RECORDS, Form.SPLIT, Form.INPUTS, Form.INSTANCES))


def _put(row: Row, cells: Mapping[str, Any], by_name: Mapping[str, Field]) -> None:
    for name, typed in cells.items():
        if name not in by_name:
            continue
        value = value_of(by_name[name], typed) if isinstance(typed, str) else typed
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value


def _split_rows(held: Any) -> list[Row] | None:
    if held == []:
        return []
    if not isinstance(held, dict) or not set(held) <= {"columns", "data", "index"}:
        return None
    names, data = held.get("columns"), held.get("data", [])
    if not isinstance(names, list) or not isinstance(data, list) or "index" in held:
        return None
    if not all(isinstance(one, str) for one in names) or len(set(names)) != len(names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        return None
    # null is the only way to leave a cell out there.
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in data]


def _column_rows(held: Any) -> list[Row] | None:
    if held == []:
        return []
    if not isinstance(held, dict) or not all(isinstance(one, list) for one in held.values()):
        return (
            [dict(held)] if isinstance(held, dict) and not any(isinstance(one, list) for one in held.values()) else None
        )
    lengths = {len(one) for one in held.values()}
    if len(lengths) > 1:
        return None
    count = next(iter(lengths), 0)
    return [
        {name: values[place] for name, values in held.items() if values[place] is not None} for place in range(count)
    ]


def _names(rows: Sequence[Row], order: Sequence[str]) -> list[str]:
    """Of all cells that are there; the known ones in their order."""
    found = dict.fromkeys(name for row in rows for name in row)
    return [*(name for name in order if name in found), *(name for name in found if name not in order)]


def _kind(values: Sequence[Any]) -> Kind:
    """Of a column that nothing is told about."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return Kind.SWITCH
    if kinds and kinds <= {int, float}:
        return Kind.WHOLE if kinds == {int} else Kind.NUMBER
    return Kind.TEXT if kinds == {str} else Kind.JSON
