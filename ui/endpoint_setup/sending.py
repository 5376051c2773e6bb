"""Send a draft: what is wrong with it, what the button will do, and what became of it."""

import time
from functools import partial

import streamlit as st

from services.deployments import Step, Submission
from services.endpoint_setup import ENTITIES, Problem, name_of, names_of, problems, value_at
from services.endpoints import EndpointDetail, config_differences, why_not_servable
from services.workspace import Workspace
from ui.connecting import partner
from ui.endpoint_setup.draft import Draft, Drafts, update_draft
from ui.endpoint_setup.field_widgets import Sheet, draw_problem
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, kept, mirror, show_endpoints_in_address

EVERY = 0.3
SHOWN_DIFFERENCES = 12


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
        key=mirror(key, draft.trial),
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


def why_not_sent(workspace: Workspace, draft: Draft) -> str:
    """Why the button does nothing, as a sentence; empty where it does."""
    if draft.text is not None:
        return "The JSON is not valid: mend it, or drop the edit."
    if draft.updates is None:
        return ""
    deployment = kept(Drafts).deployment(partner(workspace), draft.updates.endpoint.name)
    if deployment is not None and deployment.running:
        return "An update is under way: the next one can begin when it is over."
    return why_not_servable(draft.updates.endpoint)


def send(workspace: Workspace, draft: Draft) -> None:
    """Send the draft, unless something is wrong with it; for the button. A second click does nothing."""
    sent = draft.submission is not None and draft.submission.step is Step.SENT and draft.creates
    lost = sent and draft.lost
    if draft.sending or (sent and not lost) or why_not_sent(workspace, draft):
        return
    draft.tried = True
    draft.submission = None
    if not any(one.blocks for one in problems(draft.body, updating=not draft.creates)):
        accept = partial(kept(Drafts).watch, partner(workspace))
        draft.submission = Submission(workspace, draft.body, accept, updates=draft.updates, trial=draft.trial)


def _use_trial(draft: Draft, key: str) -> None:
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
            count = f"{len(blocking)} thing{'s' if len(blocking) > 1 else ''}"
            st.caption(f"Still missing: {count}. The button shows where.")
        return
    with st.container(border=True, key="setup-problems"):
        st.markdown("**Before it can be sent**" if any(one.blocks for one in found) else "**Worth a look**")
        for problem in found:
            draw_problem(sheet, problem, place=_place(sheet.draft, problem), key="setup.list.mend")
        if sheet.draft.submission is not None and sheet.draft.submission.problems:
            link_to("secret_scopes", "Store it on the secrets page")


def _place(draft: Draft, problem: Problem) -> str:
    """Where it is, with the served entity's name in place of its number where there are several."""
    names, path = names_of(draft.body), problem.path
    if path[:2] == ENTITIES and len(path) > 3 and len(names) > 1:
        entity = name_of(value_at(draft.body, path[:3])) or f"entity {int(path[2]) + 1}"
        return f"{entity}: {'.'.join(str(step) for step in path[3:])}"
    return problem.place


def _draw_differences(draft: Draft) -> None:
    found = config_differences(draft.original.get("config"), draft.body.get("config"))
    if not found:
        serves = draft.updates is not None and draft.updates.config is not None
        st.caption(f"The draft is what {'serves now' if serves else 'was asked for last'}: change something above.")
        return
    with st.expander(f"What changes ({len(found)})", expanded=True, icon=":material/difference:", key="setup.changes"):
        for one in found[:SHOWN_DIFFERENCES]:
            st.markdown(f"{code(one.place)}: {_value(one.before)} → {_value(one.after)}")
        if len(found) > SHOWN_DIFFERENCES:
            st.caption(f"And {len(found) - SHOWN_DIFFERENCES} more: see the JSON.")


def _value(value: object) -> str:
    return "*not there*" if value is None else code(str(value)[:120])


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
