"""Driver proxy: call an app on a cluster's driver, check it against the contract, keep an eye on several, begin with one."""

from collections.abc import Callable

import streamlit as st

from services.clusters import Cluster
from services.driver_proxy import Target
from services.workspace import Workspace
from ui.banner import banner
from ui.connecting import workspace
from ui.driver_proxy.calling import calling
from ui.driver_proxy.contract import contract
from ui.driver_proxy.saved import saved
from ui.driver_proxy.starter_app import starter_app
from ui.driver_proxy.target_form import target_form
from ui.driver_proxy.view import CALL, TAB, DriverProxyView, driver_proxy_view
from ui.errors import showing_errors

ABOUT = "An HTTP app that runs on a cluster's driver, such as a model of your own, and is called through the workspace."
Part = Callable[[Workspace, DriverProxyView, Target | None, Cluster | None], None]
PARTS: dict[str, Part] = {
    CALL: calling,
    "Contract check": contract,
    "Saved": saved,
    "Starter app": lambda here, *_: starter_app(here),
}


def parts(here: Workspace, view: DriverProxyView, target: Target | None, cluster: Cluster | None) -> None:
    for tab, draw in zip(st.tabs(list(PARTS), key=TAB, bind="query-params"), PARTS.values(), strict=True):
        if tab.open:
            with tab, showing_errors():
                draw(here, view, target, cluster)


st.title("Driver proxy")
st.caption(ABOUT)
with showing_errors():
    here = workspace()
    banner(here)
    view = driver_proxy_view(here)
    target, cluster = target_form(here, view)
    parts(here, view, target, cluster)
