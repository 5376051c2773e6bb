"""Stop, start and delete an endpoint."""

import streamlit as st

from services.endpoints import Endpoint, EndpointDetail, delete_change, start_change, stop_change, why_not_servable
from services.workspace import Workspace
from ui.confirmation import confirmed_by_name
from ui.connecting import endpoint_cache, endpoints
from ui.endpoints.change_button import change_button, change_code
from ui.endpoints.filters import EndpointsView
from ui.endpoints.view import EndpointView
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.navigation import go_to
from ui.session import conversations, remembered

GATEWAY_PROVIDER = "databricks-model-serving"
STOPPING = "stopping"


def endpoint_end(of: Workspace, view: EndpointView, detail: EndpointDetail, reason: str) -> None:
    """Draw the ways to end it; switched off where there is a *reason*."""
    st.header("Stop and start")
    _stop_and_start(of, view, detail)
    st.header("Delete")
    st.markdown(
        f"Whoever calls {code(view.name)} from then on is refused. Its config and permissions are gone for good."
    )
    if st.button(":red[Delete the endpoint]", key="endpoint-delete", icon=":material/delete:", disabled=bool(reason)):
        _confirm(of, view, detail)
    change_code(lambda: delete_change(view.name), key="endpoint-delete-code")


def start_button(of: Workspace, view: EndpointView, *, key: str, disabled: bool = False) -> None:
    """Draw the button that starts a stopped endpoint."""
    done, icon = f"The start of {code(view.name)} was begun.", ":material/power_settings_new:"
    change_button(
        "Start", lambda: start_change(view.name), of=of, view=view, done=done, key=key, disabled=disabled, icon=icon
    )


def _stop(of: Workspace, view: EndpointView) -> None:
    st.button("Stop", key="endpoint-ask-stop", icon=":material/stop_circle:", on_click=_arm, args=(view, True))
    if view.drafts.get(STOPPING) != view.saved:
        return
    with st.container(border=True, key="endpoint-stopping"):
        st.markdown(f"Whoever calls {code(view.name)} is refused until somebody starts it, which can take minutes.")
        with st.container(horizontal=True, gap="small"):
            done = f"Stopped {code(view.name)}."
            change_button("Stop it", lambda: stop_change(view.name), of=of, view=view, done=done, key="endpoint-stop")
            st.button("Keep it running", key="endpoint-keep-running", on_click=_arm, args=(view, False))


def _arm(view: EndpointView, asked: bool) -> None:
    """Ask for confirmation, until something is changed: how many changes went through is what is remembered."""
    view.drafts[STOPPING] = view.saved if asked else None


def _stop_and_start(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    endpoint = detail.endpoint
    reason = why_not_servable(endpoint)
    if set(endpoint.providers) != {"custom"}:
        st.caption("Only endpoints of custom models can be stopped.")
    elif reason:
        st.caption(f":material/lock: {literal(reason)}")
    elif endpoint.ready:
        st.caption("A stopped endpoint answers nobody and costs nothing; its config stays.")
        _stop(of, view)
        change_code(lambda: stop_change(view.name), key="endpoint-stop-code")
    else:
        start_button(of, view, key="endpoint-start")
        change_code(lambda: start_change(view.name), key="endpoint-start-code")


def _confirm(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    st.dialog(f"Delete {literal(view.name)}?")(_deletion)(of, view, detail)


def _deletion(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    consequence = "\n".join(["This cannot be undone.", "", *(f"- {use}" for use in _uses(of, detail))])
    if not confirmed_by_name(view.name, consequence, key="endpoint-deletion"):
        return
    with showing_errors():
        if not view.gone:  # else this is the second of two clicks
            with st.spinner("Deleting", show_time=True):
                view.send(of, lambda: delete_change(view.name), "")
                view.gone = True
                endpoint_cache(of).forget(view.name)
                remembered(EndpointsView).say(f"Deleted {code(view.name)}.")
        go_to("endpoints")


def _uses(of: Workspace, detail: EndpointDetail) -> list[str]:
    """What is known to depend on it, in Markdown."""
    name = detail.endpoint.name
    callers = [code(one.name) for one in endpoints(of, any_age=True) if one.name != name and _calls(one, name)]
    talks = sum(name in one.endpoints for one in conversations())
    return [
        f"Endpoints that call it: {', '.join(callers)}" if callers else "No endpoint you can see calls it.",
        f"{talks} conversation{'s' * (talks > 1)} here {'are' if talks > 1 else 'is'} held with it." if talks else
        "No conversation here is held with it.",
        "Programs that call it are not known here: its metrics show whether it was called in the last minute.",
    ]  # fmt: skip


def _calls(endpoint: Endpoint, name: str) -> bool:
    """Whether it is a gateway to the endpoint of that name, as far as a list says."""
    return any(
        one.provider == GATEWAY_PROVIDER and one.entity == f"{GATEWAY_PROVIDER}: {name}"
        for one in endpoint.served_entities
    )
