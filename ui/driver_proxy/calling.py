"""One call of the app: the body, the transform around it, the button, and the last reply."""

from typing import Any

import streamlit as st

from services.clusters import Cluster
from services.driver_proxy import DriverCallJob, Target
from services.errors import PlaygroundError
from services.jobs import Bell, Outcome
from services.sandbox import sandbox
from services.transforms import Hooks, Transform
from services.workspace import Workspace
from ui.driver_proxy.body_form import body_form, body_of
from ui.driver_proxy.code import draw_code
from ui.driver_proxy.view import KEY, DriverProxyView
from ui.errors import draw_error
from ui.exchange_dialog import inspector_dialog
from ui.foreign_text import code, literal
from ui.readiness import draw_waiting
from ui.session import owner
from ui.shaped_answer import SCROLLED, SHOWN, draw_shaped
from ui.transform_picker import target_place, transform_picker
from ui.transform_trace import draw_trace

LOOK_SECONDS = 0.4


def calling(here: Workspace, view: DriverProxyView, target: Target | None, cluster: Cluster | None) -> None:
    """Draw it."""
    if target is None:
        st.info("Choose a cluster and a port first.", icon=":material/dns:")
        return
    body_form(view.body, target)
    place = target_place(here, f"{target.cluster_id}:{target.port}")
    view.transform = transform_picker(place, key=f"{KEY}.{target.cluster_id}:{target.port}.transform")
    _draw_button(here, view, target, cluster)
    if view.error is not None:
        draw_error(view.error)
    if view.job is not None and view.job.running:
        st.fragment(_draw_progress, run_every=LOOK_SECONDS)(view.job)
    elif view.job is not None:
        _draw_reply(view.job, view.called)
    _draw_code(view, target, cluster)


def _draw_button(here: Workspace, view: DriverProxyView, target: Target, cluster: Cluster | None) -> None:
    running = view.job is not None and view.job.running
    # Each button is good for one call: a second click on the same one finds it used.
    if st.button("Call", key=f"{KEY}.call-{view.sent}", type="primary", icon=":material/send:", disabled=running):
        _send(here, view, target, cluster)
        st.rerun()


def _send(here: Workspace, view: DriverProxyView, target: Target, cluster: Cluster | None) -> None:
    if view.job is not None and view.job.running:
        return
    view.sent += 1
    view.job, view.error, view.called = None, None, target
    try:
        hooks = _hooks(view.transform)
        address = cluster.driver_address if cluster else ""
        body = body_of(view.body, target)
        view.job = DriverCallJob(here, target, body, Bell(), driver_address=address, hooks=hooks)
    except PlaygroundError as error:
        view.error = error


def _hooks(transform: Transform | None) -> Hooks | None:
    return Hooks(sandbox(), transform, user=owner()) if transform else None


def _draw_progress(job: DriverCallJob) -> None:
    """What it waits for, until it is over."""
    job.watched()
    if not job.running:
        st.rerun()
    draw_waiting(st.empty(), job.waiting)
    if job.reply.events:
        st.caption(f"{len(job.reply.events)} events have come")
    st.button(
        "Stop", key=f"{KEY}.call-stop", on_click=job.stop, icon=":material/stop_circle:", help="End the request itself"
    )


def _draw_reply(job: DriverCallJob, called: Target | None) -> None:
    reply = job.reply
    st.divider()
    if reply.error is not None:
        draw_error(reply.error)
    if reply.ended_because:
        st.warning(reply.ended_because, icon=":material/warning:")
    st.caption(_figures(job, called))
    if reply.is_json and isinstance(reply.value, str):
        st.markdown("**Answer**")
        _draw_text("answer", reply.value or "(an empty text)", None)
    draw_shaped(job, key=KEY)
    if reply.text:
        st.markdown(f"**As it came**, {reply.kind}" if reply.kind else "**As it came**")
        _draw_text("raw", reply.text, "json" if reply.is_json else None)
    if job.call.record.trace is not None and not job.call.record.forgotten:
        with st.expander("What the transform did", icon=":material/function:", expanded=True):
            draw_trace(job.call.record.trace)
    if st.button("Inspect", key=f"{KEY}.inspect", icon=":material/search:", type="tertiary"):
        inspector_dialog(job.call.record)


def _draw_text(name: str, text: str, language: str | None) -> None:
    """Code, whatever it is: a web page of the app's is never drawn as one."""
    with st.container(key=f"{KEY}-{name}"):
        st.code(text[:SHOWN], language=language, wrap_lines=True, height=420 if len(text) > SCROLLED else "content")
    if len(text) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(text):,} characters; Inspect has it as it came.")


def _figures(job: DriverCallJob, called: Target | None) -> str:
    record = job.call.record
    parts = ["stopped: the request itself was ended"] if job.reply.outcome is Outcome.STOPPED else []
    if record.status is not None:
        parts.append(f"HTTP {record.status}")
    if record.finished_after is not None and record.sent_at is not None:
        parts.append(f"{record.finished_after:.2f} s")
    if job.reply.content_type:
        parts.append(code(job.reply.content_type))
    if called is not None:
        parts.append(f"by {literal(called.label)}")
    return " · ".join(parts)


def _draw_code(view: DriverProxyView, target: Target, cluster: Cluster | None) -> None:
    try:
        body: Any = body_of(view.body, target)
    except PlaygroundError as wrong:
        if view.error is None:
            draw_error(wrong)
        return
    with st.expander("The same as code", icon=":material/code:", key=f"{KEY}.code", on_change="rerun") as shown:
        if shown.open:
            draw_code(target, body, view.transform, cluster)
