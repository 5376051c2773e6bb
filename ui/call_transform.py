"""The transform of one endpoint's calls: which one, what it is given, what it would make of the body, and it as code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from services.endpoints import Endpoint
from services.errors import PlaygroundError
from services.sandbox import Hook, Status, sandbox
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.transforms import Envelope, HookRun, Hooks, Transform, run_hook
from services.workspace import Workspace
from ui.foreign_text import literal
from ui.session import entered, mirror, owner
from ui.transform_picker import endpoint_place, transform_picker
from ui.transforms.diff import draw_difference
from ui.transforms.dry_run import draw_hook_run
from ui.transforms.take_away import draw_take_away

_EXPLAINED = {
    Envelope.RECORD: "It is given the one record of dataframe_records, and the first of the predictions, as LangChain does it.",
    Envelope.BODY: "It is given the whole body, and the whole reply.",
}
Body = Mapping[str, Any]


@dataclass
class CallTransform:
    """What was chosen for the next call, and the last dry run."""

    chosen: Transform | None = None
    envelope: Envelope = Envelope.RECORD
    run: HookRun | PlaygroundError | None = None
    """What the transform made of a body, with nothing sent."""
    ran_on: Body | None = None
    sure: bool = False
    """Whether it is known what is chosen: a call without it could send what it was to take out."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent, for a reason that is told where the choice is drawn."""
        return not self.sure or (self.chosen is not None and self.chosen.gone)

    def hooks(self, body: Body) -> Hooks | None:
        """The chosen transform, for one call with *body*."""
        if self.chosen is None:
            return None
        return Hooks(sandbox(), self.chosen, envelope=self.given(body), user=owner())

    def given(self, body: Body) -> Envelope:
        """What of *body* it is given: one record, where that is wanted and there is one; else all of it."""
        return self.envelope if self.envelope.open(body) != body else Envelope.BODY


def draw_call_transform(
    shaping: CallTransform, body: Body | None, of: Workspace, endpoint: Endpoint, *, key: str, picker: str
) -> None:
    """Draw the choice, and what comes of it. *body* is the next call's; None while it is no JSON. Raises StateTrouble."""
    shaping.sure = False
    with st.container(border=True, key=f"{key.replace('.', '-')}-transform"):
        chosen = transform_picker(endpoint_place(of, endpoint.name), key=picker)
        if chosen != shaping.chosen:
            shaping.chosen, shaping.run = chosen, None
        shaping.sure = True
        if chosen is None or chosen.gone or body is None:
            return
        if Envelope.RECORD.open(body) != body:
            _draw_envelope(shaping, key)
        else:
            st.caption(_EXPLAINED[Envelope.BODY])
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Dry run", key=f"{key}.dry", icon=":material/science:", help="Send nothing"):
                with st.spinner("Running transform_input"):
                    shaping.run, shaping.ran_on = _dry_run(shaping, chosen, body), body
            away = st.toggle(
                "Take it away", key=f"{key}.away", help="This call with its transform: as code, as a model"
            )
        if shaping.ran_on == body:
            _draw_dry_run(shaping, body, key)
        if away:
            asked = ShapedCall(AskedEndpoint.of(endpoint), body, chosen, shaping.given(body))
            draw_take_away(of, asked, key=f"{key}.{endpoint.name}")


def _draw_envelope(shaping: CallTransform, key: str) -> None:
    key = f"{key}.envelope"
    mirror(key, shaping.envelope)
    st.segmented_control(
        "It is given",
        list(Envelope),
        key=key,
        format_func=lambda one: one.value.capitalize(),
        on_change=_use_envelope,
        args=(shaping, key),
    )
    st.caption(_EXPLAINED[shaping.envelope])


def _use_envelope(shaping: CallTransform, key: str) -> None:
    chosen = entered(key)
    if isinstance(chosen, Envelope):
        shaping.envelope, shaping.run = chosen, None


def _dry_run(shaping: CallTransform, chosen: Transform, body: Body) -> HookRun | PlaygroundError:
    request = shaping.given(body).open(body)
    return run_hook(sandbox(), chosen.source, Hook.INPUT, request, user=owner()) or PlaygroundError(
        "This transform has no transform_input.", "The body is sent as it is; only the reply is shaped."
    )


def _draw_dry_run(shaping: CallTransform, body: Body, key: str) -> None:
    run = shaping.run
    if isinstance(run, PlaygroundError):
        st.info(f"{literal(run.message)} {literal(run.hint)}", icon=":material/science:")
    elif run is not None:
        st.caption("A dry run: nothing was sent.")
        draw_hook_run(run)
        if run.result.status is Status.OK:
            sent = shaping.given(body).close(body, run.result.value)
            draw_difference(body, sent, label="The body that would be sent", key=f"{key.replace('.', '-')}-dry", of=run)
