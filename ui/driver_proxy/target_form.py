"""The form of a target: which cluster, which port, and how to call."""

import streamlit as st

from services.clusters import Cluster
from services.driver_proxy import METHODS, Target, cautions, problems_of, url_of, why_not_directly
from services.errors import BadInput
from services.workspace import Workspace
from ui.driver_proxy.clusters import begin_with_first, chosen_cluster, cluster_choice, draw_cluster, is_example
from ui.driver_proxy.view import KEY, DriverProxyView, field_key
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.session import alone, seed


def target_form(here: Workspace, view: DriverProxyView) -> tuple[Target | None, Cluster | None]:
    """Draw it. The target, None where what is typed cannot be called; and its cluster, None where that is not known."""
    begin_with_first(here, view)
    draft = view.draft
    choice, number = st.columns([3, 1])
    with choice:
        cluster_choice(here, view)
    with number:  # without bounds: a widget that refuses a number keeps the one before, which would be called
        draft.port = st.number_input(
            "Port",
            value=None,
            step=1,
            key=seed(field_key("port"), draft.port),
            help="Where the app listens on the driver: from 3000 to 8000.",
        )
    cluster = chosen_cluster(here, view)
    draw_cluster(here, view, cluster)
    with st.expander("Path, method, headers, route", icon=":material/tune:", key=f"{KEY}.more-target"):
        _draw_more(here, view, cluster)
    if is_example(here, draft.port):
        st.caption("The local workspace's example app answers on this port.")
    return _checked(here, view, cluster), cluster


def _draw_more(here: Workspace, view: DriverProxyView, cluster: Cluster | None) -> None:
    draft = view.draft
    with st.container(horizontal=True):
        draft.method = st.selectbox("Method", METHODS, key=seed(field_key("method"), draft.method), width=150)
        draft.path = st.text_input(
            "Path at the app", key=seed(field_key("path"), draft.path), placeholder="/", help="With its query."
        )
    draft.headers = st.text_area(
        "More headers",
        key=seed(field_key("headers"), draft.headers),
        placeholder="X-Team: red",
        height=80,
        help="One a line. The proxy takes the Authorization header off, so an app that wants a key needs another one.",
    )
    draft.org = st.text_input(
        "Workspace id",
        key=seed(field_key("org"), draft.org),
        placeholder="0",
        help="In the proxy's path; 0 stands for the workspace itself.",
    )
    reason = why_not_directly(here, cluster, alone=alone())
    wanted = st.toggle(
        "Call the driver directly",
        key=seed(field_key("direct"), draft.direct),
        disabled=bool(reason),
        help="Without the proxy and without credentials.",
    )
    draft.direct = wanted and not reason
    st.caption(reason or "Brickyard runs on this cluster's driver, so both ways are open.")


def _checked(here: Workspace, view: DriverProxyView, cluster: Cluster | None) -> Target | None:
    """The target, where nothing is wrong with it; else what is, drawn."""
    try:
        target = view.draft.target()
    except BadInput as wrong:
        draw_error(wrong)
        return None
    problems = problems_of(target)
    for problem in problems.values():
        st.caption(f":red[:material/error: {literal(problem)}]")
    if problems:
        return None
    empty = tuple(f"The header {name} has no value." for name, value in target.headers if not value)
    for caution in cautions(target) + empty:
        st.caption(f":orange[:material/warning: {literal(caution)}]")
    address = cluster.driver_address if cluster else ""
    st.caption(f"{target.method} {code(url_of(target, here.host, address))}")
    return target
