"""The form of the chat parameters, drawn from their table. An empty field is not sent, and says so."""

from typing import Any

import streamlit as st

from services.chat import PARAMETERS, ChatParameters, Parameter
from ui.session import seed

NOT_SENT = "not sent"


def parameters_form(values: ChatParameters, key: str) -> ChatParameters:
    """Draw the form with these values; the values after the person's last change."""
    stream = st.toggle("stream", key=seed(f"{key}.stream", values.stream), help="Show the answer while it is written.")
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
    common: dict[str, Any] = {"help": parameter.help, "placeholder": NOT_SENT}
    own_key = f"{key}.{parameter.name}"
    if parameter.kind in ("number", "integer"):
        kind = float if parameter.kind == "number" else int
        bounds = {"min_value": parameter.minimum, "max_value": parameter.maximum, "step": parameter.step}
        number: dict[str, Any] = {name: None if bound is None else kind(bound) for name, bound in bounds.items()}
        form = "%.2f" if kind is float else "%d"
        return st.number_input(parameter.name, value=None, key=seed(own_key, value), format=form, **number, **common)
    if parameter.kind == "texts":
        texts = list(value)
        return tuple(st.multiselect(parameter.name, texts, key=seed(own_key, texts), accept_new_options=True, **common))
    if parameter.kind == "json":
        return st.text_area(parameter.name, key=seed(own_key, value), height=80, **common)
    choices = [True, False] if parameter.kind == "boolean" else list(parameter.choices)
    return st.selectbox(parameter.name, choices, None, key=seed(own_key, value), format_func=_choice, **common)


def _choice(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
