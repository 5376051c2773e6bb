"""How an endpoint's calls are split between what it serves: as it is, as it turned out, and another way."""

import streamlit as st

from services.endpoint_setup import hidden_keys, traffic_change
from services.endpoints import (
    Change,
    EndpointDetail,
    Route,
    ServedEntity,
    shares,
    verdict,
    why_not_servable,
)
from services.workspace import Workspace
from ui.connecting import partner
from ui.endpoints.change_button import change_button, change_code, draw_reason
from ui.endpoints.view import EndpointView
from ui.foreign_text import code, literal
from ui.session import reseed, seed
from ui.tallies import Tallies, all_tallies

PRESETS = ((100, 0), (90, 10), (50, 50), (10, 90), (0, 100))
"""For two served entities."""


def endpoint_traffic(of: Workspace, view: EndpointView, detail: EndpointDetail) -> None:
    """Draw the split with what was counted here, and the way to another split."""
    if detail.config is None or not detail.config.entities:
        st.info("It serves nothing yet, so there is nothing to split.", icon=":material/bedtime:")
        return
    _tally(of, detail, detail.config.routes)
    st.header("Shift the traffic")
    entities = detail.config.entities
    if len(entities) == 1:
        st.caption(f"All calls go to {code(entities[0].name)}. To split them, add another served entity first.")
    else:
        _shift(of, view, detail, entities)


def _tally(of: Workspace, detail: EndpointDetail, routes: tuple[Route, ...]) -> None:
    st.header("Who answered")
    tallies = all_tallies()
    tally = tallies.of(partner(of), detail)
    found = shares(tally.calls, routes)
    if not tally.calls:
        st.caption("No call made here has been answered since this split began: ask something, then come back.")
    lines = ["| Served entity | Configured | Answered |", "|---|---:|---:|"]
    for one in found:
        configured = "not in the split" if one.configured is None else f"{one.configured} %"
        share = f": {one.calls / one.of * 100:.0f} %" if one.of else ""
        lines.append(f"| {code(one.entity)} | {configured} | {one.calls} of {one.of}{share} |")
    st.markdown("\n".join(lines))
    if said := verdict(found):
        st.markdown(literal(said))
    if tally.silent:
        st.caption(f"{tally.silent} more answers did not say which served entity they came from.")
    _restart(tallies, of, detail)


def _restart(tallies: Tallies, of: Workspace, detail: EndpointDetail) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            "Counted from the chats and test calls of this browser; other people's calls are not in it.",
            width="content",
        )
        st.button(
            "Count from now",
            key="endpoint-tally-restart",
            on_click=tallies.restart,
            args=(partner(of), detail.endpoint),
            icon=":material/restart_alt:",
            type="tertiary",
        )


def _shift(of: Workspace, view: EndpointView, detail: EndpointDetail, entities: tuple[ServedEntity, ...]) -> None:
    reason = why_not_servable(detail.endpoint) or _unclear_names(entities) or _hidden_keys(detail)
    draw_reason(reason)
    now = {route.entity: route.percentage for route in (detail.config.routes if detail.config else ())}
    version = detail.config.version if detail.config else None
    keys = [f"endpoint.share.{view.saved}.{version}.{place}.{one.name}" for place, one in enumerate(entities)]
    if len(entities) == 2:
        with st.container(horizontal=True, gap="small", key="endpoint-presets"):
            for preset in PRESETS:
                label, place = "/".join(map(str, preset)), f"endpoint-preset-{preset[0]}"
                st.button(label, key=place, on_click=_preset, args=(keys, preset), disabled=bool(reason))
    wanted = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for entity, key in zip(entities, keys, strict=True):
            field = seed(key, max(0, min(100, now.get(entity.name, 0))))
            share = st.number_input(
                f"{literal(entity.name)}, percent",
                min_value=0,
                max_value=100,
                value=None,
                step=5,
                key=field,
                disabled=bool(reason),
                width=220,
            )
            wanted[entity.name] = share or 0
    total, same = sum(wanted.values()), wanted == {entity.name: now.get(entity.name, 0) for entity in entities}
    st.caption(
        f"In sum {total} %"
        + ("" if total == 100 else f": {abs(100 - total)} % too {'little' if total < 100 else 'much'}")
    )

    def make() -> Change:
        return traffic_change(detail, wanted)

    split = ", ".join(f"{share} % to {code(name)}" for name, share in wanted.items())
    change_button(
        "Shift the traffic",
        make,
        of=of,
        view=view,
        done=f"The shift was begun: {split}.",
        key="endpoint-traffic-save",
        disabled=bool(reason) or same or total != 100,
    )
    if same and not reason:
        st.caption("This is the split there is: change a share to shift it.")
    change_code(make, key="endpoint-traffic-code")


def _unclear_names(entities: tuple[ServedEntity, ...]) -> str:
    names = {entity.name for entity in entities}
    return (
        "" if "" not in names and len(names) == len(entities) else "The workspace does not tell what it serves apart."
    )


def _hidden_keys(detail: EndpointDetail) -> str:
    hidden = hidden_keys(detail)
    if not hidden:
        return ""
    return (
        f"The key of {', '.join(hidden)} was given as plain text, which no workspace gives back, and each update needs it again. "
        "Put a secret reference there first: “Change what it serves”."
    )


def _preset(keys: list[str], preset: tuple[int, int]) -> None:
    for key, share in zip(keys, preset, strict=True):
        reseed(key, share)
