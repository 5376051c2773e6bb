"""Whether an endpoint can be called, said before the call; and what a call waits for, said while it waits."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from services.endpoints import Endpoint
from services.looks import SETTLING_SECONDS, Looks
from services.readiness import Readiness, ReadinessKind
from services.waiting import Stage, Waiting
from services.workspace import Workspace
from ui.foreign_text import code, literal
from ui.session import kept

_BADGES = {
    ReadinessKind.READY: ("green", ":material/check_circle:"),
    ReadinessKind.UPDATING: ("blue", ":material/sync:"),
    ReadinessKind.SCALED_TO_ZERO: ("violet", ":material/bedtime:"),
    ReadinessKind.NOT_READY: ("blue", ":material/hourglass_top:"),
    ReadinessKind.FAILED: ("red", ":material/error:"),
    ReadinessKind.STOPPED: ("gray", ":material/stop_circle:"),
    ReadinessKind.EMPTY: ("gray", ":material/inbox:"),
    ReadinessKind.NO_PERMISSION: ("orange", ":material/lock:"),
    ReadinessKind.UNKNOWN: ("orange", ":material/help:"),
}


def readiness(workspace: Workspace, endpoint: Endpoint) -> Readiness:
    """What a call of it will meet, as far as is known; never waits for the workspace."""
    return kept(Looks).readiness(workspace, endpoint)


def badge(readiness: Readiness) -> str:
    """Its kind in two words, as Markdown."""
    colour, icon = _BADGES[readiness.kind]
    return f":{colour}-badge[{icon} {readiness.kind.value.capitalize()}]"


def draw_readiness(readiness: Readiness, *, name: str = "") -> None:
    """The badge, and what a call will meet. *name*: told where several are drawn below each other."""
    said = _said(readiness)
    st.markdown(" ".join(part for part in (badge(readiness), code(name), f":small[{said}]" if said else "") if part))


def _said(readiness: Readiness) -> str:
    """Nothing where the badge says it all."""
    if readiness.kind is ReadinessKind.READY and not readiness.remarkable:
        return ""
    step = f"**Next:** {literal(readiness.next_step)}" if readiness.next_step else ""
    return f"{literal(readiness.sentence)} {step}".rstrip()


def draw_closed(why: Readiness) -> None:
    """Why nothing can be sent, where it would have been."""
    _, icon = _BADGES[why.kind]
    st.warning(_said(why), icon=icon)


def draw_states(workspace: Workspace, endpoints: Sequence[Endpoint], *, busy: bool) -> None:
    """What a call of each will meet; looks again by itself while something is under way, unless the script is *busy*."""
    drawn = {endpoint.name: readiness(workspace, endpoint) for endpoint in endpoints}
    every = SETTLING_SECONDS if not busy and _under_way(workspace, drawn) else None
    st.fragment(_states, run_every=every)(workspace, endpoints, drawn, every is not None)


def _states(workspace: Workspace, endpoints: Sequence[Endpoint], drawn: dict[str, Readiness], polls: bool) -> None:
    found = {endpoint.name: readiness(workspace, endpoint) for endpoint in endpoints}
    if found != drawn or (polls and not _under_way(workspace, found)):
        st.rerun()  # all of it: the prompt opens or closes with it
    for name, one in found.items():
        draw_readiness(one, name=name if len(found) > 1 else "")


def _under_way(workspace: Workspace, found: dict[str, Readiness]) -> bool:
    return any(one.settling or kept(Looks).is_first(workspace, name) for name, one in found.items())


def woken(known: Mapping[str, Readiness]) -> bool:
    """After a call: whether one of them slept before it, so that what is known of it is no longer true. It is asked anew."""
    slept = [name for name, one in known.items() if one.kind is ReadinessKind.SCALED_TO_ZERO]
    for name in slept:
        kept(Looks).forget(name)
    return bool(slept)


def why_closed(known: Sequence[Readiness]) -> Readiness | None:
    """The first reason, where none of them can be called; else None."""
    return known[0] if known and not any(one.may_send for one in known) else None


def draw_waiting(slot: DeltaGenerator, waiting: Waiting) -> None:
    """The stages of a wait, with how long each one took. In one element: it is drawn again many times a second."""
    lines = [_line(stage) for stage in waiting.stages]
    if waiting.trouble:
        lines.append(f":material/help: How it does could not be asked: {literal(waiting.trouble)}")
    if len(waiting.stages) > 1:
        lines.append(f"{waiting.elapsed:.1f} s in all")
    slot.caption("  \n".join(lines))


def _line(stage: Stage) -> str:
    icon = ":material/check:" if stage.over else ":material/hourglass_top:"
    return f"{icon} {literal(stage.sentence)} · {stage.seconds:.1f} s"
