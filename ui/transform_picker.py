"""Choose the transform of a call: none, or a saved one. What is attached to the thing that is called is chosen by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from services.errors import PlaygroundError
from services.sandbox import sandbox
from services.transforms import DRAFT, LOCAL, Library, Place, PlaceKind, Transform, library
from services.workspace import Door, Workspace
from ui.conversation import Conversation
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, kept, mirror, owner

_UNTIL = ", until you detach it"


@dataclass
class _Choices:
    """What was chosen by hand in this browser. What is not in here follows the attachment."""

    made: dict[tuple[str, Place], str | None] = field(default_factory=dict)
    """Under which picker, for which place; None for none. The last choice is last."""
    trouble: dict[tuple[str, tuple[Place, ...]], PlaygroundError] = field(default_factory=dict)
    """Why the last click on “Attach” or “Detach” did nothing."""

    def choose(self, key: str, places: Sequence[Place], name: str | None) -> None:
        """Note that *name* was chosen for a call of *places*."""
        for place in places:
            self.made.pop((key, place), None)
            self.made[key, place] = name
        self.trouble.pop((key, tuple(places)), None)

    def chosen(self, key: str, places: Sequence[Place], attached: str | None) -> str | None:
        """What was chosen last for one of *places*; else what is *attached*.

        Of another endpoint, and of another workspace's of the same name, a choice says nothing.
        """
        by_hand = (name for (where, place), name in reversed(self.made.items()) if where == key and place in places)
        return next(by_hand, attached)


def endpoint_place(here: Workspace, name: str) -> Place:
    """That endpoint, as something a transform can be attached to."""
    return Place(PlaceKind.ENDPOINT, workspace_key(here), name)


def target_place(here: Workspace, name: str) -> Place:
    """That driver-proxy target, as something a transform can be attached to."""
    return Place(PlaceKind.TARGET, workspace_key(here), name)


def workspace_key(here: Workspace) -> str:
    """What attachments know a workspace by: its host, which for the embedded one changes at each start."""
    return LOCAL if here.door is Door.LOCAL else here.host


def transform_picker(*places: Place, key: str) -> Transform | None:
    """Draw the choice for a call of *places*; the latest version of what is chosen. Raises StateTrouble.

    *key* is the widget's, such as ``invoke.<endpoint>.transform``. Where transforms are off it says so, and still returns what is
    chosen: a call without it could send what the transform was to take out. For the same reason one that is deleted or renamed
    since it was chosen is returned, as ``gone``, until the person chooses again. Nothing can be sent then: ``Hooks`` refuses it,
    and whoever draws a button for that closes it.
    """
    saved, whose, choices = library(), owner(), kept(_Choices)
    names, attached = saved.names(whose), attached_to(places)
    chosen = choices.chosen(key, places, attached.name if attached else None)
    gone = chosen is not None and chosen not in names
    if not names and not gone:
        link_to("transforms", "Write a transform", **_for_address(places))
        return None
    st.selectbox(
        "Transform",
        names,
        None,
        key=mirror(key, None if gone else chosen),
        placeholder="choose again" if gone else "none",
        on_change=_choose,
        args=(choices, key, places),
        disabled=not places,
        help="Your own transform_input and transform_output around each call.",
    )
    if chosen is None:
        link_to("transforms", "Edit transforms", **_for_address(places))
        return None
    if gone:
        _draw_gone(choices, key, places, chosen)
        return Transform(chosen, DRAFT, "", gone=True)
    found = saved.get(whose, chosen)
    _draw_chosen(saved, whose, found, places, key)
    return found


def chat_transform(here: Workspace, shown: Conversation) -> None:
    """Draw the choice for a conversation, and let it use what is chosen. Raises StateTrouble; then it uses what it used."""
    places = [endpoint_place(here, name) for name in shown.endpoints]
    shown.transform_owner = owner()
    shown.transform = transform_picker(*places, key=f"chat.{shown.name}.transform")


def begin_with_attached(here: Workspace, begun: Conversation) -> None:
    """Let a conversation that begins elsewhere than on its page use what is attached to its endpoints. Raises StateTrouble."""
    begun.transform_owner = owner()
    begun.transform = attached_to([endpoint_place(here, name) for name in begun.endpoints])


def attached_to(places: Sequence[Place]) -> Transform | None:
    """What is attached to all of *places*; None where that is nothing, or not the same. Raises StateTrouble."""
    saved, whose = library(), owner()
    found = {saved.attached(whose, place) for place in places}
    return found.pop() if len(found) == 1 else None


def _for_address(places: Sequence[Place]) -> dict[str, str]:
    """So that the Transforms page begins with the same endpoint, and with the body that Invoke has for it."""
    first = places[0] if places else None
    return (
        {"endpoint": first.name, "sample": "invoke"} if first is not None and first.kind is PlaceKind.ENDPOINT else {}
    )


def _draw_gone(choices: _Choices, key: str, places: Sequence[Place], name: str) -> None:
    st.warning(
        f"The transform {code(name)} is gone: deleted, or renamed. Nothing is sent in its place. "
        "**Next:** choose another one, or none.",
        icon=":material/block:",
    )
    st.button(
        "Call without a transform",
        key=f"{key}-without",
        on_click=choices.choose,
        args=(key, places, None),
        icon=":material/link_off:",
    )


def _choose(choices: _Choices, key: str, places: Sequence[Place]) -> None:
    chosen = entered(key)
    choices.choose(key, places, chosen if isinstance(chosen, str) else None)


def _draw_chosen(saved: Library, whose: str, chosen: Transform, places: Sequence[Place], key: str) -> None:
    """Its version, whether it can run, and whether it is there by itself the next time."""
    with st.spinner("Starting the sandbox", show_time=True):
        state = sandbox().state
    if not state.available:
        st.warning(
            f"Transforms are off here, so with one chosen nothing is sent: {literal(state.reason)} "
            "**Next:** empty the choice to call without it.",
            icon=":material/block:",
        )
    elsewhere = [place for place in places if saved.attached(whose, place) != chosen]
    attached = bool(places) and not elsewhere
    st.caption(f"Version {chosen.version}{', attached' if attached else ''}")
    with st.container(horizontal=True, vertical_alignment="center"):
        link_to("transforms", "Edit", transform=chosen.name, **_for_address(places))
        if places:
            names = ", ".join(code(place.name) for place in places)
            st.button(
                "Detach" if attached else "Attach",
                key=f"{key}-{'detach' if attached else 'attach'}",
                on_click=_detach if attached else _attach,
                args=(kept(_Choices), places, chosen.name, key),
                icon=":material/link_off:" if attached else ":material/attach_file:",
                type="tertiary",
                help=f"Its latest version is chosen by itself for each call of {names}{_UNTIL if attached else ''}",
            )
    if trouble := kept(_Choices).trouble.get((key, tuple(places))):
        draw_error(trouble)


def _attach(choices: _Choices, places: Sequence[Place], name: str, key: str) -> None:
    choices.trouble.pop((key, tuple(places)), None)
    try:
        for place in places:
            library().attach(owner(), place, name)
    except PlaygroundError as error:
        choices.trouble[key, tuple(places)] = error


def _detach(choices: _Choices, places: Sequence[Place], name: str, key: str) -> None:
    """It stays chosen for this time: a call must not lose it unseen."""
    choices.choose(key, places, name)
    try:
        for place in places:
            library().detach(owner(), place)
    except PlaygroundError as error:
        choices.trouble[key, tuple(places)] = error
