"""Connection: which workspace, through which door, as whom."""

import streamlit as st

from services.settings import Settings
from services.workspace import Door
from ui.banner import banner
from ui.connecting import Typed, current_door, forget_typed, local_shell_line, use_door, use_typed, workspace
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.session import forwarded_token, remembered, visit


def databricks_app(settings: Settings) -> None:
    if not settings.databricks_app:
        st.caption("Only where Brickyard runs as a Databricks App.")
        return
    if forwarded_token():
        st.button("Act as yourself", key="door-visitor", on_click=use_door, args=(Door.DATABRICKS_APP,))
    else:
        st.caption("User authorization is off for this app, so it acts as its own service principal.")
    st.button("Act as the app", key="door-app", on_click=use_door, args=(Door.DATABRICKS_APP,), kwargs={"as_app": True})


def this_session() -> None:
    st.caption(
        "Kept in memory for this browser only, until you forget it or stay away for 12 hours: never in a file, a log or code."
    )
    typed = remembered(Typed)
    with st.form("typed", border=False):
        st.text_input("Host", key="connection.host", placeholder="https://dbc-….cloud.databricks.com")
        st.text_input("Token", key="connection.token", type="password", autocomplete="off")
        st.form_submit_button(
            "Connect",
            key="door-session",
            type="primary",
            on_click=typed.take_from,
            args=("connection.host", "connection.token"),
        )
    if typed.waiting:
        with showing_errors():
            with st.spinner("Asking the workspace who you are", show_time=True):
                use_typed(typed)
            st.rerun()
    if visit().typed is not None:
        if current_door() is not Door.SESSION:
            st.button("Use the typed token again", key="door-session-again", on_click=use_door, args=(Door.SESSION,))
        st.button("Forget the typed token", key="door-session-forget", on_click=forget_typed)


def this_machine(settings: Settings) -> None:
    if settings.machine_host:
        st.markdown(f"The environment names {code(settings.machine_host)}.")
    if settings.machine_configured:
        st.button("Use this machine's sign-in", key="door-machine", on_click=use_door, args=(Door.MACHINE,))
    elif not settings.profiles:
        st.caption("Neither the environment nor a config file names a workspace.")
    for name in settings.profiles:
        st.button(
            f"Profile {literal(name)}",
            key=f"door-profile-{name}",
            on_click=use_door,
            args=(Door.MACHINE,),
            kwargs={"profile": name},
        )


def local_workspace() -> None:
    st.caption("Real small models on this machine; nothing of Databricks is needed.")
    for user, may in (("admin", "may do everything"), ("analyst", "may do what was granted")):
        st.button(
            f"As {user}: {may}",
            key=f"door-local-{user}",
            on_click=use_door,
            args=(Door.LOCAL,),
            kwargs={"local_user": user},
        )


def draw(door: Door, settings: Settings) -> None:
    match door:
        case Door.DATABRICKS_APP:
            databricks_app(settings)
        case Door.SESSION:
            this_session()
        case Door.MACHINE:
            this_machine(settings)
        case Door.LOCAL:
            local_workspace()


st.title("Connection")
top = st.container()  # filled last: a host that does not answer must not hide the other doors
settings = Settings.from_environment()
st.markdown("Four doors lead to a workspace. Without a choice the first one that is there is taken.")
for door in Door:
    with st.container(border=True):
        st.header(f"{door.value}{' (in use)' if door is current_door() else ''}")
        draw(door, settings)
with top, showing_errors():
    banner(workspace(), link=False)
    if line := local_shell_line():
        st.caption("To run code from here against it, as its admin, say this in a shell on this machine first:")
        st.code(line, language="bash")
