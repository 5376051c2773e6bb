"""Choose the transform of a call: none, or a saved one. What is attached to the thing that is called is chosen by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from services.errors import PlaygroundError
from services.sandbox import sandbox
from services.transforms import LOCAL, Library, Place, PlaceKind, Transform, library
from services.workspace import Door, Workspace
from ui.conversation import Conversation
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, kept, mirror, owner

_UNTIL = ", until you detach it"


@dataclass
class _Choices:
    """What was chosen by hand in this browser, by the picker's key; None for none. What is not in here follows the attachment."""

    made: dict[str, str | None] = field(default_factory=dict)
    trouble: dict[str, PlaygroundError] = field(default_factory=dict)
    """Why the last click on “Attach” or “Detach” did nothing."""


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

    *key* is the widget's, and stands for one thing to call, such as ``invoke.<endpoint>.transform``. Where transforms are off it
    says so, and still returns what is chosen: a call without it could send what the transform was to take out.
    """
    saved, whose = library(), owner()
    names = saved.names(whose)
    if not names:
        link_to("transforms", "Write a transform")
        return None
    choices = kept(_Choices)
    chosen = _chosen(choices.made, key, attached_to(places), names)
    st.selectbox(
        "Transform",
        names,
        None,
        key=mirror(key, chosen),
        placeholder="none",
        on_change=_choose,
        args=(choices, key),
        help="Your own transform_input and transform_output around each call.",
    )
    if chosen is None:
        link_to("transforms", "Edit transforms")
        return None
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


def _chosen(made: dict[str, str | None], key: str, attached: Transform | None, names: list[str]) -> str | None:
    """What was chosen by hand, while it is there; else what is attached."""
    by_hand = made.get(key)
    if by_hand is not None and by_hand not in names:
        st.warning(f"The transform {code(by_hand)} is gone. **Next:** choose another one, or none.")
        del made[key]
    return made.get(key, attached.name if attached else None)


def _choose(choices: _Choices, key: str) -> None:
    chosen = entered(key)
    choices.made[key] = chosen if isinstance(chosen, str) else None
    choices.trouble.pop(key, None)


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
        link_to("transforms", "Edit", transform=chosen.name)
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
    if trouble := kept(_Choices).trouble.get(key):
        draw_error(trouble)


def _attach(choices: _Choices, places: Sequence[Place], name: str, key: str) -> None:
    choices.trouble.pop(key, None)
    try:
        for place in places:
            library().attach(owner(), place, name)
    except PlaygroundError as error:
        choices.trouble[key] = error


def _detach(choices: _Choices, places: Sequence[Place], name: str, key: str) -> None:
    """It stays chosen for this time: a call must not lose it unseen."""
    choices.trouble.pop(key, None)
    choices.made[key] = name
    try:
        for place in places:
            library().detach(owner(), place)
    except PlaygroundError as error:
        choices.trouble[key] = error
