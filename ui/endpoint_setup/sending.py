"""Send a draft: what is wrong with it, what the button will do, and what became of it."""

import time
from dataclasses import dataclass
from functools import partial

import streamlit as st

from services.counting import in_words
from services.deployments import Step, Submission
from services.endpoint_setup import ENTITIES, Change, Problem, config_changes, name_of, names_of, problems, value_at
from services.endpoints import EndpointDetail, why_not_servable
from services.workspace import Workspace
from ui.address import show_endpoints_in_address
from ui.connecting import partner
from ui.endpoint_setup.draft import Draft, Drafts, update_draft
from ui.endpoint_setup.echoes import put_in, show
from ui.endpoint_setup.field_widgets import Sheet, draw_problem
from ui.endpoint_setup.stages import deployment_stages
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, kept, remembered

EVERY = 0.3
SHOWN_DIFFERENCES = 12


@dataclass
class SentHere:
    """What this tab sent last: its stages are drawn where the button is, which is where the person is."""

    endpoint: str = ""


def is_sent_here(name: str) -> bool:
    """Whether this tab sent that endpoint's last draft."""
    return bool(name) and remembered(SentHere).endpoint == name


def sending(sheet: Sheet) -> None:
    """Draw what is wrong with the draft and the button that sends it; while it is sent, how far that is."""
    draft = sheet.draft
    if not draft.creates:
        _draw_differences(draft)
    if sheet.problems:
        _draw_list(sheet)
    reason = why_not_sent(sheet.workspace, draft)
    key = "setup.trial"
    st.checkbox(
        "Call it once when it is ready",
        key=show(key, draft.trial),
        on_change=_use_trial,
        args=(draft, key),
        help="One short call shows whether it answers. At a provider it costs a few tokens.",
        disabled=sheet.sending,
    )
    st.button(
        _does(draft),
        key="setup.send",
        type="primary",
        icon=":material/rocket_launch:",
        on_click=send,
        args=(sheet.workspace, draft),
        disabled=bool(reason) or sheet.disabled,
    )
    if reason:
        st.caption(f":material/lock: {literal(reason)}")
    if draft.submission is not None:
        _draw_submission(sheet, draft.submission)
    for caution in draft.cautions:
        draw_problem(sheet, caution, place=_place(draft, caution), key="setup.sent.mend")
    if draft.updates is not None and is_sent_here(draft.updates.endpoint.name):
        deployment_stages(sheet.workspace, draft.updates.endpoint.name)


def why_not_sent(workspace: Workspace, draft: Draft) -> str:
    """Why the button does nothing, as a sentence; empty where it does."""
    if draft.text is not None:
        return "The JSON is not valid: mend it, or drop the edit."
    if draft.updates is None:
        return ""
    deployment = kept(Drafts).deployment(partner(workspace), draft.updates.endpoint.name)
    if deployment is not None and deployment.running:
        return "An update is under way: the next one can begin when it is over."
    return why_not_servable(draft.updates.endpoint) or _why_nothing_to_send(draft, draft.updates)


def _why_nothing_to_send(draft: Draft, detail: EndpointDetail) -> str:
    """A config that failed, or never served, may be sent again as it is."""
    serves = detail.config is not None and not detail.endpoint.update_failed
    return "The draft is what serves now: change something above." if serves and not _changes(draft) else ""


def send(workspace: Workspace, draft: Draft) -> None:
    """Send the draft, unless something is wrong with it; for the button. A second click does nothing."""
    with draft.lock:
        sent = draft.submission is not None and draft.submission.step is Step.SENT and draft.creates
        lost = sent and draft.lost
        if draft.sending or (sent and not lost) or why_not_sent(workspace, draft):
            return
        draft.tried, draft.submission, draft.cautions = True, None, ()
        if not any(one.blocks for one in problems(draft.body, updating=not draft.creates)):
            accept = partial(kept(Drafts).watch, partner(workspace))
            draft.submission = Submission(workspace, draft.body, accept, updates=draft.updates, trial=draft.trial)
            remembered(SentHere).endpoint = draft.submission.endpoint


def _use_trial(draft: Draft, key: str) -> None:
    if put_in(key):
        draft.trial = bool(entered(key))


def _does(draft: Draft) -> str:
    """What the button will do."""
    name = value_at(draft.body, ("name",))
    shown = literal(name) if isinstance(name, str) and name else "the endpoint"
    return f"Create {shown}" if draft.creates else f"Update {shown}"


def _draw_list(sheet: Sheet) -> None:
    """What is wrong, told once more above the button: in red what keeps it from being sent."""
    found = sheet.problems
    if not sheet.draft.tried:
        blocking = [one for one in found if one.blocks]
        if blocking:
            st.caption(f"Still missing: {in_words(len(blocking), 'thing')}. The button shows where.")
        return
    with st.container(border=True, key="setup-problems"):
        st.markdown("**Before it can be sent**" if any(one.blocks for one in found) else "**Worth a look**")
        for problem in found:
            draw_problem(sheet, problem, place=_place(sheet.draft, problem), key="setup.list.mend")
        asked = sheet.draft.submission.problems if sheet.draft.submission else ()
        if any(one.blocks for one in asked):
            link_to("secret_scopes", "Store it on the secrets page")


def _place(draft: Draft, problem: Problem) -> str:
    """Where it is, with the served entity's name in place of its number where there are several."""
    names, path = names_of(draft.body), problem.path
    if path[:2] == ENTITIES and len(path) > 3 and len(names) > 1:
        entity = name_of(value_at(draft.body, path[:3])) or f"entity {int(path[2]) + 1}"
        return f"{entity}: {'.'.join(str(step) for step in path[3:])}"
    return problem.place


def _changes(draft: Draft) -> list[Change]:
    return config_changes(draft.original.get("config"), draft.body.get("config"))


def _draw_differences(draft: Draft) -> None:
    found = _changes(draft)
    if not found:
        if draft.updates is None or draft.updates.config is None:
            st.caption("The draft is what was asked for last.")
        return
    with st.expander(f"What changes ({len(found)})", expanded=True, icon=":material/difference:", key="setup.changes"):
        for one in found[:SHOWN_DIFFERENCES]:
            st.markdown(_change_line(one))
        if len(found) > SHOWN_DIFFERENCES:
            st.caption(f"And {len(found) - SHOWN_DIFFERENCES} more: see the JSON.")


def _change_line(change: Change) -> str:
    if change.whole:
        does, model = ("added", change.after) if change.after else ("removed", change.before)
        return f"{does}: {code(change.place)} · {literal(model)}"
    before, after = (code(value) or "*not there*" for value in (change.before, change.after))
    return f"{code(change.place)}: {before} → {after}"


def _draw_submission(sheet: Sheet, submission: Submission) -> None:
    if sheet.sending:
        st.fragment(_draw_progress, run_every=EVERY)(submission)
    elif submission.arrived:
        st.rerun()  # it arrived while this was drawn: the page goes on from the new endpoint
    elif submission.error is not None:
        draw_error(submission.error)
    elif submission.taken_by is not None:
        _draw_taken(sheet.workspace, sheet.draft, submission.taken_by)


def _draw_progress(submission: Submission) -> None:
    if not submission.running:
        st.rerun()  # all of the page: what follows is drawn elsewhere
    does = "Checking the name and the secrets" if submission.step is Step.CHECKING else "Sending"
    elapsed = time.monotonic() - submission.began
    st.markdown(f":blue[:material/progress_activity:] {does} · {elapsed:.1f} s")


def _draw_taken(workspace: Workspace, draft: Draft, taken: EndpointDetail) -> None:
    name = taken.endpoint.name
    st.warning(
        f"There is already an endpoint {code(name)}. Nothing was sent. Choose another name, or have the one that is there "
        "serve this.",
        icon=":material/content_copy:",
    )
    reason = why_not_servable(taken.endpoint)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Update it instead",
            key="setup.update-instead",
            icon=":material/sync_alt:",
            on_click=_update_instead,
            args=(workspace, draft, taken),
            disabled=bool(reason),
            help="With what you filled in here",
        )
        link_to("endpoint", "Look at it", endpoint=name)
    if reason:
        st.caption(f":material/lock: {literal(reason)}")


def _update_instead(workspace: Workspace, draft: Draft, taken: EndpointDetail) -> None:
    name = taken.endpoint.name
    draft.submission = None
    kept(Drafts).keep(partner(workspace), name, update_draft(taken, config=draft.body.get("config")))
    show_endpoints_in_address([name])
