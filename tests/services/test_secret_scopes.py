"""Secret scopes as the app sees and changes them, over HTTP."""

import base64
import itertools
import json
import time
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import (
    AlreadyExists,
    BadInput,
    NotFound,
    PermissionDenied,
    PlaygroundError,
    RawReply,
    UnexpectedReply,
)
from services.secret_scopes import (
    MAX_VALUE,
    Acl,
    Permission,
    Secret,
    SecretReference,
    SecretScope,
    check_references,
    checked_key,
    checked_scope,
    create_secret_scope,
    delete_acl,
    delete_secret,
    delete_secret_scope,
    get_scope_contents,
    list_acls,
    list_secret_scopes,
    list_secrets,
    my_permission,
    put_acl,
    put_secret,
)
from services.secret_scopes.withholding import PIECE, without_value
from tests.local_workspace.calls import call
from tests.services.chats import at
from tests.services.replies import Exchange, whole

CANARY = 'sk-canary/+of "the" scopes\' tests-벽돌-0123456789'
_numbers = itertools.count(1)


@pytest.fixture
def scope(workspace):
    """A scope of the test's own."""
    name = f"tested-{next(_numbers)}"
    create_secret_scope(workspace, name)
    yield name
    if name in [one.name for one in list_secret_scopes(workspace)]:
        delete_secret_scope(workspace, name)


def value_of(local_workspace, scope, key) -> bytes:
    found = call(local_workspace, "GET", f"/api/2.0/secrets/get?scope={scope}&key={key}").json()
    return base64.b64decode(found["value"])


def everything(error: BaseException) -> str:
    """All that a log or a page could show of an error, its causes included."""
    shown = "".join(traceback.format_exception(error))
    while error is not None:
        shown += f"{error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    return shown


# --- reading


def test_a_scope_is_listed_until_it_is_deleted(workspace, scope):
    assert SecretScope(scope, "DATABRICKS") in list_secret_scopes(workspace)
    delete_secret_scope(workspace, scope)
    assert scope not in [one.name for one in list_secret_scopes(workspace)]


def test_keys_are_listed_by_name_with_their_time_and_without_their_value(workspace, scope):
    for key in ("b.key", "A-key"):
        put_secret(workspace, scope, key, CANARY)
    secrets = list_secrets(workspace, scope)
    assert [one.key for one in secrets] == ["A-key", "b.key"]
    assert all(one.updated_ms > 1_700_000_000_000 for one in secrets)
    assert CANARY not in repr(secrets)


def test_a_new_scope_is_the_creators_alone_or_everybodys(workspace, scope):
    assert list_acls(workspace, scope) == [Acl("admin@local", "MANAGE")]
    create_secret_scope(workspace, f"{scope}-all", managed_by_all=True)
    try:
        assert list_acls(workspace, f"{scope}-all") == [Acl("users", "MANAGE")]
    finally:
        delete_secret_scope(workspace, f"{scope}-all")


def test_contents_and_permission_are_what_the_workspace_says(workspace, analyst, scope):
    put_secret(workspace, scope, "key", CANARY)
    assert my_permission(workspace, scope).label == "MANAGE"
    closed = get_scope_contents(analyst, scope)
    assert (closed.secrets, closed.acls, closed.mine.label) == ((), (), "none")
    assert isinstance(closed.secrets_error, PermissionDenied)
    put_acl(workspace, scope, "analyst@local", Permission.READ)
    opened = get_scope_contents(analyst, scope)
    assert [one.key for one in opened.secrets] == ["key"]
    assert opened.mine.label == "READ or WRITE"
    assert (opened.mine.reads, opened.mine.writes, opened.mine.manages) == (True, None, False)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (500, {"error_code": "INTERNAL_ERROR", "message": ""}),
        (403, {"message": "does not have required scopes: secrets"}),
    ],
)
def test_a_permission_that_the_workspace_does_not_tell_is_unknown(make_reply_server, status, refusal):
    mine = my_permission(at(make_reply_server(whole(refusal, status))), "any")
    assert mine.label == "unknown"
    assert (mine.reads, mine.writes, mine.manages) == (None, None, None)


def test_a_scope_that_is_not_there_is_named(workspace):
    with pytest.raises(NotFound, match="There is no secret scope no-such"):
        get_scope_contents(workspace, "no-such")


def test_empty_lists_may_be_left_out_and_odd_entries_are(make_reply_server):
    assert list_secret_scopes(at(make_reply_server(whole({})))) == []
    odd = {"secrets": [None, {"key": 3}, {"key": "a", "last_updated_timestamp": "17"}, {"key": "b"}, {"key": "c",
           "last_updated_timestamp": True}]}  # fmt: skip
    assert list_secrets(at(make_reply_server(whole(odd))), "s") == [
        Secret("a", 17),
        Secret("b", None),
        Secret("c", None),
    ]


@pytest.mark.parametrize("reply", [[], "x", {"scopes": "x"}, {"scopes": {"a": 1}}])
def test_what_is_no_list_is_told(make_reply_server, reply):
    with pytest.raises(UnexpectedReply, match="the list of secret scopes"):
        list_secret_scopes(at(make_reply_server(whole(reply))))


def test_a_key_vault_scope_is_read_only(make_reply_server):
    reply = {"scopes": [{"name": "kv", "backend_type": "AZURE_KEYVAULT"}, {"name": "db", "backend_type": "DATABRICKS"}]}
    assert [(one.name, one.read_only) for one in list_secret_scopes(at(make_reply_server(whole(reply))))] == [
        ("db", False),
        ("kv", True),
    ]


@pytest.mark.parametrize("name", ["a&scope=b", "a/../b", "벽", "a#b", "a b"])
def test_a_name_cannot_change_the_question(make_reply_server, name):
    server = make_reply_server(whole({}))
    list_secrets(at(server), name)
    assert server.received[0].path.startswith("/api/2.0/secrets/list?scope=")
    assert server.received[0].path.count("&") == server.received[0].path.count("#") == 0


# --- putting


@pytest.mark.parametrize(
    "value", [CANARY, " ends in a newline\n", b"bytes \xff\x00", "벽돌".encode(), "x" * MAX_VALUE, b"\xff" * MAX_VALUE]
)
def test_a_value_is_kept_byte_for_byte_and_sent_once(workspace, local_workspace, scope, value):
    local_workspace.clear()
    put_secret(workspace, scope, "key", value)
    assert [one.path for one in local_workspace.requests()] == ["/api/2.0/secrets/put"]
    assert value_of(local_workspace, scope, "key") == (value.encode() if isinstance(value, str) else value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("", CANARY, "No name was typed for the key"),
        ("a key", CANARY, "a space may not be in it"),
        ("a/b", CANARY, "“/” may not be in it"),
        ("벽", CANARY, "“벽” may not be in it"),
        ("a@b", CANARY, "“@” may not be in it"),
        ("k" * 129, CANARY, "has 129 characters"),
        ("key", "", "The value is empty"),
        ("key", b"", "The value is empty"),
        ("key", "벽" * (MAX_VALUE // 3 + 1), "131,073 bytes; a secret takes 131,072"),
        ("key", "\ud800" + CANARY, "half a character"),
    ],
)
def test_what_cannot_be_kept_is_not_sent_and_the_value_is_in_no_error(workspace, local_workspace, key, value, said):
    local_workspace.clear()
    with pytest.raises(BadInput) as caught:
        put_secret(workspace, "any", key, value)
    assert said in caught.value.message
    assert CANARY not in caught.value.message + caught.value.hint
    assert local_workspace.requests() == []


@pytest.mark.parametrize("name", ["", "a b", "<scope>", "s" * 129, "a/b", "벽"])
def test_a_scopes_name_is_checked_before_it_is_sent(workspace, local_workspace, name):
    local_workspace.clear()
    with pytest.raises(BadInput):
        create_secret_scope(workspace, name)
    assert local_workspace.requests() == []


@pytest.mark.parametrize(
    "typed",
    [
        "sk-canary-7d1f5a9e3c2b8046",
        "dapi" + "0a" * 16,
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 12,
        "AIza" + "Sy" * 18,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.sig",
        "Az09" * 21,
        "Az09 /+" * 40,
    ],
)
def test_a_key_is_refused_as_a_name_and_not_repeated(typed):
    for check in (checked_key, checked_scope):
        with pytest.raises(BadInput, match="looks like a key itself") as caught:
            check(typed)
        assert typed[:12] not in caught.value.message + caught.value.hint
    for name in ("openai-api-key", "k" * 60):
        assert (checked_key(name), checked_scope(name)) == (name, name)


def test_a_scope_that_is_there_is_said_to_be(workspace, scope):
    with pytest.raises(AlreadyExists, match=f"There is already a secret scope {scope}"):
        create_secret_scope(workspace, scope)


def test_who_may_not_is_told_what_and_nothing_is_changed(workspace, analyst, scope):
    put_secret(workspace, scope, "key", CANARY)
    for change in (
        lambda: put_secret(analyst, scope, "key", CANARY),
        lambda: delete_secret(analyst, scope, "key"),
        lambda: delete_secret_scope(analyst, scope),
        lambda: put_acl(analyst, scope, "analyst@local", Permission.MANAGE),
        lambda: delete_acl(analyst, scope, "admin@local"),
    ):
        with pytest.raises(PermissionDenied, match="You may not change") as caught:
            change()
        assert CANARY not in everything(caught.value)
    assert [one.key for one in list_secrets(workspace, scope)] == ["key"]


def test_permissions_are_granted_replaced_and_revoked(workspace, scope):
    put_acl(workspace, scope, " analyst@local ", Permission.READ)
    put_acl(workspace, scope, "analyst@local", Permission.WRITE)
    assert Acl("analyst@local", "WRITE") in list_acls(workspace, scope)
    delete_acl(workspace, scope, "analyst@local")
    assert list_acls(workspace, scope) == [Acl("admin@local", "MANAGE")]
    with pytest.raises(BadInput, match="No name was typed"):
        put_acl(workspace, scope, "  ", Permission.READ)
    with pytest.raises(PlaygroundError, match="nobody@local does not exist"):
        put_acl(workspace, scope, "nobody@local", Permission.READ)


# --- a server that repeats the value


ENCODINGS = {
    "as it is": lambda value: value,
    "as JSON": lambda value: json.dumps({"string_value": value}),
    "as base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 of the whole body": lambda value: base64.b64encode(f'{{"string_value": "{value}"}}'.encode()).decode(),
    "as hex": lambda value: value.encode().hex(),
    "its beginning": lambda value: value[:12],
    "as HTML": lambda value: "".join(f"&#{ord(sign)};" for sign in value),
    "as a URL": lambda value: "".join(f"%{ord(sign):02x}" for sign in value),
    "as JSON that escapes all": lambda value: "".join(f"\\u{ord(sign):04x}" for sign in value),
}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 429, 500, 503])
@pytest.mark.parametrize("repeated", ENCODINGS.values(), ids=ENCODINGS)
def test_a_server_that_repeats_the_value_does_not_get_it_shown(make_reply_server, status, repeated):
    echo = repeated(CANARY)
    reply = whole({"error_code": "BAD", "message": f"No: {echo}"}, status)
    with pytest.raises(PlaygroundError) as caught:
        put_secret(at(make_reply_server(reply)), "scope", "key", CANARY)
    shown = everything(caught.value)
    assert "scope/key" in caught.value.message
    assert caught.value.hint
    assert echo not in shown
    assert CANARY[:PIECE] not in shown


@pytest.mark.parametrize("status", [200, 302, 502])
def test_neither_does_one_that_repeats_it_in_what_is_no_json(make_reply_server, status):
    def echo(exchange: Exchange) -> None:
        body = f"<html><title>{CANARY}</title>".encode()
        exchange.head(status, content_type="text/html", content_length=str(len(body)))
        exchange.send(body)

    with pytest.raises(PlaygroundError) as caught:
        put_secret(at(make_reply_server(echo)), "scope", "key", CANARY)
    assert CANARY[:PIECE] not in everything(caught.value)


def test_bytes_are_withheld_too(make_reply_server):
    value = b"\xff" + CANARY.encode()
    reply = whole({"message": base64.b64encode(value).decode()}, 400)
    with pytest.raises(PlaygroundError) as caught:
        put_secret(at(make_reply_server(reply)), "scope", "key", value)
    assert base64.b64encode(value).decode()[:20] not in everything(caught.value)


def test_looking_for_the_largest_value_stops_the_server_for_no_more_than_a_moment():
    refusal = PlaygroundError("no " * 300, "hint", raw=RawReply(500, "no " * 6_000))
    began = time.process_time()
    kept = without_value(refusal, bytes(range(256)) * 512, name="secret a/b")
    assert time.process_time() - began < 2.5  # by looking up each piece of the value it was 6 s, for everybody
    assert kept.message == refusal.message


def test_a_refusal_that_does_not_repeat_it_is_shown_whole(make_reply_server):
    reply = whole({"error_code": "RESOURCE_LIMIT_EXCEEDED", "message": "The scope is full"}, 400)
    with pytest.raises(PlaygroundError, match="The scope is full") as caught:
        put_secret(at(make_reply_server(reply)), "scope", "key", CANARY)
    assert "The scope is full" in caught.value.raw.body


@given(st.text(min_size=PIECE), st.integers(0, 5), st.text(max_size=20), st.text(max_size=20))
def test_no_piece_of_a_value_gets_through(value, start, before, after):
    value = "".join(sign for sign in value if not 0xD800 <= ord(sign) < 0xE000).ljust(PIECE, "x")
    piece = value[min(start, len(value) - PIECE) :][:PIECE]
    kept = without_value(PlaygroundError(before + piece + after, "hint"), value, name="secret a/b")
    assert "not shown" in kept.message


# --- references


def test_references_are_checked_with_one_call_for_a_scope(workspace, local_workspace, scope):
    put_secret(workspace, scope, "there", CANARY)
    there, gone = SecretReference(scope, "there"), SecretReference(scope, "gone")
    local_workspace.clear()
    answer = check_references(workspace, [there, gone, SecretReference(scope.upper(), "THERE"), there])
    assert answer == {gone: f"There is no key gone in secret scope {scope}."}
    assert [one.path for one in local_workspace.requests()] == ["/api/2.0/secrets/list"]


def test_a_reference_to_no_scope_or_a_closed_one_has_a_sentence(workspace, analyst, scope):
    missing, closed = SecretReference("no-such", "key"), SecretReference(scope, "key")
    answer = check_references(analyst, [missing, closed])
    assert answer[missing] == "There is no secret scope no-such."
    assert answer[closed].startswith(f"You may not see secret scope {scope}")
    assert check_references(workspace, []) == {}


def test_a_reference_that_cannot_be_checked_is_said_so(make_reply_server):
    reference = SecretReference("scope", "key")
    answer = check_references(at(make_reply_server(whole({"message": "down"}, 500))), [reference])
    assert answer[reference].startswith("It could not be checked")
