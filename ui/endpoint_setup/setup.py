"""The setup page's parts: which draft it is about, what is on its way, the form beside the JSON, the code."""

import time
from dataclasses import dataclass

import streamlit as st

from services.endpoint_setup import path_text, untold_keys, value_at
from services.endpoints import EndpointDetail, get_endpoint_detail
from services.snippets.endpoint_setup import creation_snippets, update_snippets
from services.workspace import Workspace
from ui.address import endpoints_in_address, show_endpoints_in_address
from ui.clock import clock
from ui.connecting import partner, refresh_endpoints
from ui.endpoint_setup.draft import Draft, Drafts, update_draft
from ui.endpoint_setup.field_widgets import Sheet
from ui.endpoint_setup.form import setup_form
from ui.endpoint_setup.json_twin import KEY as JSON_KEY
from ui.endpoint_setup.json_twin import json_twin
from ui.endpoint_setup.sending import is_sent_here, sending
from ui.endpoint_setup.stages import ANCHOR, deployment_stages
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, kept, remembered
from ui.snippet_list import draw_snippets

SEEN_SECONDS = 30.0
"""How long an endpoint is taken to be as it was seen; then it is asked for again."""


def endpoint_in_address() -> str:
    """The endpoint that is to be changed; empty for a new one."""
    return next(iter(endpoints_in_address()), "")


def current_draft(workspace: Workspace) -> Draft:
    """The draft that the address means, begun at its first use. Raises PlaygroundError."""
    drafts, of, name = kept(Drafts), partner(workspace), endpoint_in_address()
    draft = drafts.draft(of, name)
    if draft is None and not name:
        draft = drafts.keep(of, "", Draft())
    elif draft is None:
        draft = drafts.keep(of, name, update_draft(_asked(workspace, name)))
    elif draft.updates is not None and time.monotonic() - draft.seen > SEEN_SECONDS and not draft.sending:
        with showing_errors():  # what was filled in stays, whatever has become of the endpoint
            draft.rebase(_asked(workspace, name))
    return _settled(workspace, draft)


def _asked(workspace: Workspace, name: str) -> EndpointDetail:
    with st.spinner(f"Asking for {literal(name)}", show_time=True):
        return get_endpoint_detail(workspace, name)


def _settled(workspace: Workspace, draft: Draft) -> Draft:
    """The draft once what was sent of it has arrived: a new endpoint's becomes one that changes it."""
    drafts, of, submission = kept(Drafts), partner(workspace), draft.submission
    if submission is not None and submission.arrived and submission.deployment and submission.deployment.detail:
        refresh_endpoints()
        if draft.creates:
            drafts.drop(of, "")
            draft = drafts.keep(of, submission.endpoint, update_draft(submission.deployment.detail))
            show_endpoints_in_address([submission.endpoint])
        draft.sent, draft.submission, draft.cautions = submission.body, None, submission.problems
    if draft.updates is not None:
        deployment = drafts.deployment(of, draft.updates.endpoint.name)
        if deployment is not None and not deployment.running:
            draft.follow(deployment)
    return draft


def title(draft: Draft | None) -> None:
    """Draw the title and the ways back; without a draft the title only."""
    name = draft.updates.endpoint.name if draft is not None and draft.updates else endpoint_in_address()
    with st.container(horizontal=True, vertical_alignment="bottom", key="setup-tools"):
        st.title(f"Change what {code(name)} serves" if name else "Set up an endpoint", width="stretch")
        if draft is None:
            return
        st.button(
            "Undo",
            key="setup.undo",
            icon=":material/undo:",
            on_click=draft.undo,
            disabled=not draft.steps or draft.sending,
            help="Back by one change",
        )
        st.button(
            "Start over",
            key="setup.start-over",
            icon=":material/restart_alt:",
            on_click=draft.start_over,
            disabled=draft.sending,
            help="Undo brings it back",
        )


def on_its_way(workspace: Workspace, draft: Draft) -> None:
    """Draw the deployment of this endpoint, and links to others that are under way."""
    deployment = draft.submission.deployment if draft.submission else None
    name = deployment.endpoint if deployment else endpoint_in_address()
    if is_sent_here(name):
        if kept(Drafts).deployment(partner(workspace), name):
            st.caption(f"[What became of it]({'#' + ANCHOR}) is told below the button.")
    elif name:
        deployment_stages(workspace, name)
    others = [one for one in kept(Drafts).under_way(partner(workspace)) if one.endpoint != name]
    if others:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Also on their way:", width="content")
            for other in others:
                link_to(
                    "endpoint_setup",
                    literal(other.endpoint),
                    icon=":material/progress_activity:",
                    endpoint=other.endpoint,
                )


def form_and_json(workspace: Workspace, draft: Draft) -> None:
    """Draw the form, and beside it the JSON; on a narrow screen below it."""
    sheet = Sheet(workspace, draft, draft.problems(), draft.sending)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_notes(workspace, draft)
        setup_form(sheet)
        sending(sheet)
    with right:
        json_twin(sheet)
    _draw_code(draft)


def _draw_notes(workspace: Workspace, draft: Draft) -> None:
    _draw_age(draft)
    if draft.text is not None:
        st.info(
            "The form waits: the JSON is not valid yet. Mend it, or drop that edit.", icon=":material/pause_circle:"
        )
    if draft.updates is None:
        return
    name = draft.updates.endpoint.name
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Tags, rate limits, the AI gateway and permissions are changed on the endpoint's page.", width="content"
        )
        if kept(Drafts).deployment(partner(workspace), name) is None:  # whose stages have this way too
            link_to("endpoint", "Open it", endpoint=name)
    untold = [path for path in untold_keys(draft.updates) if value_at(draft.body, path) in (None, "")]
    if untold:
        places = ", ".join(code(path_text(path)) for path in untold)
        st.warning(
            f"The workspace holds a key that it does not tell, because it was given as text: {places}. "
            "Choose a secret there; the update needs it again.",
            icon=":material/key_off:",
        )


@dataclass
class Arrival:
    """What this tab found when it came to the page."""

    changed_ms: int = 0
    """When the draft that was there had been changed last; 0 for one that was new."""


def _draw_age(draft: Draft) -> None:
    """Say that what stands here was filled in earlier, until something is changed."""
    arrival = remembered(Arrival)
    if entered(JSON_KEY) is None:  # a widget's state goes when its page is left
        arrival.changed_ms = draft.changed_ms
    if draft.creates and draft.changed_ms and draft.changed_ms == arrival.changed_ms:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/history: Your draft from {clock(draft.changed_ms / 1000)[:5]}.", width="content")
            st.button("Start over", key="setup.start-new", on_click=draft.start_over, disabled=draft.sending)


def _draw_code(draft: Draft) -> None:
    with st.expander("Take it away as code", key="setup.code", icon=":material/code:", on_change="rerun") as code_shown:
        if code_shown.open:
            config = draft.body.get("config")
            if draft.creates:
                snippets = creation_snippets(draft.body)
            else:
                snippets = update_snippets(str(draft.body.get("name")), config if isinstance(config, dict) else {})
            draw_snippets(snippets, key="setup-code", label="As")
