"""Which workspace this visit talks to, and as whom."""

import hashlib
import shlex
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from services import doors
from services.endpoints import Endpoint, list_endpoints
from services.errors import PlaygroundError
from services.local import embedded
from services.settings import Settings
from services.workspace import Door, Identity, Workspace
from ui.endpoint_cache import EndpointCache
from ui.session import forwarded_token, new_conversation, take, typed_into, visit
from ui.visits import KEPT_WORKSPACES, Visit

REFUSED_SECONDS = 10.0
LIST_SECONDS = 30.0
"""How old a list of endpoints may be before it is asked for anew."""


def default_door(settings: Settings) -> Door:
    """The first door that is there."""
    if settings.databricks_app:
        return Door.DATABRICKS_APP
    return Door.MACHINE if settings.machine_configured else Door.LOCAL


def current_door() -> Door:
    """The door that is used: the person's choice, else the first that is there."""
    return visit().door or default_door(Settings.from_environment())


def workspace() -> Workspace:
    """The workspace of this visit, connected on first use. Raises PlaygroundError."""
    here = visit()
    door = current_door()
    if door is Door.SESSION and here.typed is not None:
        return here.typed
    if door is Door.LOCAL:
        return _local(here)
    if door is Door.DATABRICKS_APP:
        return _databricks_app(here)
    return _opened(here, ("machine", here.profile or ""), lambda: doors.machine(here.profile))


def identity(of: Workspace) -> Identity:
    """Who that workspace says we are; asked once, and after a failure not again for REFUSED_SECONDS."""
    here = visit()
    if of not in here.identities:
        at, refusal = here.refused.get(of, (float("-inf"), None))
        if refusal is not None and time.monotonic() - at < REFUSED_SECONDS:
            raise refusal
        try:
            with st.spinner(f"Asking {of.host} who you are", show_time=True):
                here.identities[of] = of.identity()
        except PlaygroundError as error:
            here.refused[of] = (time.monotonic(), error)
            raise
    return here.identities[of]


def partner(of: Workspace) -> str:
    """Which workspace and as whom, for a conversation to remember whom it was held with."""
    return f"{of.host} as {identity(of).user_name}"


def endpoints(of: Workspace, *, any_age: bool = False) -> list[Endpoint]:
    """Its endpoints. The first list is waited for; one older than LIST_SECONDS is asked for anew behind the one that is shown.

    With *any_age* it is not. Raises PlaygroundError while there is no list at all; ui.list_age says how old a list is.
    """
    cache = endpoint_cache(of)
    if cache.listed is None:
        cache.ask(lambda: list_endpoints(of))
        with st.spinner(f"Asking {of.host} for its endpoints", show_time=True):
            return cache.first()
    if not any_age and cache.is_due(LIST_SECONDS, REFUSED_SECONDS):
        cache.ask(lambda: list_endpoints(of))
    return cache.listed


def endpoints_with(of: Workspace, names: Collection[str]) -> list[Endpoint]:
    """The same, but a list that lacks one of *names* and is known to be outdated, or being renewed, is waited for."""
    listed, cache = endpoints(of), endpoint_cache(of)
    if cache.asking and not set(names) <= {endpoint.name for endpoint in listed}:
        with st.spinner(f"Asking {of.host} for its endpoints", show_time=True):
            return cache.first()
    return listed


def endpoint_cache(of: Workspace) -> EndpointCache:
    """What this visit holds of that workspace's list."""
    here = visit()
    with here.lock:
        return here.endpoints.setdefault(of, EndpointCache())


def refresh_endpoints() -> None:
    """Ask again at the next use; what is there is shown meanwhile."""
    for cache in list(visit().endpoints.values()):
        cache.outdated()


def local_shell_line() -> str:
    """The line that points a shell on this machine at the local workspace; empty while another one is in use.

    The file that it names is readable by whoever runs the server only, and holds the admin's token.
    """
    if current_door() is not Door.LOCAL:
        return ""
    return f". {shlex.quote(str(Path(embedded().address().state) / 'env.sh'))}"


def use_door(door: Door, *, local_user: str = "admin", profile: str | None = None, as_app: bool = False) -> None:
    """Go through another door from now on. A conversation is not carried from one workspace to another."""
    here = visit()
    before = (here.door, here.local_user, here.profile, here.as_app)
    here.door, here.local_user, here.profile, here.as_app = door, local_user, profile, as_app
    here.choices += 1
    here.refused.clear()
    if before != (door, local_user, profile, as_app):
        new_conversation()


def forget_typed() -> None:
    """Let go of the typed token, and leave its door."""
    visit().forget_token()
    new_conversation()


@dataclass
class Typed:
    """What was typed into the connection form, between the click and its use: no widget holds a token any longer."""

    host: str = ""
    token: str = field(default="", repr=False)
    waiting: bool = False
    trying: bool = False

    def take_from(self, host_key: str, token_key: str) -> None:
        """Take the token out of its widget; for the form's callback. The host stays there, to be mended if need be.

        Without effect while an earlier one is still being tried.
        """
        if self.trying:
            return
        self.host, self.token, self.waiting = typed_into(host_key), take(token_key), True

    def hand_over(self) -> tuple[str, str]:
        """The host and the token, once."""
        handed = (self.host, self.token)
        self.token, self.waiting = "", False
        return handed


def use_typed(typed_now: Typed) -> None:
    """Go through the door of what was typed. Raises PlaygroundError, and then nothing has changed."""
    here = visit()
    choices = here.choices
    typed_now.trying = True
    try:
        typed = doors.typed(*typed_now.hand_over())
        found = typed.identity()
    finally:
        typed_now.trying = False
    if here.choices != choices:  # the person has gone through another door meanwhile
        return
    if here.typed is not None:
        here.forget(here.typed)
    here.typed = typed
    here.identities[typed] = found
    here.door = None  # so that a second token makes a new conversation too
    use_door(Door.SESSION)


def _databricks_app(here: Visit) -> Workspace:
    token, host = forwarded_token(), Settings.from_environment().machine_host
    if token and host and not here.as_app:
        fingerprint = hashlib.sha256(token.encode()).hexdigest()
        return _opened(here, ("visitor", fingerprint), lambda: doors.visitor_of_app(host, token))
    return _opened(here, ("app",), doors.app_itself)


def _local(here: Visit) -> Workspace:
    slot = st.empty()

    def progress(seconds: float) -> None:
        slot.info(
            f"Starting the local workspace: real small models on this machine. {seconds:.0f} s",
            icon=":material/hourglass_top:",
        )

    address = embedded().address(progress=progress)
    slot.empty()
    return _opened(here, ("local", address.host, here.local_user), lambda: doors.local(address, here.local_user))


def _opened(here: Visit, key: tuple[str, ...], connect: Callable[[], Workspace]) -> Workspace:
    if key not in here.opened:
        with st.spinner("Connecting", show_time=True):
            made = connect()  # outside the lock: it may take long, and others want to leave
        with here.lock:
            here.opened.setdefault(key, made)
            while len(here.opened) > KEPT_WORKSPACES:
                here.forget(here.opened.popitem(last=False)[1])  # an older token of the same visitor
    return here.opened[key]
