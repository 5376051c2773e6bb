"""What an endpoint serves, and what it is about to serve."""

import json
from typing import Any

import streamlit as st

from services.endpoints import Config, Difference, EndpointDetail, config_differences
from services.secret_scopes import unresolved_references
from services.secret_uses import uses_of
from services.workspace import Workspace
from ui.clock import day_and_clock
from ui.endpoints.view import EndpointView
from ui.foreign_text import code, literal
from ui.navigation import link_to

SHOWN = 200
CHECKED = 20
"""Secret references that are looked up."""
_GOOD, _BAD = "DEPLOYMENT_READY", ("DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED")


def endpoint_config(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    """Draw the config, the pending one with what differs, and the JSON of it all; above, which of its secrets are missing."""
    missing = st.container()
    _draw_configs(detail)
    with missing:
        _draw_missing_secrets(of, view, detail)


def _draw_missing_secrets(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    references = list(dict.fromkeys(use.reference for use in uses_of(detail)))[:CHECKED]
    if not references:
        return
    found = view.answer("secrets", "Checking its secrets", lambda: unresolved_references(of, references))
    if said := " ".join(literal(one.sentence) for one in found.values() if one.missing):
        st.warning(f"{said} Calls that need it will fail. **Next:** store it again.", icon=":material/link_off:")
        link_to("secret_scopes", "Secrets")


def _draw_configs(detail: EndpointDetail) -> None:
    if detail.config is None and detail.pending is None:
        st.info("It serves nothing yet.", icon=":material/bedtime:")
    if detail.config is not None:
        version = f", version {detail.config.version}" if detail.config.version is not None else ""
        st.header(f"{'Serves when started' if detail.stopped else 'Serves now'}{version}")
        _draw(detail.config, idle=detail.stopped)
    if detail.pending is not None:
        failed = detail.endpoint.update_failed
        st.header("Could not be deployed" if failed else "Is being deployed")
        if detail.pending.started_ms:
            st.caption(f"Since {day_and_clock(detail.pending.started_ms)}")
        _draw(detail.pending)
        if detail.config is not None:
            draw_differences(config_differences(detail.wire.get("config"), detail.wire.get("pending_config")))
    with st.expander("All of it, as JSON", icon=":material/data_object:"):
        st.code(json.dumps(detail.wire, indent=2, ensure_ascii=False), language="json", height=480)


def draw_differences(found: list[Difference]) -> None:
    """What changes, a line each."""
    if not found:
        st.caption("Nothing differs.")
        return
    st.markdown("**What differs**")
    st.markdown("\n".join(f"- {code(one.place)}: {_value(one.before)} → {_value(one.after)}" for one in found[:SHOWN]))


def _draw(config: Config, *, idle: bool = False) -> None:
    """Of an *idle* one, without what the workspace still says of how it served."""
    share = {route.entity: route.percentage for route in config.routes}
    for entity in config.entities:
        with st.container(border=True, gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{code(entity.name) or 'without a name'}**", width="content")
                if entity.deployment and not idle:
                    _deployment_badge(entity.deployment)
                if entity.name in share:
                    st.badge(f"{share[entity.name]} % of the traffic", color="gray")
            settings = [
                f"{name} {code(str(entity.wire[name]))}" for name in _SETTINGS if entity.wire.get(name) is not None
            ]
            st.caption(" · ".join([f"{literal(entity.entity)}", *settings]))
            if entity.message and not idle:
                st.markdown(literal(entity.message))


_SETTINGS = (
    "workload_type",
    "workload_size",
    "scale_to_zero_enabled",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
    "min_provisioned_throughput",
    "max_provisioned_throughput",
    "provisioned_model_units",
)


def _deployment_badge(deployment: str) -> None:
    word = deployment.removeprefix("DEPLOYMENT_").lower()
    if deployment == _GOOD:
        st.badge(word, icon=":material/check:", color="green")
    elif deployment in _BAD:
        st.badge(word, icon=":material/error:", color="red")
    else:
        st.badge(literal(word), icon=":material/sync:", color="blue")


def _value(value: Any) -> str:
    return (
        "nothing" if value is None else code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    )
