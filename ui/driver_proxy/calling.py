"""One call of the app: the body, the transform around it, the button, and the last reply."""

import streamlit as st

from services.clusters import Cluster
from services.driver_proxy import DriverCallJob, Target
from services.errors import BadInput, PlaygroundError
from services.jobs import Bell
from services.sandbox import sandbox
from services.transforms import Hooks, Transform
from services.workspace import Workspace
from ui.driver_proxy.body_form import body_form, body_of
from ui.driver_proxy.code import draw_code
from ui.driver_proxy.view import KEY, DriverProxyView
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.invocation_reply import draw_ending, draw_inspect, draw_progress, draw_raw
from ui.kept_replies import KeptReplies
from ui.session import alone, kept, owner
from ui.shaped_answer import draw_shaped, draw_value
from ui.transform_picker import target_place, transform_picker
from ui.transform_trace import draw_trace


def calling(here: Workspace, view: DriverProxyView, target: Target | None, cluster: Cluster | None) -> None:
    """Draw it."""
    if target is None:
        st.info("Choose a cluster and a port that can be called first.", icon=":material/dns:")
        return
    wrong = body_form(view.body, target)
    place = target_place(here, f"{target.cluster_id}:{target.port}")
    view.transform = transform_picker(place, key=f"{KEY}.{target.cluster_id}:{target.port}.transform")
    _draw_button(here, view, target, cluster, wrong)
    if view.called not in (None, target):
        st.caption(":material/history: What is below is of another call than the one that is chosen above.")
    if view.error is not None:
        draw_error(view.error)
    if view.job is not None and view.job.running:
        draw_progress(view.job, key=f"{KEY}.call")
    elif view.job is not None:
        _draw_reply(view.job, view.called)
    if wrong is None:
        _draw_code(view, target, cluster)


def _draw_button(
    here: Workspace, view: DriverProxyView, target: Target, cluster: Cluster | None, wrong: BadInput | None
) -> None:
    closed = (view.job is not None and view.job.running) or (view.transform is not None and view.transform.gone)
    # Each button is good for one call: a second click on the same one finds it used.
    if st.button("Send", key=f"{KEY}.call-{view.sent}", type="primary", icon=":material/send:", disabled=closed):
        _send(here, view, target, cluster, wrong)
        st.rerun()


def _send(
    here: Workspace, view: DriverProxyView, target: Target, cluster: Cluster | None, wrong: BadInput | None
) -> None:
    if view.job is not None and view.job.running:
        return
    view.sent += 1
    view.job, view.error, view.called = None, None, target
    if wrong is not None:
        view.error = BadInput("Nothing was sent: the body is not complete.", "Mend what is marked at its field.")
        return
    try:
        hooks = _hooks(view.transform)
        body = body_of(view.body, target)
        view.job = DriverCallJob(here, target, body, Bell(), driver=cluster, alone=alone(), hooks=hooks)
        kept(KeptReplies).add(view.job)
    except PlaygroundError as error:
        view.error = error


def _hooks(transform: Transform | None) -> Hooks | None:
    return Hooks(sandbox(), transform, user=owner()) if transform else None


def _draw_reply(job: DriverCallJob, called: Target | None) -> None:
    reply = job.reply
    st.divider()
    kind = code(reply.content_type) if reply.content_type else ""
    draw_ending(job, kind, f"by {literal(_app(called))}" if called else "")
    trace = None if job.call.record.forgotten else job.call.record.trace
    draw_shaped(job, key=KEY, notes=trace is None)
    if reply.is_json and isinstance(reply.value, str):
        st.markdown("**Answer**")
        with st.container(key=f"{KEY}-answer"):
            draw_value(reply.value)
    if reply.text or job.call.record.forgotten:
        st.markdown(f"**As it came**, {reply.kind}" if reply.kind else "**As it came**")
        draw_raw(job, key=KEY, language="json" if reply.is_json else None)
    if trace is not None:
        with st.expander("What the transform did", icon=":material/function:", expanded=True):
            draw_trace(trace)
    draw_inspect(job, key=KEY)


def _app(called: Target) -> str:
    return called.name or f"port {called.port} of cluster {called.cluster_id}"


def _draw_code(view: DriverProxyView, target: Target, cluster: Cluster | None) -> None:
    if view.transform is not None and view.transform.gone:
        return
    with st.expander("The same as code", icon=":material/code:", key=f"{KEY}.code", on_change="rerun") as shown:
        if shown.open:
            draw_code(target, body_of(view.body, target), view.transform, cluster)
