"""An endpoint's older rate limits: those outside its AI gateway."""

from typing import Any

import streamlit as st

from services.endpoints import Change, EndpointDetail, rate_limits_change, rate_limits_of
from services.workspace import Workspace
from ui.endpoints.change_button import change_button, change_code
from ui.endpoints.view import EndpointView
from ui.session import seed

_KEYS = {"endpoint": "Calls a minute, all callers together", "user": "Calls a minute, for each user"}


def endpoint_limits(of: Workspace, view: EndpointView, detail: EndpointDetail, reason: str) -> None:
    """Draw the two limits there are; switched off where there is a *reason*."""
    st.caption(
        "The older limits, which count calls only. Databricks advises those of the AI gateway, which also count tokens."
    )
    before = rate_limits_of(detail)
    limits: list[dict[str, Any]] = [one for one in before if str(one.get("key", "endpoint")) not in _KEYS]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for key, label in _KEYS.items():
            known = next((one for one in before if one.get("key", "endpoint") == key), {})
            field = seed(f"endpoint.limit.{key}.{view.saved}", _figure(known.get("calls")))
            calls = st.number_input(
                label,
                min_value=1,
                value=None,
                step=1,
                key=field,
                placeholder="no limit",
                disabled=bool(reason),
                width=300,
            )
            limits += [known | {"key": key, "calls": calls, "renewal_period": "minute"}] if calls else []

    def make() -> Change:
        return rate_limits_change(view.name, limits)

    unchanged = sorted(limits, key=str) == sorted(before, key=str)
    change_button(
        "Save the limits",
        make,
        of=of,
        view=view,
        done="Saved the rate limits." if limits else "Took the rate limits away.",
        key="endpoint-limits-save",
        disabled=bool(reason) or unchanged,
    )
    if unchanged and not reason:
        st.caption("Change a figure to save it.")
    change_code(make, key="endpoint-limits-code")


def _figure(value: Any) -> int | None:
    """A limit as a field can show it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
