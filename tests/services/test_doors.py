"""The doors to a workspace: hosts as people paste them, identities kept apart, tokens kept to themselves."""

import copy
import gc
import logging
import pickle
import time
import traceback

import pytest

from services.doors import app_itself, local, machine, normal_host, typed, visitor_of_app
from services.endpoints import list_endpoints
from services.errors import BadInput, PlaygroundError, Unauthenticated, Unreachable
from services.local import LocalAddress
from services.workspace import Door
from tests.services.chats import CHAT, TOKEN, asking, at, chat
from tests.services.replies import says, stream, whole

ME = {"userName": "someone@example.com", "displayName": "Some One", "groups": [{"display": "users"}, {}, 7]}


# --- hosts


@pytest.mark.parametrize(
    ("pasted", "host"),
    [
        ("https://dbc-1.cloud.databricks.com", "https://dbc-1.cloud.databricks.com"),
        ("https://dbc-1.cloud.databricks.com/", "https://dbc-1.cloud.databricks.com"),
        ("  dbc-1.cloud.databricks.com\n", "https://dbc-1.cloud.databricks.com"),
        ("https://adb-7.7.azuredatabricks.net/?o=7#folder/1", "https://adb-7.7.azuredatabricks.net"),
        ("adb-7.7.azuredatabricks.net/ml/endpoints/x?o=7", "https://adb-7.7.azuredatabricks.net"),
        ("HTTPS://DBC-1.Cloud.Databricks.com", "https://dbc-1.cloud.databricks.com"),
        ("https://staging-shop.example.com", "https://staging-shop.example.com"),
        ("httpshop.example.com", "https://httpshop.example.com"),
        ("https://x.example:443", "https://x.example"),
        ("https://x.example:8443/path", "https://x.example:8443"),
        ("x.example:8443", "https://x.example:8443"),
        ("http://localhost:41873/", "http://localhost:41873"),
        ("http://127.0.0.1:41873", "http://127.0.0.1:41873"),
        ("http://[::1]:41873", "http://[::1]:41873"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://작업.example", "https://작업.example"),
    ],
)
def test_a_host_is_found_in_what_people_paste(pasted, host):
    assert normal_host(pasted) == host
    assert normal_host(host) == host


@pytest.mark.parametrize(
    "pasted",
    [
        "", "   ", "\n", "https://", "https:///path", "://x", "?o=7",
        "javascript:alert(1)", "javascript://x/%0aalert(1)", "ftp://x.example", "file:///etc/passwd", "data:text/html,x",
        "https://user:password@x.example", "https://user@x.example", "user@x.example", "https://:password@x.example",
        "https://@x.example", "my workspace", "https://my workspace", "x.example:port", "x.example:99999", "https://[half",
        "https://exa<mple>.com", "https://x.example\\@evil.example", "https://a,b", "https://%20", '"x"',
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_workspace_is_refused_with_a_next_step(pasted):
    with pytest.raises(BadInput) as refusal:
        normal_host(pasted)
    assert refusal.value.hint


@pytest.mark.parametrize(
    "pasted", ["http://x.example", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://0.0.0.0"]
)
def test_a_token_does_not_travel_over_http_to_another_machine(pasted):
    with pytest.raises(BadInput, match="must not travel over http"):
        normal_host(pasted)


TOKENS = [
    TOKEN,
    "dapi0123456789abcdef0123456789abcdef-2",
    "dose0123456789abcdef0123456789abcdef",
    "dkea0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
    "x" * 81,
]


@pytest.mark.parametrize("form", ["{}", " {}\n", "https://{}", "Bearer {}", "{}/", "{}:443", "{}."])
@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_the_hosts_place_is_refused_without_repeating_it(token, form):
    with pytest.raises(BadInput) as refusal:
        normal_host(form.format(token))
    assert refusal.value.message == "That looks like a token, not a host."
    assert token not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("form", ["https://token:{}@x.example", "x.example:{}", "my workspace {}", "user@x.example {}"])
def test_a_token_beside_a_host_is_not_repeated_either(form):
    with pytest.raises(BadInput) as refusal:
        normal_host(form.format(TOKEN))
    assert TOKEN not in "".join(traceback.format_exception(refusal.value)) + refusal.value.hint


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(BadInput) as refusal:
        normal_host("https://someone:canary@x.example")
    assert "canary" not in refusal.value.message + refusal.value.hint


def test_a_sentence_repeats_no_more_than_the_start_of_what_was_typed():
    for pasted in ("y z" * 1000, "x.example:port" * 1000, f"https://[{'y.' * 1000}"):
        with pytest.raises(BadInput) as refusal:
            normal_host(pasted)
        assert pasted[:50] in refusal.value.message
        assert pasted[:61] not in refusal.value.message


@pytest.mark.parametrize("pasted", ["workspace", "https://workspace/", "workspace.", "."])
def test_a_name_without_a_dot_is_no_host(pasted):
    with pytest.raises(BadInput, match="not the address of a workspace"):
        normal_host(pasted)


@pytest.mark.parametrize("host", ["dapi-gateway.example.com", "dose.example", "gateway:8443", "localhost", "127.0.0.1"])
def test_a_host_that_only_begins_like_a_token_or_has_no_dot_but_a_port_is_one(host):
    assert normal_host(host) == f"https://{host}"


def test_an_unusual_host_is_refused_by_every_door_that_is_told_one():
    for door in (typed, visitor_of_app):
        with pytest.raises(BadInput):
            door("http://x.example", TOKEN)


# --- tokens


@pytest.mark.parametrize("token", ["", "  ", "\n"])
def test_no_token_is_told_as_such(token):
    with pytest.raises(BadInput, match="No token"):
        typed("https://x.example", token)


@pytest.mark.parametrize(
    "token", ["dapi 123", "Bearer dapi123", "dapi\n123", "dapi\x00", "토큰", "dapi“123”", "a\tb", "\ud800"]
)
def test_what_cannot_be_a_token_is_refused_without_repeating_it(token):
    with pytest.raises(BadInput) as refusal:
        typed("https://x.example", token)
    assert token not in refusal.value.message + refusal.value.hint


def test_spaces_around_a_token_are_taken_off(local_workspace):
    assert typed(local_workspace.host, f"  {local_workspace.token}\n").identity().user_name == "admin@local"


def test_a_token_is_in_no_text_that_a_workspace_leaves_behind(make_reply_server, caplog):
    caplog.set_level(logging.DEBUG)
    server = make_reply_server(stream(says("a", finish_reason="stop")))
    workspace = at(server)
    good = chat(workspace)
    server.script = whole({"error_code": 403, "message": "Invalid access token."}, 403)
    bad = chat(workspace)
    with pytest.raises(PlaygroundError) as caught:
        workspace.identity()
    errors = [bad.error, caught.value]
    left = [
        repr(workspace),
        str(workspace),
        repr(workspace._session),
        repr(workspace._session.auth),
        repr(good.call.record),
    ]
    left += [
        repr(bad.call.record),
        repr(bad.call),
        str(vars(workspace)),
        repr(LocalAddress("h", {"admin": TOKEN}, None, "")),
    ]
    left += ["".join(traceback.format_exception(error)) for error in errors]
    left += [f"{error.message} {error.hint} {error.raw}" for error in errors]
    left.append(caplog.text)
    assert all(TOKEN not in text for text in left)
    assert good.call.record.request_headers["Authorization"] == "[redacted]"
    assert server.posts()[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_workspace_cannot_be_copied_out_with_its_token():
    workspace = typed("https://x.example", TOKEN)
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            way(workspace)


def test_the_sdks_client_says_nothing_of_the_token(local_workspace):
    workspace = typed(local_workspace.host, local_workspace.token)
    assert local_workspace.token not in repr(workspace.sdk.config) + str(workspace.sdk) + str(vars(workspace))


def test_a_password_in_netrc_does_not_replace_the_token(make_reply_server, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = make_reply_server(whole({"userName": "someone@example.com"}))
    workspace = at(server)
    chat(workspace)
    workspace.identity()
    workspace.sdk.current_user.me()
    assert len(server.received) >= 3
    signed = {one.headers.get("Authorization") for one in server.received if "well-known" not in one.path}
    assert signed == {f"Bearer {TOKEN}"}


# --- identities


def test_each_identity_is_told_as_who_it_is(local_workspace, workspace, analyst):
    assert (workspace.identity().user_name, analyst.identity().user_name) == ("admin@local", "analyst@local")
    assert workspace.identity().groups == ("users", "admins")
    assert analyst.identity().display_name == "Local analyst"


def test_two_people_at_once_stay_who_they_are(local_workspace, workspace, analyst):
    local_workspace.clear()
    for turn in (workspace, analyst, workspace, analyst):
        chat(turn, asking(max_tokens=1))
        turn.identity()
    users = [entry.user for entry in local_workspace.requests()]
    assert users == ["admin", "admin", "analyst", "analyst"] * 2


@pytest.mark.parametrize(
    ("me", "shown", "groups"),
    [
        (ME, "Some One", ("users",)),
        ({"userName": "an-application-id"}, "an-application-id", ()),
        ({"userName": "a", "displayName": None, "groups": "x"}, "a", ()),
    ],
)
def test_an_identity_is_read_from_what_there_is(make_reply_server, me, shown, groups):
    identity = at(make_reply_server(whole(me))).identity()
    assert (identity.user_name, identity.display_name, identity.groups) == (me["userName"], shown, groups)


@pytest.mark.parametrize("me", [[], {}, {"userName": 7}, '"x"', None])
def test_a_host_that_does_not_say_who_we_are_is_no_workspace(make_reply_server, me):
    with pytest.raises(PlaygroundError) as caught:
        at(make_reply_server(whole(me))).identity()
    assert "connection page" in caught.value.hint


# --- door 1: Databricks Apps


@pytest.fixture
def databricks_app(local_workspace, monkeypatch):
    """The environment of a Databricks App: its service principal is the local workspace's analyst."""
    monkeypatch.setenv("DATABRICKS_APP_NAME", "brickyard")
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "analyst")
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", local_workspace.users["analyst"])


def test_an_app_acts_as_its_service_principal(local_workspace, databricks_app):
    workspace = app_itself()
    assert workspace.door is Door.DATABRICKS_APP
    assert workspace.identity().user_name == "analyst@local"
    local_workspace.queue_fault("scripted-0-1", asking().path)
    assert chat(workspace).error is None
    assert local_workspace.last_request(asking().path).user == "analyst"
    assert local_workspace.users["analyst"] not in repr(workspace) + str(vars(workspace))


def test_a_visitor_of_an_app_is_not_the_app(local_workspace, databricks_app):
    """The SDK refuses a token beside a service principal's credentials: “more than one authorization method”."""
    visitor = visitor_of_app(local_workspace.host, local_workspace.users["admin"])
    assert visitor.door is Door.DATABRICKS_APP
    assert visitor.identity().user_name == "admin@local"
    assert visitor.sdk.current_user.me().user_name == "admin@local"


def test_a_visitor_whose_token_is_stale_is_told_to_reload(local_workspace, databricks_app):
    local_workspace.queue_fault("return-401", "/api/2.0/preview/scim/v2/Me")
    with pytest.raises(Unauthenticated, match="did not accept the sign-in") as caught:
        visitor_of_app(local_workspace.host, local_workspace.users["admin"]).identity()
    assert "reloading" in caught.value.hint


# --- door 2 beside an environment of somebody else's


def test_what_was_typed_is_not_mixed_with_what_the_machine_knows(
    local_workspace, databricks_app, monkeypatch, tmp_path
):
    config = tmp_path / "databrickscfg"
    config.write_text("[other]\nhost = https://other.example\ntoken = dapi-other\naccount_id = 1\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    for profile in ("other", "missing"):
        monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", profile)
        workspace = typed(local_workspace.host, local_workspace.users["admin"])
        assert workspace.host == local_workspace.host
        assert workspace.sdk.config.host == local_workspace.host
        assert workspace.sdk.config.account_id is None
        assert workspace.sdk.current_user.me().user_name == "admin@local"


# --- door 3: the machine


def test_the_machine_is_who_its_environment_says(local_workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    workspace = machine()
    assert (workspace.door, workspace.host) == (Door.MACHINE, local_workspace.host)
    assert workspace.identity().user_name == "analyst@local"
    assert workspace.sdk.current_user.me().user_name == "analyst@local"


def test_the_machine_is_who_the_named_profile_says(local_workspace, monkeypatch, tmp_path):
    config = tmp_path / "databrickscfg"
    sections = [
        f"[{user}]\nhost = {local_workspace.host}/\ntoken = {token}\n" for user, token in local_workspace.users.items()
    ]
    config.write_text("\n".join(sections))
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    for user in local_workspace.users:
        workspace = machine(user)
        assert workspace.host == local_workspace.host
        assert workspace.identity().user_name == f"{user}@local"
        assert user in workspace.acting_as


def test_the_machine_may_be_a_service_principal(local_workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "admin")
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", local_workspace.users["admin"])
    assert machine().identity().user_name == "admin@local"


def test_a_profile_that_is_not_there_is_named(tmp_path, monkeypatch):
    config = tmp_path / "databrickscfg"
    config.write_text("[there]\nhost = https://x.example\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    with pytest.raises(Unauthenticated, match="missing") as caught:
        machine("missing")
    assert "connection page" in caught.value.hint


def test_a_machine_that_knows_nothing_says_that_signing_in_failed():
    with pytest.raises(Unauthenticated, match="Signing in"):
        machine()


def test_a_wrong_client_secret_is_told_without_the_secret(local_workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "admin")
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", TOKEN)
    with pytest.raises(PlaygroundError) as caught:
        machine().identity()
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.hint


# --- door 4


def test_the_local_workspace_has_two_users(local_workspace):
    address = LocalAddress(local_workspace.host, local_workspace.users, None, "")
    for user in ("admin", "analyst"):
        workspace = local(address, user)
        assert workspace.door is Door.LOCAL
        assert workspace.identity().user_name == f"{user}@local"


# --- time


def test_a_host_that_does_not_answer_is_given_up_within_seconds():
    began = time.monotonic()
    workspace = typed("http://127.0.0.1:9", TOKEN)
    with pytest.raises(Unreachable):
        workspace.identity()
    with pytest.raises(Unreachable):
        list_endpoints(workspace)
    assert chat(workspace).error is not None
    assert time.monotonic() - began < 30  # the SDK's own patience is 300 s; alone it takes one


def test_the_connections_of_a_workspace_go_with_it(local_workspace):
    workspace = typed(local_workspace.host, local_workspace.token)
    local_workspace.queue_fault("scripted-0-1", asking(endpoint=CHAT).path)
    assert chat(workspace).error is None
    workspace.close()
    gc.collect()
    assert chat(workspace, asking(max_tokens=1)).error is None, "A workspace can still be used after close()."
    workspace.close()


def test_a_forgotten_workspace_signs_nothing_in_any_more_wherever_it_is_held(local_workspace):
    workspace = typed(local_workspace.host, local_workspace.token)
    assert workspace.identity().user_name
    token = local_workspace.token
    workspace.forget()
    for use in (workspace.identity, lambda: workspace.sdk, lambda: workspace.change("POST", "/x", {}, name="x")):
        with pytest.raises(Unauthenticated, match="was forgotten here") as caught:
            use()
        assert "connection page" in caught.value.hint
    signing = [workspace._credentials, workspace._make_client]
    assert token not in repr([cell.cell_contents for one in signing for cell in one.__closure__])
