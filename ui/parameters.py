"""The form of the chat parameters, drawn from their table. An empty field is not sent, and says so."""

from typing import Any

import streamlit as st

from services.chat import PARAMETERS, ChatParameters, Parameter

NOT_SENT = "not sent"


def parameters_form(values: ChatParameters, key: str) -> ChatParameters:
    """Draw the form with these values; the values after the person's last change."""
    stream = st.toggle("stream", values.stream, key=f"{key}.stream", help="Show the answer while it is written.")
    changed: dict[str, Any] = {"stream": stream}
    for parameter in PARAMETERS:
        if not parameter.advanced:
            changed[parameter.name] = _field(parameter, getattr(values, parameter.name), key)
    with st.expander("More parameters", key=f"{key}.more"):
        for parameter in PARAMETERS:
            if parameter.advanced:
                changed[parameter.name] = _field(parameter, getattr(values, parameter.name), key)
    return ChatParameters(**changed)


def _field(parameter: Parameter, value: Any, key: str) -> Any:
    common: dict[str, Any] = {"key": f"{key}.{parameter.name}", "help": parameter.help}
    if parameter.kind in ("number", "integer"):
        kind = float if parameter.kind == "number" else int
        number: dict[str, Any] = {
            "min_value": parameter.minimum,
            "max_value": parameter.maximum,
            "step": parameter.step,
            "value": value,
        }
        number = {name: None if one is None else kind(one) for name, one in number.items()}
        form = "%.2f" if kind is float else "%d"
        return st.number_input(parameter.name, **number, placeholder=NOT_SENT, format=form, **common)
    if parameter.kind == "texts":
        options = list(dict.fromkeys(value))
        return tuple(
            st.multiselect(parameter.name, options, options, accept_new_options=True, placeholder=NOT_SENT, **common)
        )
    if parameter.kind == "json":
        return st.text_area(parameter.name, value, placeholder=NOT_SENT, height=80, **common)
    choices = [True, False] if parameter.kind == "boolean" else list(parameter.choices)
    index = choices.index(value) if value in choices else None
    return st.selectbox(parameter.name, choices, index, placeholder=NOT_SENT, format_func=_choice, **common)


def _choice(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
