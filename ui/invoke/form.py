"""The form of a body: a widget for each field, and below it what is wrong. An empty field is not sent."""

import json
import re
from typing import Any

import streamlit as st

from services.invocation import Form, Kind, Misfit, Slot, holds_rows, read, shows, slots_of, text_of, written
from services.invocation import value_of as value_of_text
from ui.endpoint_setup.echoes import put_in, show
from ui.foreign_text import code, literal
from ui.invoke.sheet import Sheet
from ui.invoke.table import draw_table
from ui.session import entered, reseed

NOT_SENT = "not sent"
_PLAIN = re.compile(r"[A-Za-z]([A-Za-z0-9_ ]*[A-Za-z0-9])?", re.ASCII)
_FORM_NAMES = {Form.PROMPT: "Prompt and stop", Form.FIELDS: "Fields"}
_EXPLAINED = {
    Form.PROMPT: "One record of `dataframe_records`, as LangChain's Databricks sends it.",
    Form.RECORDS: "A list of records: each row names its own columns.",
    Form.SPLIT: "The columns once, then the rows.",
    Form.INPUTS: "TensorFlow Serving's column form: a list for each input.",
    Form.INSTANCES: "TensorFlow Serving's row form: a list of records.",
}


def draw_form(sheet: Sheet) -> None:
    """Draw the fields of the body, in the form that shows it."""
    interface, form = sheet.interface, sheet.form
    if form is None:
        st.info(
            "No form can show this body as it is: it is sent as the JSON says. A form that is chosen above begins anew.",
            icon=":material/data_object:",
        )
        return
    if form in _EXPLAINED:
        explained = _EXPLAINED[form] if not interface.tensors else "Arrays, written as JSON."
        st.caption(explained)
    wrong = sheet.misfits()
    if holds_rows(interface, form):
        draw_table(sheet, form, wrong)
    _draw_slots(sheet, slots_of(interface, form, sheet.body), wrong)


def draw_choice(sheet: Sheet) -> None:
    """Draw the choice of a form, where there is one."""
    interface, form = sheet.interface, sheet.form
    if len(interface.forms) < 2 and form is not None:
        return
    key = f"invoke.{sheet.number}.form"
    names = {one: _FORM_NAMES.get(one, one.value) for one in interface.forms}
    st.pills(
        "Form",
        list(interface.forms),
        # With each run, also where it holds just that: a form that follows from the JSON may be on its way to the browser while
        # another is clicked, and come there after that click.
        key=reseed(key, form),
        format_func=lambda one: names[one],
        on_change=_use_form,
        args=(sheet, key),
    )


def _use_form(sheet: Sheet, key: str) -> None:
    chosen = entered(key)
    if isinstance(chosen, Form):
        sheet.use_form(chosen)


def _draw_slots(sheet: Sheet, slots: list[Slot], wrong: list[Misfit]) -> None:
    groups = dict.fromkeys(slot.group for slot in slots)
    for group in groups:
        inside = [slot for slot in slots if slot.group == group]
        if not group:
            _draw_group(sheet, slots, inside, wrong)
            continue
        filled = [slot for slot in inside if read(slots, sheet.body, slot) is not None]
        label = f"{group} ({len(filled)} sent)" if filled else group
        with st.expander(label, key=f"invoke.{sheet.number}.group.{group}", expanded=group.startswith("Parameters")):
            _draw_group(sheet, slots, inside, wrong)


def _draw_group(sheet: Sheet, slots: list[Slot], inside: list[Slot], wrong: list[Misfit]) -> None:
    for slot in inside:
        value = read(slots, sheet.body, slot)
        if shows(slot, value):
            _draw_slot(sheet, slots, slot, value)
        else:
            st.markdown(f":small[{literal(slot.field.name)}]")
            text = json.dumps(value, ensure_ascii=False)
            st.caption(
                f"The JSON has {code(text[:80])} here, which this field cannot show: it is sent; change it there."
            )
            st.button(
                "Clear it",
                key=f"invoke.{sheet.number}.clear.{slot.place}",
                on_click=sheet.change,
                args=(written(slots, sheet.body, slot, None),),
                icon=":material/backspace:",
                type="tertiary",
            )
        if value == "":
            st.caption("Sent as an empty text.")
        for one in wrong:
            if one.place == slot.place and (sheet.tried or not one.missing):
                st.markdown(f":red[:material/error: {literal(one.sentence)}]")


def _draw_slot(sheet: Sheet, slots: list[Slot], slot: Slot, value: Any) -> None:
    field, key = slot.field, f"invoke.{sheet.number}.at.{slot.place}"
    label = _label(field.name) + (" (needed)" if field.required else "")
    common: dict[str, Any] = {
        "help": _help(slot),
        "placeholder": _placeholder(slot),
        "on_change": _put,
        "args": (sheet, slots, slot, key),
    }
    match field.kind:
        case Kind.TEXTS:
            texts = list(value or [])
            st.multiselect(label, texts, key=show(key, texts), accept_new_options=True, **common)
        case Kind.SWITCH:
            st.selectbox(
                label, [True, False], None, key=show(key, value), format_func=lambda one: str(one).lower(), **common
            )
        case Kind.CHOICE:
            st.selectbox(label, list(field.choices), None, key=show(key, value), **common)
        case Kind.LINES:
            lines = "\n".join([value] if isinstance(value, str) else value or [])
            st.text_area(label, key=show(key, lines), height=140, **common)
        case Kind.LONG_TEXT:
            st.text_area(label, key=show(key, value or ""), height=110, **common)
        case Kind.JSON:
            st.text_area(label, key=show(key, text_of(field, value)), height=90, **common)
        case _:
            st.text_input(label, key=show(key, text_of(field, value)), autocomplete="off", **common)


def _label(name: str) -> str:
    """Plain names as they are: a label is also read aloud, with its backslashes."""
    return name if _PLAIN.fullmatch(name) else literal(name)


def _placeholder(slot: Slot) -> str:
    if slot.field.kind is Kind.TEXTS:
        return NOT_SENT
    return f"{NOT_SENT} · {slot.field.type}"


def _help(slot: Slot) -> str | None:
    field = slot.field
    default = (
        "" if field.default is None else f"Where it is not sent: {json.dumps(field.default, ensure_ascii=False)[:80]}."
    )
    return literal(" ".join(part for part in (field.help, f"Type: {field.type}.", default) if part))


def _put(sheet: Sheet, slots: list[Slot], slot: Slot, key: str) -> None:
    if not put_in(key):
        return
    found, kind = entered(key), slot.field.kind
    value: Any = found
    if kind is Kind.TEXTS:
        value = list(found) if isinstance(found, list) and found else None
    elif kind is Kind.LINES:
        value = [line for line in str(found or "").split("\n") if line] or None
    elif isinstance(found, str) and kind is not Kind.CHOICE:
        value = value_of_text(slot.field, found)
    sheet.change(written(slots, sheet.body, slot, value))
