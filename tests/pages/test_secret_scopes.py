import base64
import itertools
from io import BytesIO

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspace.calls import call
from tests.local_workspace.secrets_calls import get, post
from tests.local_workspace.serving_calls import create
from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from tests.pages.secret_forms import newest

CANARY = "sk-canary-of-the-secrets-page"
_numbers = itertools.count(1)


@pytest.fixture
def endpoint(local_workspace: LocalWorkspace, scope: str):
    """An endpoint that names the scope's key."""
    name = f"chat-of-{scope}"
    keys = {"openai_api_key": f"{{{{secrets/{scope}/there}}}}"}
    model = {"provider": "openai", "name": "gpt", "task": "llm/v1/chat", "openai_config": keys}
    create(local_workspace, name, {"name": "gpt", "external_model": model})
    yield name
    call(local_workspace, "DELETE", f"/api/2.0/serving-endpoints/{name}")


@pytest.fixture
def as_analyst(local_workspace: LocalWorkspace, open_page: OpenPage, monkeypatch) -> OpenPage:
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    return open_page


def opened(open_page: OpenPage, scope: str) -> AppTest:
    return open_page("secret_scopes").button(key=f"secrets.open.{scope}").click().run()


def looked(page: AppTest) -> AppTest:
    """The page once it knows who uses what."""

    def still() -> bool:
        return any("Looking which" in one.value or "Checking the" in one.value for one in page.run().caption)

    eventually(lambda: not still())
    return page


def sent(local_workspace: LocalWorkspace) -> list[str]:
    """The changes of secrets that the page has sent, in their order."""
    prefix = "/api/2.0/secrets/"
    ours = [one for one in local_workspace.requests() if one.headers.get("user-agent") == "brickyard"]
    return [one.path.removeprefix(prefix) for one in ours if one.method == "POST" and one.path.startswith(prefix)]


def keys(local_workspace: LocalWorkspace, scope: str) -> list[str]:
    return [one["key"] for one in get(local_workspace, "list", scope=scope).json().get("secrets", [])]


def value_of(local_workspace: LocalWorkspace, scope: str, key: str) -> bytes:
    return base64.b64decode(get(local_workspace, "get", scope=scope, key=key).json()["value"])


def words(page: AppTest) -> str:
    """All prose of the page, without the marks that keep it from being Markdown."""
    parts = [*page.markdown, *page.caption, *page.success, *page.error, *page.warning, *page.info]
    return " ".join(part.value for part in parts).replace("\\", "")


def held(page: AppTest) -> str:
    """Every text in the session's state, also what a repr hides."""
    texts: list[str] = []
    waiting: list[object] = list(page.session_state.to_dict().values())
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, (str, bytes)):
            texts.append(one if isinstance(one, str) else one.decode("latin-1"))
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif isinstance(one, BytesIO):
            waiting.append(one.getvalue())
        else:
            waiting.append(getattr(one, "__dict__", ()))
    return "\n".join(texts)


def type_secret(page: AppTest, key: str, value: str) -> AppTest:
    newest(page.text_input, "secrets.put.key-name").set_value(key).run()
    newest(page.text_input, "secrets.put.value").set_value(value)
    return newest(page.button, "secrets.put.store").click().run()


# --- scopes


def test_a_scope_is_created_opened_and_said_to_be(open_page: OpenPage, local_workspace: LocalWorkspace):
    name = f"made-{next(_numbers)}"
    page = open_page("secret_scopes")
    page.text_input(key="secrets.new-name").set_value(name).run()
    page.button(key="secrets.create").click().run()
    assert page.success[0].value == f"Secret scope `{name}` was created. Store a key in it below."
    assert f"`{name}`" in page.header[0].value
    assert page.query_params["scope"] == name
    assert sent(local_workspace) == ["scopes/create"]
    assert not page.run().exception
    assert sent(local_workspace) == ["scopes/create"]
    post(local_workspace, "scopes/delete", scope=name)


@pytest.mark.parametrize(
    ("name", "said", "calls"),
    [
        ("", "No name was typed", []),
        ("two words", "a space may not be in it", []),
        ("{scope}", "already", ["scopes/create"]),
    ],
)
def test_a_scope_that_cannot_be_created_says_why_and_the_name_stays(
    name, said, calls, open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = open_page("secret_scopes")
    page.text_input(key="secrets.new-name").set_value(name.format(scope=scope)).run()
    page.button(key="secrets.create").click().run()
    assert said in page.error[0].value.replace("\\", "")
    assert page.text_input(key="secrets.new-name").value == name.format(scope=scope)
    assert sent(local_workspace) == calls


def test_a_workspace_without_scopes_says_what_they_are_for(make_local_workspace, open_page: OpenPage, monkeypatch):
    empty = make_local_workspace()
    monkeypatch.setenv("DATABRICKS_HOST", empty.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", empty.token)
    assert "There is no secret scope in this workspace yet" in open_page("secret_scopes").info[0].value


def test_many_scopes_can_be_searched(open_page: OpenPage, local_workspace: LocalWorkspace):
    names = [f"many-{number}" for number in range(9)]
    for name in names:
        post(local_workspace, "scopes/create", scope=name)
    page = open_page("secret_scopes")
    page.text_input(key="secrets.search").set_value("ANY-7").run()
    assert [one.key for one in page.button if str(one.key).startswith("secrets.open.")] == ["secrets.open.many-7"]
    for name in names:
        post(local_workspace, "scopes/delete", scope=name)


def test_an_address_of_no_scope_says_so_and_shows_the_list(open_page: OpenPage, scope):
    page = open_page("secret_scopes")
    page.query_params["scope"] = "no-such"
    page.run()
    assert "There is no secret scope `no-such`" in page.warning[0].value
    assert page.button(key=f"secrets.open.{scope}")


def test_a_scope_is_deleted_by_its_typed_name_after_what_will_be_gone(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope, endpoint
):
    page = looked(opened(open_page, scope))
    assert f"1 key (`there`) and 1 permission will be gone for good. Calls of `{endpoint}` will fail" in words(page)
    local_workspace.clear()
    page.text_input(key="secrets.end-0-name").set_value("other")
    page.button(key="secrets.end-0-confirm").click().run()
    assert "That is not its name" in page.error[0].value
    assert sent(local_workspace) == []
    page.text_input(key="secrets.end-0-name").set_value(scope)
    page.button(key="secrets.end-0-confirm").click().run()
    assert f"Secret scope `{scope}` was deleted." in [one.value for one in page.success]
    assert sent(local_workspace) == ["scopes/delete"]
    assert f"secrets.open.{scope}" not in [one.key for one in page.button]


# --- keys


def test_a_key_is_stored_once_and_its_value_is_nowhere(open_page: OpenPage, local_workspace: LocalWorkspace, scope):
    page = type_secret(opened(open_page, scope), "new-key", CANARY)
    assert f"Stored as `{{{{secrets/{scope}/new-key}}}}`" in page.success[0].value
    assert f"{{{{secrets/{scope}/new-key}}}}" in [one.value for one in page.code]
    assert value_of(local_workspace, scope, "new-key") == CANARY.encode()
    assert CANARY not in str(page.main)
    assert CANARY not in held(page)
    assert newest(page.text_input, "secrets.put.value").value == ""
    page.run()
    assert sent(local_workspace) == ["put"]


def test_a_key_that_is_there_is_said_to_be_replaced_before_it_is(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = opened(open_page, scope).button(key="secrets.replace.there").click().run()
    assert "`there` is there already" in page.warning[0].value
    assert newest(page.button, "secrets.put.store").label == "Replace the value"
    newest(page.text_input, "secrets.put.value").set_value(CANARY)
    newest(page.button, "secrets.put.store").click().run()
    assert value_of(local_workspace, scope, "there") == CANARY.encode()


def test_who_was_not_told_that_a_key_is_there_replaces_nothing_and_keeps_what_was_typed(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = opened(open_page, scope)
    newest(page.text_input, "secrets.put.key-name").set_value("THERE")  # and the click comes before the page ran again
    newest(page.text_input, "secrets.put.value").set_value(CANARY)
    newest(page.button, "secrets.put.store").click().run()
    assert "There is a key THERE in this scope already" in page.error[0].value
    assert sent(local_workspace) == []
    assert newest(page.text_input, "secrets.put.value").value == CANARY
    newest(page.button, "secrets.put.store").click().run()
    assert value_of(local_workspace, scope, "there") == CANARY.encode()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("", CANARY, "No name was typed for the key"),
        ("a key", CANARY, "cannot be the name of a key"),
        (CANARY, CANARY, "This looks like a key itself"),
        ("key", "", "The value is empty"),
        ("key", CANARY + "x" * 131_072, "a secret takes 131,072 (128 KB)"),
    ],
)
def test_what_cannot_be_stored_says_why_and_sends_nothing(
    key, value, said, open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = type_secret(opened(open_page, scope), key, value)
    assert said in page.error[0].value.replace("\\", "")
    assert CANARY not in page.error[0].value
    assert not any(CANARY in one.value for one in page.code)
    assert sent(local_workspace) == []


def test_a_file_is_stored_byte_for_byte_after_a_word_about_its_newline(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    content = f"-----BEGIN KEY-----\n{CANARY}\xff\n".encode("latin-1")
    page = opened(open_page, scope)
    newest(page.text_input, "secrets.put.key-name").set_value("pem").run()
    page.button_group(key="secrets.put.how").set_value("From a file").run()
    page.file_uploader(key="secrets.put.file.0").set_value(("key.pem", content, "text/plain")).run()
    assert "ends in a newline" in page.warning[0].value
    assert CANARY not in str(page.main)
    newest(page.button, "secrets.put.store").click().run()
    assert value_of(local_workspace, scope, "pem") == content
    assert "secrets.put.file.0" not in [one.key for one in page.file_uploader]
    assert CANARY not in held(page)


def test_a_workspace_that_fails_is_told_and_the_value_is_not_sent_again(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = opened(open_page, scope)
    local_workspace.queue_fault("return-503", "/api/2.0/secrets/put")
    type_secret(page, "new", CANARY)
    assert "enter it again" in page.error[0].value
    assert newest(page.text_input, "secrets.put.key-name").value == "new"
    page.run()
    assert sent(local_workspace) == ["put"]
    assert keys(local_workspace, scope) == ["there"]
    assert CANARY not in str(page.main)
    assert CANARY not in held(page)


def test_a_key_that_nobody_uses_is_deleted_after_one_question(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = looked(opened(open_page, scope)).button(key="secrets.delete.there").click().run()
    assert sent(local_workspace) == []
    page.button(key="secrets.confirm").click().run()
    assert page.success[0].value == f"Key `there` was deleted from `{scope}`."
    assert (sent(local_workspace), keys(local_workspace, scope)) == (["delete"], [])


def test_a_key_that_an_endpoint_uses_names_it_and_asks_for_the_keys_name(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope, endpoint
):
    page = looked(opened(open_page, scope))
    assert "Used by" in words(page)
    page.button(key="secrets.delete.there").click().run()
    assert f"Calls of `{endpoint}` will fail without it." in words(page)
    page.text_input(key="secrets.confirm-0-name").set_value("there")
    page.button(key="secrets.confirm-0-confirm").click().run()
    assert keys(local_workspace, scope) == []


def test_a_question_can_be_answered_with_no(open_page: OpenPage, local_workspace: LocalWorkspace, scope):
    page = looked(opened(open_page, scope)).button(key="secrets.delete.there").click().run()
    page.button(key="secrets.keep").click().run()
    assert "secrets.confirm" not in [one.key for one in page.button]
    assert keys(local_workspace, scope) == ["there"]


def test_a_missing_secret_is_listed_once_with_the_endpoints_that_use_it(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope, endpoint
):
    post(local_workspace, "delete", scope=scope, key="there")
    page = looked(open_page("secret_scopes"))
    [missing] = [one.value.replace("\\", "") for one in page.warning if "missing" in one.value]
    assert f"- There is no key there in secret scope {scope}. Used by `{endpoint}`." in missing


def test_a_secret_in_a_scope_that_one_may_not_see_is_not_called_missing(
    as_analyst: OpenPage, local_workspace: LocalWorkspace, scope, endpoint
):
    grant = {"access_control_list": [{"user_name": "analyst@local", "permission_level": "CAN_VIEW"}]}
    found = call(local_workspace, "GET", f"/api/2.0/serving-endpoints/{endpoint}").json()
    assert call(local_workspace, "PATCH", f"/api/2.0/permissions/serving-endpoints/{found['id']}", grant).ok
    page = looked(as_analyst("secret_scopes"))
    assert not any(scope in one.value for one in page.warning)
    [line] = [one.value for one in page.caption if "cannot look into" in one.value]
    assert f"`{scope}`" in line


def test_where_the_values_are_is_said_of_other_places_than_the_workspace_alone(open_page: OpenPage, scope):
    assert "Kept in" not in words(opened(open_page, scope))


# --- permissions


def test_a_permission_is_granted_and_revoked(open_page: OpenPage, local_workspace: LocalWorkspace, scope):
    page = opened(open_page, scope)
    page.text_input(key="secrets.principal").set_value("analyst@local").run()
    page.button(key="secrets.grant").click().run()
    assert page.success[0].value == "`analyst@local` has `READ` now."
    page.button(key="secrets.revoke.analyst@local").click().run()
    assert sent(local_workspace) == ["acls/put"]
    page.button(key="secrets.confirm-revoke").click().run()
    assert page.success[0].value == "`READ` of `analyst@local` was revoked."
    assert "`analyst@local` has" not in words(page)
    assert sent(local_workspace) == ["acls/put", "acls/delete"]


@pytest.mark.parametrize(("principal", "said"), [("", "No name was typed"), ("nobody@local", "does not exist")])
def test_a_permission_that_cannot_be_granted_says_why(
    principal, said, open_page: OpenPage, local_workspace: LocalWorkspace, scope
):
    page = opened(open_page, scope)
    page.text_input(key="secrets.principal").set_value(principal).run()
    page.button(key="secrets.grant").click().run()
    assert said in page.error[0].value.replace("\\", "")
    assert page.text_input(key="secrets.principal").value == principal


def test_without_permission_everything_is_closed_with_the_reason(as_analyst: OpenPage, scope):
    page = opened(as_analyst, scope)
    assert "Your permission: none" in words(page)
    assert "needs WRITE in this scope; you have none" in words(page)
    assert "needs MANAGE in it; you have none" in words(page)
    for key in ("secrets.put.store.0", "secrets.grant", "secrets.end-disabled"):
        assert page.button(key=key).disabled


def test_who_may_read_learns_by_trying_whether_they_may_write(
    as_analyst: OpenPage, local_workspace: LocalWorkspace, scope
):
    post(local_workspace, "acls/put", scope=scope, principal="analyst@local", permission="READ")
    page = opened(as_analyst, scope)
    assert "Your permission: READ or WRITE" in words(page)
    assert "only says when you try" in words(page)
    type_secret(page, "mine", CANARY)
    assert "You may not change secret" in page.error[0].value
    assert newest(page.button, "secrets.put.store").disabled
    assert page.button(key="secrets.delete.there").disabled
    assert "Your permission: READ" in words(page)
    assert "needs WRITE in this scope; you have READ." in words(page)
    assert keys(local_workspace, scope) == ["there"]


# --- a workspace of others


def test_the_list_of_a_workspace_that_fails_is_an_error_with_a_next_step(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    local_workspace.queue_fault("return-500", "/api/2.0/secrets/scopes/list", times=1)
    page = open_page("secret_scopes")
    assert "**Next:**" in page.error[0].value
    assert not page.run().error


def test_asking_again_shows_what_others_have_changed(open_page: OpenPage, local_workspace: LocalWorkspace, scope):
    page = open_page("secret_scopes")
    post(local_workspace, "scopes/create", scope=f"{scope}-other")
    page.button(key="secrets.refresh").click().run()
    assert page.button(key=f"secrets.open.{scope}-other")
    post(local_workspace, "scopes/delete", scope=f"{scope}-other")


def test_a_list_is_not_asked_for_at_every_run(open_page: OpenPage, local_workspace: LocalWorkspace, scope):
    page = looked(opened(open_page, scope))
    local_workspace.clear()
    page.run()
    assert [one.path for one in local_workspace.requests() if "/secrets/" in one.path] == []
