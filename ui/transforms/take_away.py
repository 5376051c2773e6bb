"""Take a call and its transform away: as code, and as an MLflow model that the local workspace serves."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakKeyDictionary

import streamlit as st

from services.endpoints import Endpoint
from services.errors import BadInput, PlaygroundError
from services.packaging import Packaging, Step, default_name, packed_snippet, why_not_here
from services.sandbox import Hook, Result, Status, sandbox
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.transforms import transform_snippets
from services.transforms import HookRun, failure
from services.transforms.samples import read_sample_request
from services.workspace import Workspace
from ui.connecting import partner
from ui.endpoint_setup.draft import Drafts
from ui.endpoint_setup.stages import deployment_stages
from ui.errors import draw_error, showing_errors
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import alone, kept, owner, reseed, seed, typed_into
from ui.snippet_list import draw_snippets
from ui.transforms.drafts import Draft

EVERY = 0.4
_CODE_HEIGHT = 520
"""Pixels, so that what is below the code is in sight: the shortest is as long, an MLflow model five times as long."""
READ_SOURCES = 20
"""Transforms whose functions are remembered."""


@dataclass
class _Serving:
    """One packed model being served from one panel, or why it is not."""

    packaging: Packaging | None = None
    error: PlaygroundError | None = None
    sent: int = 0

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self.packaging is not None and self.packaging.running


@dataclass
class _TakenAway:
    """What this browser's panels remember."""

    read: dict[str, Result] = field(default_factory=dict)
    """What the sandbox said of a source, by the source."""
    servings: WeakKeyDictionary[Workspace, dict[str, _Serving]] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        for serving in self.servings.pop(of, {}).values():
            if serving.packaging is not None:
                serving.packaging.stop()


def taking_away(here: Workspace, endpoint: Endpoint, draft: Draft) -> None:
    """Draw the panel, folded away: what is in it runs the source once, to know which functions it has."""
    folded = st.expander(
        "Take it away: as code, as an MLflow model",
        icon=":material/code:",
        key="transforms.take-away",
        on_change="rerun",
    )
    if folded.open:
        with folded, showing_errors():
            body = draft.envelope.body_of(read_sample_request(draft.request))
            st.caption("It sends the sample request above.")
            asked = ShapedCall(AskedEndpoint.of(endpoint), body, draft.transform, draft.envelope)
            draw_take_away(here, asked, key=f"transforms.{endpoint.name}")


def draw_take_away(here: Workspace, call: ShapedCall, *, key: str) -> None:
    """Draw the panel. *key* stands for the thing that is called, such as ``invoke.<endpoint>``.

    Runs the source in the sandbox once, to know which functions it has; for the first time that takes up to a second.
    """
    if call.transform.gone:
        return
    with showing_errors():
        read = _read(call.transform.source)
        if read is not None and read.status is Status.OK:
            call = replace(call, defined=frozenset(Hook(name) for name in read.value if name in _NAMES))
        elif read is not None and read.status not in (Status.BUSY, Status.UNAVAILABLE):
            draw_error(failure(HookRun(Hook.LOAD, None, read), "It can be taken away when it loads."))
            return
        model = default_name(call)
        snippets = [*transform_snippets(call), packed_snippet(call, model)]
        draw_snippets(snippets, key=f"{key}-take-away", label="The call and its transform as", height=_CODE_HEIGHT)
        st.caption("The functions stand in it as you wrote them. Elsewhere nothing confines them.")
        _draw_serving(here, call, model, key)


_NAMES = frozenset({Hook.INPUT.value, Hook.OUTPUT.value})


def _read(source: str) -> Result | None:
    """What the sandbox says of the source; None for none."""
    if not source.strip():
        return Result(Status.OK, [])
    known = kept(_TakenAway).read
    if source not in known:
        with st.spinner("Reading the transform"):
            found = sandbox().run(source, Hook.LOAD, user=owner())
        if found.status in (Status.BUSY, Status.UNAVAILABLE):
            return found
        while len(known) >= READ_SOURCES:
            known.pop(next(iter(known)))
        known[source] = found
    return known[source]


def _draw_serving(here: Workspace, call: ShapedCall, model: str, key: str) -> None:
    bound_to, hosted = st.get_option("server.address"), not alone()
    reason = why_not_here(here, call, bound_to=bound_to, hosted=hosted)
    serving = kept(_TakenAway).servings.setdefault(here, {}).setdefault(key, _Serving())
    with st.expander("Serve it as an MLflow model here", icon=":material/deployed_code:", expanded=serving.sent > 0):
        if reason:
            st.info(literal(reason), icon=":material/lock:")
            return
        field_key, sure_key = f"{key}.take-away.name", f"{key}.take-away.sure"
        st.text_input("Name of the model and of its endpoint", key=seed(field_key, model), disabled=serving.running)
        st.caption("What stands in the body beside its first field, such as stop, becomes the default of a parameter.")
        st.checkbox(
            "I know this code: it will run as me on this machine, **outside the sandbox**, when the model is logged and at "
            "each call of its endpoint.",
            key=sure_key,
            disabled=serving.running,
        )
        start = partial(Packaging, here, call, bound_to=bound_to, hosted=hosted)
        st.button(
            "Log and serve",
            key=f"{key}.take-away.serve-{serving.sent}",
            on_click=_serve,
            args=(serving, serving.sent, start, field_key, sure_key, partial(kept(Drafts).watch, partner(here))),
            icon=":material/rocket_launch:",
            disabled=serving.running,
        )
    _draw_outcome(here, serving, key)


def _serve(
    serving: _Serving, number: int, start: "partial[Packaging]", field_key: str, sure_key: str, accept: object
) -> None:
    """Begin, unless this click was used already; for the button."""
    if number != serving.sent or serving.running:
        return
    serving.sent, serving.packaging, serving.error = serving.sent + 1, None, None
    if typed_into(sure_key) != "True":
        serving.error = BadInput(
            "It runs outside the sandbox, and that is not confirmed.", "Tick the box first. Nothing was run."
        )
        return
    try:
        serving.packaging = start(typed_into(field_key).strip(), accept)
    except PlaygroundError as error:
        serving.error = error
    reseed(sure_key, False)


def _draw_outcome(here: Workspace, serving: _Serving, key: str) -> None:
    packaging = serving.packaging
    if serving.error is not None:
        draw_error(serving.error)
    if packaging is None:
        return
    if packaging.running:
        st.fragment(_draw_progress, run_every=EVERY)(packaging, key)
    elif packaging.error is not None:
        draw_error(packaging.error)
    elif packaging.step is Step.STOPPED:
        st.info("Stopped. No endpoint was made.", icon=":material/stop_circle:")
    else:
        st.caption(f"Registered as {code(packaging.name)}, version {literal(packaging.version)}.")
        if not deployment_stages(here, packaging.name):
            link_to("endpoint", "Open its endpoint", endpoint=packaging.name)


def _draw_progress(packaging: Packaging, key: str) -> None:
    if not packaging.running:
        st.rerun()
    does = "Logging the model" if packaging.step is Step.LOGGING else "Making the endpoint"
    st.markdown(f":blue[:material/progress_activity:] {does} · {time.monotonic() - packaging.began:.0f} s")
    if packaging.step is Step.LOGGING:
        st.button(
            "Stop", key=f"{key}.take-away.stop", on_click=packaging.stop, icon=":material/stop_circle:", type="tertiary"
        )
