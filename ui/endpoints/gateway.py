"""An endpoint's AI gateway: what it limits, forbids and records; as a form and as JSON."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from services.endpoint_setup import value_at
from services.endpoints import Change, EndpointDetail, ai_gateway_change, ai_gateway_of, differences
from services.secret_scopes import Path
from services.workspace import Workspace
from ui.endpoints.change_button import change_button, change_code
from ui.endpoints.config import draw_differences
from ui.endpoints.gateway_draft import GatewayDraft
from ui.endpoints.view import EndpointView
from ui.session import seed, typed_into

_WHOSE = {
    "endpoint": "all callers together",
    "user": "each user, or the named one",
    "user_group": "a group",
    "service_principal": "a service principal",
}


@dataclass(frozen=True)
class _Setting:
    path: Path
    label: str
    kind: str = "switch"
    """switch, text, lines or choice."""
    choices: tuple[str, ...] = ()
    needs: Path = ()
    """The switch without which it does nothing."""


def _guardrails(side: str) -> tuple[_Setting, ...]:
    at: Path = ("guardrails", side)
    return (
        _Setting((*at, "invalid_keywords"), "Forbidden words, one a line", "lines"),
        _Setting((*at, "valid_topics"), "Allowed topics, one a line", "lines"),
        _Setting((*at, "safety"), "Refuse what is unsafe"),
        _Setting((*at, "pii", "behavior"), "Personal data", "choice", ("NONE", "BLOCK", "MASK")),
    )


OPEN = "Records"
"""The part that is unfolded though nothing is set in it."""
_TABLE = "inference_table_config"
_KEEPS: Path = (_TABLE, "enabled")
_PARTS: dict[str, tuple[_Setting, ...]] = {
    "Records": (
        _Setting(("usage_tracking_config", "enabled"), "Count usage in the system tables"),
        _Setting(_KEEPS, "Keep requests and replies in an inference table"),
        _Setting((_TABLE, "catalog_name"), "Catalog", "text", needs=_KEEPS),
        _Setting((_TABLE, "schema_name"), "Schema", "text", needs=_KEEPS),
        _Setting((_TABLE, "table_name_prefix"), "Table name prefix", "text", needs=_KEEPS),
    ),
    "Fallback": (_Setting(("fallback_config", "enabled"), "Ask another served entity when one answers 429 or 5xx"),),
    "Guardrails for what is asked": _guardrails("input"),
    "Guardrails for what is answered": _guardrails("output"),
}


def endpoint_gateway(of: Workspace, view: EndpointView, detail: EndpointDetail, reason: str) -> None:
    """Draw the form, the JSON beside it and what would change; switched off where there is a *reason*."""
    draft = _draft(view, ai_gateway_of(detail))
    st.caption("A save replaces all of it at once; what is in neither the form nor the JSON is switched off.")
    form, text = st.columns(2, gap="large")
    with form:
        for title, settings in _PARTS.items():
            is_set = any(value_at(draft.base, setting.path) for setting in settings)
            with st.expander(title, expanded=is_set or title == OPEN):
                for setting in settings:
                    idle = setting.needs and value_at(draft.body, setting.needs) is not True
                    _draw(view, draft, setting, disabled=bool(reason or idle))
        with st.expander("Rate limits", expanded=True):
            _limits(view, draft, disabled=bool(reason))
    with text:
        _json(view, draft, disabled=bool(reason))

    def make() -> Change:
        return ai_gateway_change(view.name, draft.body)

    with text:
        change_button(
            "Save the AI gateway",
            make,
            of=of,
            view=view,
            done="Saved the AI gateway." if draft.body else "Took the AI gateway away.",
            key="endpoint-gateway-save",
            disabled=bool(reason) or not draft.changed or bool(draft.unreadable),
        )
        if draft.changed:
            draw_differences(differences(draft.base, draft.body))
        elif not reason:
            st.caption("Change something to save it.")
        change_code(make, key="endpoint-gateway-code")


def _draft(view: EndpointView, now: dict[str, Any]) -> GatewayDraft:
    """What is being edited; begun anew when nothing was edited and the endpoint has something else by now, or after a save."""
    name = f"gateway {view.saved}"
    draft = view.drafts.get(name)
    if not isinstance(draft, GatewayDraft) or (draft.base != now and not draft.changed and not draft.unreadable):
        number = draft.forms + 1 if isinstance(draft, GatewayDraft) else 0
        draft = view.drafts[name] = GatewayDraft.of(now)
        draft.forms = draft.texts = number
    elif draft.base != now:
        st.warning(
            "Somebody else has changed the gateway meanwhile; a save would replace that too.", icon=":material/warning:"
        )
    return draft


def _draw(view: EndpointView, draft: GatewayDraft, setting: _Setting, *, disabled: bool) -> None:
    now = value_at(draft.body, setting.path)
    name = f"endpoint.gateway.{view.saved}.{draft.forms}.{'.'.join(map(str, setting.path))}"
    match setting.kind:
        case "switch":
            on = st.toggle(setting.label, key=seed(name, now is True), disabled=disabled)
            if on != (now is True):
                was = value_at(draft.base, setting.path)
                draft.put(setting.path, on if on or was is not None else None)
        case "choice":
            options = ["", *dict.fromkeys([*setting.choices, *([now] if isinstance(now, str) and now else [])])]
            shown = seed(name, now if isinstance(now, str) else "")
            label = {"": "not set"}
            chosen = st.selectbox(
                setting.label,
                options,
                key=shown,
                format_func=lambda one: label.get(one, one),
                disabled=disabled,
                width=240,
            )
            draft.put(setting.path, chosen or None)
        case "lines":
            known = "\n".join(map(str, now)) if isinstance(now, list) else ""
            typed = st.text_area(setting.label, key=seed(name, known), height=70, disabled=disabled) or ""
            if typed != known:
                draft.put(setting.path, [line.strip() for line in typed.splitlines() if line.strip()] or None)
        case _:
            known = now if isinstance(now, str) else ""
            typed = st.text_input(setting.label, key=seed(name, known), disabled=disabled) or ""
            if typed != known:
                draft.put(setting.path, typed.strip() or None)


def _limits(view: EndpointView, draft: GatewayDraft, *, disabled: bool) -> None:
    for place, limit in enumerate(draft.limits):
        prefix = f"endpoint.gateway.{view.saved}.{draft.forms}.limit.{place}"
        at: Path = ("rate_limits", place)
        with st.container(border=True, gap="xsmall", key=f"endpoint-limit-{place}"):
            key = str(limit.get("key") or "endpoint")
            options = list(dict.fromkeys([*_WHOSE, key]))
            chosen = st.selectbox(
                "For",
                options,
                key=seed(f"{prefix}.key", key),
                format_func=lambda one: _WHOSE.get(one, one),
                disabled=disabled,
            )
            draft.put((*at, "key"), chosen)
            if chosen != "endpoint":
                known = str(limit.get("principal") or "")
                who = st.text_input("Name", key=seed(f"{prefix}.principal", known), disabled=disabled)
                draft.put((*at, "principal"), (who or "").strip() or None)
            else:
                draft.put((*at, "principal"), None)
            with st.container(horizontal=True, vertical_alignment="bottom"):
                for measure in ("calls", "tokens"):
                    amount = st.number_input(
                        f"{measure.capitalize()} a minute",
                        min_value=1,
                        value=None,
                        step=1,
                        key=seed(f"{prefix}.{measure}", _figure(limit.get(measure))),
                        placeholder="no limit",
                        disabled=disabled,
                        width=150,
                    )
                    draft.put((*at, measure), amount)
                st.button(
                    "Remove",
                    key=f"endpoint-limit-remove-{place}",
                    on_click=draft.drop_limit,
                    args=(place,),
                    disabled=disabled,
                    type="tertiary",
                )
    st.button(
        "Add a rate limit", key="endpoint-limit-add", on_click=draft.add_limit, icon=":material/add:", disabled=disabled
    )


def _json(view: EndpointView, draft: GatewayDraft, *, disabled: bool) -> None:
    key = f"endpoint.gateway.{view.saved}.json.{draft.texts}"
    st.text_area(
        "The same as JSON",
        key=seed(key, draft.text),
        height=360,
        disabled=disabled,
        on_change=lambda: draft.take_text(typed_into(key)),
    )
    if draft.unreadable:
        st.error(f"{draft.unreadable} The form shows what was last readable.", icon=":material/warning:")


def _figure(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
