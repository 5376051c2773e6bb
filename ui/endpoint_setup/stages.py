"""The way of an endpoint to READY, as stages with times: drawn wherever it is looked at, by whoever comes back to it."""

import time
from collections.abc import Sequence

import streamlit as st

from services.deployments import Deployment, Ending, Evidence, Progress, Sent, Stage
from services.endpoints import EndpointDetail
from services.errors import PlaygroundError, Side
from services.workspace import Workspace
from ui.clock import clock, day_and_clock
from ui.connecting import partner, refresh_endpoints
from ui.endpoint_setup.draft import Drafts
from ui.endpoint_setup.trial import LONGEST_LOG, draw_trial, seconds
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import kept

EVERY = 1.0
"""Seconds between two looks while something is under way."""
ANCHOR = "on-its-way"
"""Where the stages are on their page, for links."""
LONGEST_UPDATE = 24 * 3600.0
"""Seconds. A longer one is rather a clock that is wrong."""
_ICONS = {
    Progress.UNDER_WAY: ":blue[:material/progress_activity:]",
    Progress.DONE: ":green[:material/check_circle:]",
    Progress.FAILED: ":red[:material/error:]",
    Progress.CUT: ":gray[:material/remove_circle:]",
}


def deployment_stages(workspace: Workspace, name: str) -> bool:
    """Draw the deployment of that endpoint that this browser watches, or watched; whether there is one.

    It looks again by itself while something is under way.
    """
    deployment = kept(Drafts).deployment(partner(workspace), name)
    if deployment is None:
        return False
    st.fragment(_draw, run_every=EVERY if deployment.changing else None)(workspace, deployment, deployment.changing)
    return True


def watch(workspace: Workspace, detail: EndpointDetail) -> None:
    """Begin to watch an endpoint that is being changed, by whomever.

    Without effect where it is watched already, or where the person stopped watching: “Close” takes that back.
    """
    drafts, of, name = kept(Drafts), partner(workspace), detail.endpoint.name
    known = drafts.deployment(of, name)
    if known is None or not (known.running or known.ending is Ending.LEFT):
        started = detail.pending.started_ms if detail.pending else None
        already = min(max(0.0, time.time() - started / 1000), LONGEST_UPDATE) if started is not None else 0.0
        drafts.watch(of, Deployment(workspace, name, Sent(), under_way_seconds=already))


def _draw(workspace: Workspace, deployment: Deployment, was_changing: bool) -> None:
    if was_changing and not deployment.changing:
        refresh_endpoints()
        st.rerun()  # all of the page: what it offers depends on this
    with st.container(border=True, key="deployment"):
        _draw_head(deployment)
        _draw_stages(deployment.stages, deployment.elapsed())
        if deployment.trouble is not None and deployment.running:
            _draw_trouble(deployment.trouble)
        if not deployment.running:
            _draw_ending(deployment)
        if deployment.trial is not None and deployment.ending is Ending.READY:
            draw_trial(workspace, deployment.endpoint, deployment.trial)
        _draw_ways(workspace, deployment)


def _draw_head(deployment: Deployment) -> None:
    words = {
        Ending.RUNNING: "On its way",
        Ending.READY: "Ready",
        Ending.FAILED: "Failed",
        Ending.EMPTY: "There, and empty",
        Ending.STOPPED: "Not serving",
        Ending.DELETED: "Gone",
        Ending.NOT_MADE: "Not made",
        Ending.GIVEN_UP: "Still not ready",
        Ending.LEFT: "No longer watched",
    }
    st.header(
        f"{words[deployment.ending]}: {code(deployment.endpoint)} · {seconds(deployment.elapsed())}", anchor=ANCHOR
    )


def _draw_stages(stages: Sequence[Stage], now: float) -> None:
    lines = []
    for stage in stages:
        said = f"  \n:gray[{literal(stage.message)}]" if stage.message else ""
        lines.append(f"{_ICONS[stage.progress]} {literal(stage.label)} · {seconds(stage.seconds(now))}{said}")
    st.markdown("\n\n".join(lines))


def _draw_trouble(trouble: PlaygroundError) -> None:
    st.warning(
        f"The last look had no answer, and it is asked again: {literal(trouble.message)} "
        "The deployment itself goes on in the workspace.",
        icon=":material/cloud_off:",
    )


def _draw_ending(deployment: Deployment) -> None:
    name = code(deployment.endpoint)
    match deployment.ending:
        case Ending.READY:
            at = f" Ready at {clock(deployment.ended_ms / 1000)[:5]}." if deployment.ended_ms else ""
            st.success(f"{name} is ready to be called.{at}", icon=":material/check_circle:")
        case Ending.EMPTY:
            st.info(f"{name} is there and serves nothing yet: add a served entity.", icon=":material/inbox:")
        case Ending.LEFT:
            st.info(
                "The watching was ended. The deployment goes on in the workspace.", icon=":material/visibility_off:"
            )
        case Ending.FAILED:
            _draw_failure(deployment)
        case _:
            draw_error(_why(deployment))


def _why(deployment: Deployment) -> PlaygroundError:
    name, lost = deployment.endpoint, deployment.sent.lost
    if deployment.ending is Ending.NOT_MADE:
        return PlaygroundError(
            f"The change of {name} did not arrive: {lost.message if lost else ''}",
            "Nothing was changed, and the draft is still there: send it again.",
            side=Side.NETWORK,
        )
    if deployment.ending is Ending.DELETED:
        return PlaygroundError(
            f"{name} was deleted meanwhile.", "Create it again, or choose another endpoint.", side=Side.PLATFORM
        )
    if deployment.ending is Ending.STOPPED:
        return PlaygroundError(
            f"{name} is neither ready nor being updated.",
            "It may have been stopped: start it on its page.",
            side=Side.ENDPOINT,
        )
    return PlaygroundError(
        f"{name} is still not ready after {seconds(deployment.elapsed())}, so it is watched no more.",
        "It may become ready all the same: look at its page, at the events and at the logs.",
        side=Side.PLATFORM,
    )


def _draw_failure(deployment: Deployment) -> None:
    evidence = deployment.evidence or Evidence("")
    what = f"{evidence.entity} of {deployment.endpoint}" if evidence.entity else deployment.endpoint
    serving = deployment.detail is not None and deployment.detail.endpoint.ready
    hint = "Mend the draft and update the endpoint." + (" What served before serves on." if serving else "")
    draw_error(
        PlaygroundError(
            f"{what} could not be deployed: {evidence.sentence or 'the workspace does not say why.'}",
            hint,
            side=Side.ENDPOINT,
        )
    )
    for label, log in (("Build log", evidence.build_log), ("Log", evidence.log)):
        if log.strip():
            with st.expander(f"{label} of {literal(evidence.entity)}", icon=":material/subject:"):
                st.code(log[-LONGEST_LOG:], language=None, height=260)
    if evidence.events:
        with st.expander(f"Events ({len(evidence.events)})", icon=":material/history:"):
            lines = [f"{day_and_clock(event.at_ms)}  {event.message}" for event in evidence.events]
            st.code("\n".join(lines), language=None, wrap_lines=True)
    for missing in evidence.missing:
        st.caption(f"Not to be had: {literal(missing.message)}")


def _draw_ways(workspace: Workspace, deployment: Deployment) -> None:
    name, detail = deployment.endpoint, deployment.detail
    with st.container(horizontal=True, vertical_alignment="center"):
        if deployment.ending is Ending.READY and detail is not None and detail.endpoint.chats:
            link_to("chat", "Chat with it", endpoint=name)
        if detail is not None and deployment.ending is not Ending.DELETED:
            link_to("endpoint", "Open it", endpoint=name)
        if deployment.running:
            st.button(
                "Stop watching",
                key="deployment-leave",
                on_click=deployment.leave,
                type="tertiary",
                icon=":material/visibility_off:",
                help="The deployment itself goes on",
            )
        elif not deployment.changing:
            st.button(
                "Close",
                key="deployment-close",
                on_click=kept(Drafts).forget,
                args=(partner(workspace), name),
                type="tertiary",
                icon=":material/close:",
            )
