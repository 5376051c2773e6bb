"""A body as a form: which fields there are, what each holds, and the body after a change. Pure.

The body is the only truth; the form is a view of it, and so is the JSON beside the form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.endpoint_setup import path_text, value_at, with_value
from services.invocation.fields import TEXTUAL, Field, Kind, wrong_inside, wrong_with
from services.invocation.interface import ROWS, Body, Form, Interface
from services.invocation.rows import columns_of, rows_of, with_rows
from services.invocation.task_fields import PROMPT_COLUMNS, STREAM
from services.secret_scopes import Path

SYSTEM, USER, MORE = "@system", "@user", "@more"
"""Names of fields that stand for more than one place of the body; no path of JSON ends so here."""
MOST_SLOTS = 80
"""Fields that are drawn; a body with more of them is written as JSON."""
MOST_PROBLEMS = 50
_RECORD: Path = ("dataframe_records", 0)


@dataclass(frozen=True)
class Slot:
    """A field, and where in the body it stands."""

    path: Path
    field: Field
    group: str = ""
    """The heading that it stands under; empty: none."""

    @property
    def place(self) -> str:
        """The path in words; also what tells widgets apart."""
        return path_text(self.path)


@dataclass(frozen=True)
class Misfit:
    """A value that does not fit its field."""

    place: str
    sentence: str
    missing: bool = False
    """Whether it is only not there yet."""


def holds_rows(interface: Interface, form: Form) -> bool:
    """Whether that form is a table."""
    return form in (Form.RECORDS, Form.SPLIT) or (form in ROWS and not interface.tensors)


def form_in(interface: Interface, body: Mapping[str, Any], wanted: Form) -> Form | None:
    """Which form the body has: the *wanted* one where that is so; None where it is none that a form can show."""
    there = [form for form in interface.forms if _shows(interface, form, body)]
    if wanted in there:
        return wanted
    return there[0] if there else None


def _shows(interface: Interface, form: Form, body: Mapping[str, Any]) -> bool:
    if form is Form.FIELDS:
        return True
    if form is Form.PROMPT:
        rows = rows_of(body, Form.RECORDS) if "dataframe_records" in body else None
        return rows is not None and len(rows) == 1
    if form.value not in body:
        return False
    return not holds_rows(interface, form) or rows_of(body, form) is not None


def in_form(interface: Interface, body: Mapping[str, Any], before: Form | None, form: Form) -> Body:
    """The same rows in another form, where they are rows; what stands beside them stays."""
    order = [one.name for one in interface.fields]
    rows = rows_of(body, before) if before is not None and before is not Form.FIELDS else None
    if form is Form.PROMPT:
        return with_rows(body, form, [(rows or [{}])[0]], order)
    if holds_rows(interface, form):
        return with_rows(body, form, rows or [], order)
    if before is not None and before.value in body and form.value not in body:
        return {form.value: body[before.value], **{k: v for k, v in body.items() if k != before.value}}
    return dict(body)


def slots_of(interface: Interface, form: Form, body: Mapping[str, Any]) -> list[Slot]:
    """The fields to draw for that form of the body; of a table, what stands beside it."""
    return [*_slots(interface, form, body)][:MOST_SLOTS]


def _slots(interface: Interface, form: Form, body: Mapping[str, Any]) -> Iterator[Slot]:
    if form is Form.FIELDS:
        yield from _of_body(interface, body)
    elif form is Form.PROMPT:
        yield from _of_prompt(interface)
    elif not holds_rows(interface, form):
        yield from _of_tensors(interface, form)
    for field in interface.params:
        yield Slot(("params", field.name), field, "Parameters, sent in params")
    more = Field("more fields", outer="object", help="Merged into the body: a JSON object.")
    if form is Form.FIELDS:
        yield Slot((MORE,), more, "Other fields")
    else:
        yield Slot(("stream",), STREAM, "Stream and other fields")
        yield Slot((MORE,), more, "Stream and other fields")


def _of_body(interface: Interface, body: Mapping[str, Any]) -> Iterator[Slot]:
    for field in interface.fields:
        if field.name == "messages" and _is_simple(body.get("messages", [])):
            yield Slot((SYSTEM,), Field("system", Kind.LONG_TEXT, help="How it is to behave: the first message."))
            yield Slot((USER,), Field("user", Kind.LONG_TEXT, required=True, help="What it is asked."))
        else:
            yield Slot((field.name,), field)


def _of_prompt(interface: Interface) -> Iterator[Slot]:
    for field in interface.fields or PROMPT_COLUMNS:
        longer = replace(field, kind=Kind.LONG_TEXT) if field.name == "prompt" else field
        yield Slot((*_RECORD, field.name), longer)
    for field in interface.extras:
        yield Slot((*_RECORD, field.name), field, "Keys of the record, as LangChain's extra_params")
    more = Field("more keys of the record", outer="object", help="Merged into the record: a JSON object.")
    yield Slot((*_RECORD, MORE), more, "Keys of the record, as LangChain's extra_params")


def _of_tensors(interface: Interface, form: Form) -> Iterator[Slot]:
    named = [one for one in interface.fields if one.name]
    if form is Form.INPUTS and named:
        for field in named:
            yield Slot((form.value, field.name), field)
        return
    one = interface.fields[0] if interface.fields else Field("")
    yield Slot((form.value,), replace(one, name=form.value) if not named else Field(form.value, outer="array"))


def read(slots: Sequence[Slot], body: Mapping[str, Any], slot: Slot) -> Any:
    """What the body holds for that field; None for nothing."""
    step = slot.path[-1]
    if step in (SYSTEM, USER):
        return _said(body.get("messages"), str(step).removeprefix("@"))
    if step == MORE:
        inside = value_at(dict(body), slot.path[:-1])
        rest = {k: v for k, v in inside.items() if k not in _named(slots, slot)} if isinstance(inside, dict) else {}
        return rest or None
    return value_at(dict(body), slot.path)


def written(slots: Sequence[Slot], body: Mapping[str, Any], slot: Slot, value: Any) -> Body:
    """The body with that value in that field; None takes it out."""
    step = slot.path[-1]
    if step in (SYSTEM, USER):
        return _with_said(dict(body), str(step).removeprefix("@"), value)
    if step != MORE:
        return with_value(dict(body), slot.path, value)
    inside = value_at(dict(body), slot.path[:-1], {})
    kept = {k: v for k, v in dict(inside).items() if k in _named(slots, slot)}
    more = value if isinstance(value, dict) else {}
    whole = {**kept, **{k: v for k, v in more.items() if k not in kept}}
    return with_value(dict(body), slot.path[:-1], whole) if slot.path[:-1] else whole


def _named(slots: Sequence[Slot], more: Slot) -> set[str]:
    """The names beside *more* that have a field of their own, or are shown as a table."""
    depth = len(more.path)
    names = {
        str(one.path[depth - 1]) for one in slots if len(one.path) >= depth and one.path[: depth - 1] == more.path[:-1]
    }
    own = {"messages"} if {SYSTEM, USER} & names else set()
    return (names | own | (set() if depth > 1 else {form.value for form in ROWS})) - {SYSTEM, USER, MORE}


def shows(slot: Slot, value: Any) -> bool:
    """Whether its widget can show that value as it is: what it cannot is said, and left to the JSON."""
    match slot.field.kind:
        case Kind.TEXTS:
            return value is None or (isinstance(value, list) and all(isinstance(one, str) and one for one in value))
        case Kind.LINES:
            texts = [value] if isinstance(value, str) else value
            return value is None or (
                isinstance(texts, list) and all(isinstance(t, str) and "\n" not in t for t in texts)
            )
        case Kind.SWITCH:
            return value is None or isinstance(value, bool)
        case Kind.CHOICE:
            return value is None or value in slot.field.choices
        case kind if kind in TEXTUAL:
            return value is None or isinstance(value, str)
    return True


def misfits(interface: Interface, form: Form | None, body: Mapping[str, Any]) -> list[Misfit]:
    """What does not fit what the model says it takes, at its place; the first MOST_PROBLEMS."""
    if form is None:
        return []
    found: list[Misfit] = []
    slots = slots_of(interface, form, body)
    for slot in slots:
        value = read(slots, body, slot)
        if said := wrong_with(slot.field, value):
            found.append(Misfit(slot.place, said, missing=value is None))
    if holds_rows(interface, form) and interface.known:
        found += _wrong_rows(interface, rows_of(body, form) or [])
    return found[:MOST_PROBLEMS]


def _wrong_rows(interface: Interface, rows: list[dict[str, Any]]) -> list[Misfit]:
    found: list[Misfit] = []
    if not rows:
        return [Misfit("rows", "There is no row yet.", missing=True)]
    for place, row in enumerate(rows):
        for field in columns_of([], interface.fields):
            value = row.get(field.name)
            said = wrong_inside(field, value) if value is not None else ""
            if value is None and field.required:
                found.append(Misfit(f"row {place + 1}", f"Row {place + 1}: {field.name} is needed.", missing=True))
            elif said:
                found.append(Misfit(f"row {place + 1}", f"Row {place + 1}, {field.name}: {said}"))
        if len(found) >= MOST_PROBLEMS:
            break
    return found


def _is_simple(messages: Any) -> bool:
    """Whether it is at most a system message and one of the user, with nothing but texts."""
    if not isinstance(messages, list):
        return False
    plain = all(
        isinstance(one, dict) and set(one) == {"role", "content"} and isinstance(one["content"], str)
        for one in messages
    )
    return plain and [one["role"] for one in messages] in ([], ["user"], ["system"], ["system", "user"])


def _said(messages: Any, role: str) -> str | None:
    return next((one["content"] for one in messages or [] if one["role"] == role), None)


def _with_said(body: Body, role: str, text: Any) -> Body:
    said = {one: _said(body.get("messages"), one) for one in ("system", "user")} | {role: text}
    messages = [{"role": one, "content": content} for one, content in said.items() if content]
    return with_value(body, ("messages",), messages or None)
