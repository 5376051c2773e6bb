"""The saved targets, side by side with how each one is doing."""

import functools
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import streamlit as st

from services.background import in_background
from services.clusters import Cluster
from services.driver_proxy import Health, HealthKind, Target, get_health, is_private, saved_targets
from services.errors import PlaygroundError
from services.workspace import Workspace
from ui.clock import clock
from ui.driver_proxy.view import KEY, DriverProxyView, field_key
from ui.errors import draw_error, showing_errors
from ui.foreign_text import code, literal
from ui.session import alone, kept, owner, seed
from ui.transform_picker import workspace_key

MOST_AT_ONCE = 6
"""Looks of one workspace's targets that are under way together; the others wait for the next redraw."""
REFRESH_SECONDS = 15.0
"""How old a look may be while the list is open."""
LOOK_SECONDS = 2.0
_COLOURS = {
    HealthKind.WELL: "green",
    HealthKind.ANSWERS: "green",
    HealthKind.UNWELL: "orange",
    HealthKind.AWAY: "red",
}


@dataclass
class _Watched:
    """One target."""

    look: "Future[Health] | None" = None
    """The one that is under way."""
    asked_at: float = float("-inf")
    last: Health | None = None
    seen_at: float | None = None
    """When the app was last there, seconds since the epoch; None for never."""

    def take_in(self) -> None:
        """Keep what came. A bug in the look stays loud."""
        if self.look is not None and self.look.done():
            done, self.look = self.look, None
            self.last = done.result()
            self.seen_at = self.last.at if self.last.seen else self.seen_at


@dataclass
class HealthWatch:
    """Of this browser."""

    of: WeakKeyDictionary[Workspace, dict[Target, _Watched]] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """Ask that workspace no more."""
        self.of.pop(of, None)

    def look(self, here: Workspace, targets: Sequence[Target]) -> list[_Watched]:
        """What is known of each; what is old is asked for anew, the oldest first, MOST_AT_ONCE at a time. Never waits."""
        known = self.of.setdefault(here, {})
        for gone in known.keys() - set(targets):
            del known[gone]
        found = [known.setdefault(target, _Watched()) for target in targets]
        for one in found:
            one.take_in()
        now = time.monotonic()
        due = [target for target, one in known.items() if one.look is None and now - one.asked_at > REFRESH_SECONDS]
        room = MOST_AT_ONCE - sum(one.look is not None for one in found)
        for target in sorted(due, key=lambda target: known[target].asked_at)[: max(0, room)]:
            known[target].asked_at = now
            known[target].look = in_background(
                functools.partial(get_health, here, target, alone=alone()), f"health of {target.label}"
            )
        return found


def saved(here: Workspace, view: DriverProxyView, target: Target | None, _cluster: Cluster | None) -> None:
    """Draw it. Raises PlaygroundError where they cannot be read."""
    _draw_save(here, view, target)
    if view.save_error is not None:
        draw_error(view.save_error)
    targets = saved_targets().all(owner(), workspace_key(here))
    if not targets:
        st.info("Nothing is saved here yet. Give the one above a name to find it again, with how it is doing.")
        return
    st.fragment(_draw_cards, run_every=LOOK_SECONDS)(here, view, targets)
    if why := saved_targets().why_in_memory:
        st.caption(f":material/info: {literal(why)}")


def _draw_save(here: Workspace, view: DriverProxyView, target: Target | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{KEY}-save"):
        name = st.text_input(
            "Save the one above as",
            key=seed(field_key("name"), view.draft.name),
            placeholder="dolly on 7777",
            max_chars=100,
        )
        pressed = st.button(
            "Save", key=f"{KEY}.save-{view.saves}", icon=":material/bookmark_add:", disabled=target is None
        )
    if target is not None and any(value and is_private(name) for name, value in target.headers):
        st.caption(
            "Header values are not saved, except those of a few headers that never hold a credential: type them again later."
        )
    if pressed and target is not None:
        view.saves += 1
        view.save_error = None
        try:
            done = saved_targets().save(owner(), workspace_key(here), view.draft.target(name=name))
            view.draft.name = done.name
            st.toast(f"Saved as {literal(done.name)}", icon=":material/bookmark:")
        except PlaygroundError as error:
            view.save_error = error
        st.rerun()


def _draw_cards(here: Workspace, view: DriverProxyView, targets: Sequence[Target]) -> None:
    watch = kept(HealthWatch)
    with st.container(horizontal=True, key=f"{KEY}-cards"):
        for place, (target, watched) in enumerate(zip(targets, watch.look(here, targets), strict=True)):
            with (
                st.container(border=True, width=300, gap="small", key=f"{KEY}-card-{place}"),
                showing_errors(),
            ):
                _draw_card(target, watched)
                _draw_tools(here, view, target)
    st.caption(f"GET /health of each, asked again every {REFRESH_SECONDS:.0f} s while this is open.")


def _draw_card(target: Target, watched: _Watched) -> None:
    st.markdown(f"**{literal(target.name)}**  \n{code(f'{target.cluster_id}:{target.port}{target.path}')}")
    health = watched.last
    if health is None:
        st.caption(":material/hourglass_top: Asking how it does")
        return
    seen = f"seen {clock(watched.seen_at)}" if watched.seen_at else "not seen yet"
    st.markdown(
        f":{_COLOURS[health.kind]}-badge[{health.kind.value.capitalize()}] "
        f":small[{health.seconds * 1000:.0f} ms, {seen}]"
    )
    if health.said:
        st.caption(literal(health.said))


def _draw_tools(here: Workspace, view: DriverProxyView, target: Target) -> None:
    with st.container(horizontal=True, gap="small"):
        icon = ":material/open_in_full:"
        key = f"{KEY}.open-{target.name}"
        opened = st.button("Open", key=key, on_click=view.opens, args=(target,), type="tertiary", icon=icon)
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown(f"Delete {code(target.name)} from this list? The app itself is not touched.")
            gone = st.button("Delete it", key=f"{KEY}.delete-{target.name}", type="primary")
    if gone:
        saved_targets().delete(owner(), workspace_key(here), target.name)
    if opened or gone:
        st.rerun()
