"""One field of a draft as a widget. The draft is the memory: a widget shows what stands in it, and puts in what is typed."""

import json
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from services.endpoint_setup import (
    NO_SECRET,
    FieldKind,
    PlacedField,
    Problem,
    path_text,
    value_at,
    why_no_variable,
    with_field,
    with_value,
)
from services.secret_scopes import Path, SecretReference
from services.workspace import Workspace
from ui.endpoint_setup.draft import Draft
from ui.endpoint_setup.echoes import put_in, show
from ui.foreign_text import code, literal
from ui.secret_reference import secret_reference_picker
from ui.session import entered, take, typed_into

_FITS: dict[FieldKind, Callable[[Any], bool]] = {
    FieldKind.TEXT: lambda value: isinstance(value, str),
    FieldKind.URL: lambda value: isinstance(value, str),
    FieldKind.SECRET: lambda value: isinstance(value, str),
    FieldKind.CHOICE: lambda value: isinstance(value, str),
    FieldKind.WHOLE: lambda value: isinstance(value, int) and not isinstance(value, bool),
    FieldKind.SWITCH: lambda value: isinstance(value, bool),
    FieldKind.MAP: lambda value: isinstance(value, dict) and all(isinstance(one, str) for one in value.values()),
}


@dataclass(frozen=True)
class Sheet:
    """What every widget of the form needs."""

    workspace: Workspace
    draft: Draft
    problems: Sequence[Problem]
    sending: bool
    """Whether the draft was on its way out when this was begun; a thread may be through with it meanwhile."""

    @property
    def disabled(self) -> bool:
        """Whether nothing may be changed just now."""
        return self.sending or self.draft.text is not None


def draw_field(sheet: Sheet, placed: PlacedField) -> None:
    """Draw the field, and below it what is wrong with it."""
    field, value = placed.field, value_at(sheet.draft.body, placed.path)
    if value is not None and not _FITS[field.kind](value):
        st.markdown(literal(field.label))
        st.caption(f"The JSON has {code(json.dumps(value)[:80])} here, which this field cannot show: change it there.")
    elif field.kind is FieldKind.SECRET:
        _draw_secret(sheet, placed, value or "")
    elif field.kind is FieldKind.MAP:
        _draw_map(sheet, placed, value or {})
    else:
        _draw_plain(sheet, placed, value)
    draw_problems(sheet, placed.path, inside=field.kind is FieldKind.MAP)


def draw_problems(sheet: Sheet, path: Path, *, inside: bool = False) -> None:
    """What is wrong at *path*, and with *inside* below it. What is only missing is told once it was to be sent."""
    for problem in sheet.problems:
        at = problem.path[: len(path)] if inside else problem.path
        empty = value_at(sheet.draft.body, problem.path) in (None, "", NO_SECRET)
        if at == path and (sheet.draft.tried or not empty):
            draw_problem(sheet, problem)


def draw_problem(sheet: Sheet, problem: Problem, *, place: str = "", key: str = "setup.mend") -> None:
    """One problem, with its next step and a button that takes it where there is one. *place*: where it is, if that is told."""
    colour, icon = ("red", ":material/error:") if problem.blocks else ("orange", ":material/info:")
    where = f"{code(place)} " if place else ""
    st.markdown(f"{where}:{colour}[{icon} {literal(problem.sentence)}] {literal(problem.hint)}")
    if problem.instead:
        st.button(
            f"Use {code(problem.instead)}",
            key=f"{key}.{problem.place}",
            on_click=_mend,
            args=(sheet.draft, problem),
            disabled=sheet.disabled,
            type="tertiary",
            icon=":material/auto_fix_high:",
        )


def _mend(draft: Draft, problem: Problem) -> None:
    """Put in what was offered: a value, or for an unknown field its right name."""
    value = value_at(draft.body, problem.path)
    if problem.renames:
        renamed = with_value(draft.body, problem.path, None)
        draft.change(with_value(renamed, (*problem.path[:-1], problem.instead), value))
    else:
        draft.change(with_value(draft.body, problem.path, problem.instead))


def _label(placed: PlacedField) -> str:
    optional = not placed.field.required and placed.field.kind not in (FieldKind.SWITCH, FieldKind.MAP)
    return f"{placed.field.label} (optional)" if optional else placed.field.label


def _draw_plain(sheet: Sheet, placed: PlacedField, value: Any) -> None:
    field, key = placed.field, f"setup.{path_text(placed.path)}"
    common: dict[str, Any] = {
        "help": literal(field.help) or None,
        "disabled": sheet.disabled,
        "on_change": _put,
        "args": (sheet.draft, placed, key),
    }
    label = _label(placed)
    match field.kind:
        case FieldKind.CHOICE:
            options = list(field.choices) if value in (None, "", *field.choices) else [*field.choices, value]
            show(key, value or None)
            st.selectbox(label, options, index=None, key=key, placeholder="not sent", **common)
        case FieldKind.WHOLE:
            show(key, value)
            st.number_input(
                label, value=None, min_value=field.minimum, step=1, key=key, placeholder="not sent", **common
            )
        case FieldKind.SWITCH:
            show(key, bool(value))
            st.toggle(label, key=key, **common)
        case _:
            show(key, value or "")
            st.text_input(label, key=key, placeholder=field.placeholder, autocomplete="off", **common)


def _put(draft: Draft, placed: PlacedField, key: str) -> None:
    if not put_in(key):
        return
    value = entered(key)
    draft.change(with_field(draft.body, placed, value.strip() if isinstance(value, str) else value))


def _draw_secret(sheet: Sheet, placed: PlacedField, value: str) -> None:
    st.markdown(
        f"{literal(placed.field.label)} · {code(value) if SecretReference.parse(value) else 'no secret chosen'}"
    )
    if placed.field.help:
        st.caption(literal(placed.field.help))
    key = f"setup.{path_text(placed.path)}"
    picked = secret_reference_picker(sheet.workspace, key, value, disabled=sheet.disabled)
    if picked != value and not sheet.disabled:
        sheet.draft.change(with_field(sheet.draft.body, placed, picked))
        st.rerun()  # what is wrong with it was found before


def _draw_map(sheet: Sheet, placed: PlacedField, value: dict[str, str]) -> None:
    """Names with texts or references: environment variables."""
    draft, at = sheet.draft, path_text(placed.path)
    st.markdown(f"**{literal(placed.field.label)}** · {len(value) or ':gray[none]'}")
    st.caption("Plain values can be read by whoever sees the endpoint; a key belongs into a secret.")
    for name, text in value.items():
        with st.container(border=True):
            _draw_variable(sheet, PlacedField((*placed.path, name), placed.field), name, text)
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    name_key = f"setup.{at}.new"
    left.text_input(
        "New variable", key=name_key, placeholder="MY_VARIABLE", autocomplete="off", disabled=sheet.disabled
    )
    for column, kind, start in ((middle, "Value", ""), (right, "Secret", NO_SECRET)):
        column.button(
            kind,
            icon=":material/add:",
            help=f"Add it as a {kind.lower()}",
            key=f"setup.{at}.add.{kind}",
            on_click=_add_variable,
            args=(draft, placed.path, name_key, start),
            disabled=sheet.disabled,
            width="stretch",
        )
    if wrong := why_not_added(value, typed_into(name_key).strip()):
        st.markdown(f":red[:material/error: {literal(wrong)}]")


def why_not_added(variables: Container[str], name: str) -> str:
    """Why no variable of that name can be added; empty where it can, or where there is no name."""
    if name in variables:
        return f"There is a variable {name} already."
    return why_no_variable(name) if name else ""


def _add_variable(draft: Draft, path: Path, key: str, start: str) -> None:
    name = str(entered(key) or "").strip()
    if name and not why_not_added(value_at(draft.body, path, {}), name):
        draft.change(with_value(draft.body, (*path, name), start))
        take(key)


def _draw_variable(sheet: Sheet, placed: PlacedField, name: str, text: str) -> None:
    key = f"setup.{path_text(placed.path)}"
    title, remove = st.columns([1, 1], vertical_alignment="center")
    title.markdown(code(name))
    remove.button(
        f"Remove variable {literal(name)}",
        key=f"{key}.remove",
        icon=":material/delete:",
        type="tertiary",
        on_click=lambda: sheet.draft.change(with_value(sheet.draft.body, placed.path, None)),
        disabled=sheet.disabled,
    )
    if text.startswith("{{secrets"):
        current = "" if text == NO_SECRET else text
        picked = secret_reference_picker(sheet.workspace, key, current, disabled=sheet.disabled)
        if picked not in ("", text) and not sheet.disabled:
            sheet.draft.change(with_value(sheet.draft.body, placed.path, picked))
            st.rerun()
        return
    st.text_input(
        f"Value of {literal(name)}",
        key=show(key, text),
        label_visibility="collapsed",
        on_change=_put_variable,
        args=(sheet.draft, placed.path, key),
        disabled=sheet.disabled,
        autocomplete="off",
    )


def _put_variable(draft: Draft, path: Path, key: str) -> None:
    if put_in(key):
        draft.change(with_value(draft.body, path, str(entered(key) or "")))
