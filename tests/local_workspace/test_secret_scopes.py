"""The Secrets API: scopes, secrets, ACLs, and who may do what."""

import base64
import itertools

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import NotFound, ResourceAlreadyExists
from databricks.sdk.service.workspace import AclPermission

from local_workspace.cipher import Cipher
from local_workspace.database import Database
from local_workspace.identity.users import USERS
from local_workspace.secret_scopes.store import SecretStore
from tests.local_workspace.calls import call
from tests.local_workspace.secrets_calls import SECRETS, code, get, post

OK = (200, None)
BAD_VALUE = (400, "INVALID_PARAMETER_VALUE")
MALFORMED = (400, "MALFORMED_REQUEST")
DENIED = (403, "PERMISSION_DENIED")
MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
NUMBERS = itertools.count(1)


@pytest.fixture
def scope(local_workspace):
    """A scope of the admin's, gone after the test."""
    name = f"scope-{next(NUMBERS)}"
    assert post(local_workspace, "scopes/create", scope=name).json() == {}
    yield name
    post(local_workspace, "scopes/delete", scope=name)


@pytest.fixture
def analyst(local_workspace):
    return local_workspace.users["analyst"]


def scopes_of(workspace) -> list[str]:
    return [scope["name"] for scope in get(workspace, "scopes/list").json()["scopes"]]


def value_of(workspace, scope, key) -> bytes:
    return base64.b64decode(get(workspace, "get", scope=scope, key=key).json()["value"])


def test_the_sdk_goes_the_whole_way(local_workspace):
    config = Config(host=local_workspace.host, token=local_workspace.token, retry_timeout_seconds=5)
    workspace = WorkspaceClient(config=config)
    workspace.secrets.create_scope("sdk")
    with pytest.raises(ResourceAlreadyExists, match="Scope sdk already exists!"):
        workspace.secrets.create_scope("sdk")
    workspace.secrets.put_secret("sdk", "text", string_value="벽돌")
    workspace.secrets.put_secret("sdk", "bytes", bytes_value=base64.b64encode(b"\x00\xff").decode())
    listed = list(workspace.secrets.list_secrets("sdk"))
    assert [secret.key for secret in listed] == ["bytes", "text"]
    assert all(secret.last_updated_timestamp > 1_700_000_000_000 for secret in listed)
    assert base64.b64decode(workspace.secrets.get_secret("sdk", "text").value).decode() == "벽돌"
    assert workspace.dbutils.secrets.get("sdk", "text") == "벽돌"
    assert workspace.dbutils.secrets.getBytes("sdk", "bytes") == b"\x00\xff"
    workspace.secrets.put_acl("sdk", "users", AclPermission.READ)
    assert workspace.secrets.get_acl("sdk", "users").permission == AclPermission.READ
    assert {(acl.principal, acl.permission.value) for acl in workspace.secrets.list_acls("sdk")} == {
        ("admin@local", "MANAGE"),
        ("users", "READ"),
    }
    workspace.secrets.delete_acl("sdk", "users")
    workspace.secrets.delete_secret("sdk", "text")
    assert {scope.name: scope.backend_type.value for scope in workspace.secrets.list_scopes()}["sdk"] == "DATABRICKS"
    workspace.secrets.delete_scope("sdk")
    with pytest.raises(NotFound, match="Scope sdk does not exist!"):
        list(workspace.secrets.list_secrets("sdk"))


def test_the_legacy_clis_content_type_is_taken(local_workspace, scope):
    body = f'{{"scope": "{scope}", "key": "k", "string_value": "v"}}'
    headers = {"content-type": "text/json"}
    response = call(local_workspace, "POST", f"{SECRETS}/put", data=body, headers=headers)
    assert (response.status_code, response.json()) == (200, {})
    assert value_of(local_workspace, scope, "k") == b"v"


@pytest.mark.parametrize("value", ["", " ", "벽돌 🧱", "a\nb\x00c", "{{secrets/a/b}}", "x" * 128 * 1024])
def test_a_text_comes_back_as_it_was_put(local_workspace, scope, value):
    assert code(post(local_workspace, "put", scope=scope, key="k", string_value=value)) == OK
    assert value_of(local_workspace, scope, "k").decode() == value


def test_a_put_takes_the_place_of_the_value_before(local_workspace, scope):
    for value in ("one", "two"):
        post(local_workspace, "put", scope=scope, key="k", string_value=value)
    assert value_of(local_workspace, scope, "k") == b"two"
    assert len(get(local_workspace, "list", scope=scope).json()["secrets"]) == 1


def test_names_are_compared_without_regard_to_case_and_shown_as_they_were_given(local_workspace, scope):
    assert code(post(local_workspace, "scopes/create", scope=scope.upper())) == (400, "RESOURCE_ALREADY_EXISTS")
    post(local_workspace, "put", scope=scope.upper(), key="Key", string_value="v")
    found = get(local_workspace, "get", scope=scope, key="kEY").json()
    assert (found["key"], base64.b64decode(found["value"])) == ("Key", b"v")
    assert scope in scopes_of(local_workspace)
    assert scope.upper() not in scopes_of(local_workspace)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "<scope>", "é", "벽돌", "a\n", "x" * 129, "x" * 5000, "{{a}}"])
def test_a_name_of_other_characters_or_too_long_is_refused(local_workspace, scope, name):
    assert code(post(local_workspace, "scopes/create", scope=name)) == BAD_VALUE
    assert code(post(local_workspace, "put", scope=scope, key=name, string_value="v")) == BAD_VALUE


def test_names_may_have_128_characters_and_scopes_an_at_sign(local_workspace):
    name = "A-z_0.9@" * 16
    key = name.replace("@", ".")
    assert code(post(local_workspace, "scopes/create", scope=name)) == OK
    assert code(post(local_workspace, "put", scope=name, key=name, string_value="v")) == BAD_VALUE
    assert code(post(local_workspace, "put", scope=name, key=key, string_value="v")) == OK
    assert code(post(local_workspace, "scopes/delete", scope=name)) == OK


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"string_value": None, "bytes_value": None},
        {"string_value": "a", "bytes_value": "YQ=="},
        {"string_value": "", "bytes_value": ""},
        {"string_value": 5},
        {"string_value": ["a"]},
        {"bytes_value": "not base64!"},
        {"bytes_value": "YQ"},
        {"bytes_value": "é"},
    ],
)
def test_a_put_has_exactly_one_value_and_a_good_one(local_workspace, scope, given):
    assert code(post(local_workspace, "put", scope=scope, key="k", **given)) == MALFORMED
    assert get(local_workspace, "list", scope=scope).json() == {"secrets": []}


def test_a_value_over_128_kb_is_refused_however_it_is_written(local_workspace, scope):
    large = b"\xff" * (128 * 1024 + 1)
    as_bytes = base64.b64encode(large).decode()
    assert code(post(local_workspace, "put", scope=scope, key="k", bytes_value=as_bytes)) == BAD_VALUE
    assert code(post(local_workspace, "put", scope=scope, key="k", string_value="é" * (64 * 1024 + 1))) == BAD_VALUE
    assert code(post(local_workspace, "put", scope=scope, key="k", string_value="é" * (64 * 1024))) == OK


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"key": "k"}', '{"scope": 1}', '{"scope": null}', "\xff"])
@pytest.mark.parametrize("name", ["scopes/create", "scopes/delete", "put", "delete", "acls/put", "acls/delete"])
def test_a_body_that_cannot_be_understood_is_a_malformed_request(local_workspace, name, body):
    headers = {"content-type": "application/json"}
    response = call(local_workspace, "POST", f"{SECRETS}/{name}", data=body.encode("latin-1"), headers=headers)
    assert code(response) == MALFORMED
    assert response.json()["message"].endswith(".")


@pytest.mark.parametrize("path", ["list", "get?scope=a", "get?key=a", "acls/list", "acls/get?scope=a"])
def test_a_missing_parameter_is_a_malformed_request(local_workspace, path):
    assert code(call(local_workspace, "GET", f"{SECRETS}/{path}")) == MALFORMED


def test_what_does_not_exist_is_404(local_workspace, scope):
    nowhere = {"scope": "nowhere"}
    assert code(post(local_workspace, "scopes/delete", **nowhere)) == MISSING
    assert code(post(local_workspace, "put", **nowhere, key="k", string_value="v")) == MISSING
    assert code(post(local_workspace, "delete", scope=scope, key="k")) == MISSING
    assert code(post(local_workspace, "acls/put", **nowhere, principal="users", permission="READ")) == MISSING
    assert code(post(local_workspace, "acls/delete", scope=scope, principal="users")) == MISSING
    assert code(get(local_workspace, "list", **nowhere)) == MISSING
    assert code(get(local_workspace, "get", scope=scope, key="k")) == MISSING
    assert code(get(local_workspace, "acls/get", scope=scope, principal="users")) == MISSING
    assert code(get(local_workspace, "acls/list", **nowhere)) == MISSING
    hostile = "x'; DROP TABLE secrets; --\x00"
    assert code(get(local_workspace, "get", scope=scope, key=hostile)) == MISSING
    assert code(get(local_workspace, "acls/get", scope=scope, principal=hostile)) == MISSING


def test_deleting_a_scope_deletes_its_secrets_and_acls(local_workspace, scope):
    post(local_workspace, "put", scope=scope, key="k", string_value="v")
    post(local_workspace, "acls/put", scope=scope, principal="users", permission="READ")
    post(local_workspace, "scopes/delete", scope=scope)
    assert scope not in scopes_of(local_workspace)
    post(local_workspace, "scopes/create", scope=scope)
    assert get(local_workspace, "list", scope=scope).json() == {"secrets": []}
    assert get(local_workspace, "acls/list", scope=scope).json()["items"] == [
        {"principal": "admin@local", "permission": "MANAGE"}
    ]


READS = {"list", "get"}
WRITES = {"put", "delete"}
MANAGES = {"acls/put", "acls/get", "acls/list", "acls/delete", "scopes/delete"}


def attempts(workspace, scope, token):
    """Every call on a scope, in an order that leaves each something to do; the names of those that were allowed."""
    acl = {"scope": scope, "principal": "admins"}
    calls = {
        "list": lambda: get(workspace, "list", token, scope=scope),
        "get": lambda: get(workspace, "get", token, scope=scope, key="k"),
        "put": lambda: post(workspace, "put", token, scope=scope, key="k", string_value="w"),
        "delete": lambda: post(workspace, "delete", token, scope=scope, key="k"),
        "acls/put": lambda: post(workspace, "acls/put", token, **acl, permission="READ"),
        "acls/get": lambda: get(workspace, "acls/get", token, **acl),
        "acls/list": lambda: get(workspace, "acls/list", token, scope=scope),
        "acls/delete": lambda: post(workspace, "acls/delete", token, **acl),
        "scopes/delete": lambda: post(workspace, "scopes/delete", token, scope=scope),
    }
    answers = {name: code(attempt()) for name, attempt in calls.items()}
    assert set(answers.values()) <= {OK, DENIED}
    return {name for name, answer in answers.items() if answer == OK}


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        ({}, set()),
        ({"admins": "MANAGE"}, set()),
        ({"analyst@local": "READ"}, READS),
        ({"analyst@local": "WRITE"}, READS | WRITES),
        ({"analyst@local": "MANAGE"}, READS | WRITES | MANAGES),
        ({"users": "READ"}, READS),
        ({"users": "WRITE", "analyst@local": "READ"}, READS | WRITES),
        ({"users": "READ", "analyst@local": "WRITE"}, READS | WRITES),
    ],
)
def test_the_strongest_permission_of_a_user_and_its_groups_decides(local_workspace, scope, analyst, grants, allowed):
    post(local_workspace, "put", scope=scope, key="k", string_value="v")
    for principal, permission in grants.items():
        post(local_workspace, "acls/put", scope=scope, principal=principal, permission=permission)
    assert attempts(local_workspace, scope, analyst) == allowed


def test_a_refusal_names_the_permission_that_is_missing(local_workspace, scope, analyst):
    sentence = f"User analyst@local does not have WRITE permission on scope {scope} to perform this action."
    assert post(local_workspace, "delete", analyst, scope=scope, key="k").json()["message"] == sentence


def test_an_admin_has_manage_on_every_scope_whatever_its_acls_say(local_workspace, analyst):
    post(local_workspace, "scopes/create", analyst, scope="of-the-analyst")
    assert get(local_workspace, "acls/list", scope="of-the-analyst").json()["items"] == [
        {"principal": "analyst@local", "permission": "MANAGE"}
    ]
    post(local_workspace, "put", analyst, scope="of-the-analyst", key="k", string_value="v")
    assert attempts(local_workspace, "of-the-analyst", None) == READS | WRITES | MANAGES


def test_the_users_group_can_be_given_manage_from_the_start(local_workspace, analyst):
    created = post(local_workspace, "scopes/create", scope="of-all", initial_manage_principal="users")
    assert created.json() == {}
    assert get(local_workspace, "acls/list", analyst, scope="of-all").json()["items"] == [
        {"principal": "users", "permission": "MANAGE"}
    ]
    assert code(post(local_workspace, "scopes/delete", analyst, scope="of-all")) == OK


def test_every_user_sees_the_names_of_scopes(local_workspace, scope, analyst):
    listed = get(local_workspace, "scopes/list", analyst).json()["scopes"]
    assert {"name": scope, "backend_type": "DATABRICKS"} in listed


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"principal": "nobody@local", "permission": "READ"}, BAD_VALUE),
        ({"principal": "", "permission": "READ"}, BAD_VALUE),
        ({"principal": "users", "permission": "read"}, BAD_VALUE),
        ({"principal": "users", "permission": "CAN_MANAGE"}, BAD_VALUE),
        ({"principal": "users", "permission": ""}, BAD_VALUE),
        ({"principal": "users", "permission": 3}, MALFORMED),
        ({"principal": "users"}, MALFORMED),
        ({"permission": "READ"}, MALFORMED),
    ],
)
def test_an_acl_is_of_a_known_principal_and_a_known_permission(local_workspace, scope, given, status):
    assert code(post(local_workspace, "acls/put", scope=scope, **given)) == status
    assert len(get(local_workspace, "acls/list", scope=scope).json()["items"]) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"initial_manage_principal": "admins"}, "users"),
        ({"scope_backend_type": "AZURE_KEYVAULT"}, "must have AzureKeyVaultSecretScopeMetadata defined!"),
        (
            {
                "scope_backend_type": "AZURE_KEYVAULT",
                "backend_azure_keyvault": {"resource_id": "/subscriptions/x", "dns_name": "https://x.vault.azure.net/"},
            },
            "Scope with Azure KeyVault must have userAADToken defined!",
        ),
        ({"backend_azure_keyvault": {"dns_name": "https://x"}}, "AZURE_KEYVAULT"),
        ({"scope_backend_type": "VAULT"}, "DATABRICKS"),
    ],
)
def test_a_scope_that_cannot_be_here_is_refused(local_workspace, given, words):
    response = post(local_workspace, "scopes/create", scope="impossible", **given)
    assert code(response) == BAD_VALUE
    assert words in response.json()["message"]
    assert "impossible" not in scopes_of(local_workspace)


def test_a_workspace_holds_a_thousand_scopes_and_a_scope_a_thousand_secrets(make_local_workspace, tmp_path):
    database = Database(tmp_path)
    store = SecretStore(database, Cipher(tmp_path, database))
    admin = USERS["admin"]
    for number in range(999):  # by the store itself: over HTTP it takes many seconds
        store.create_scope(f"s{number}", admin.user_name)
        store.put_secret("s0", f"k{number}", b"v", admin)
    database.close()
    workspace = make_local_workspace("--state", str(tmp_path))
    with_session = workspace_session(workspace)
    assert with_session("scopes/create", scope="s999") == OK
    assert with_session("put", scope="s0", key="k999", string_value="v") == OK
    assert with_session("scopes/create", scope="s1000") == (400, "RESOURCE_LIMIT_EXCEEDED")
    assert with_session("put", scope="s0", key="k1000", string_value="v") == (400, "RESOURCE_LIMIT_EXCEEDED")
    assert with_session("put", scope="s0", key="k999", string_value="w") == OK  # an old key has its place
    with_session("delete", scope="s0", key="k0")
    with_session("scopes/delete", scope="s1")
    assert with_session("put", scope="s0", key="k1000", string_value="v") == OK
    assert with_session("scopes/create", scope="s1000") == OK
    assert len(get(workspace, "list", scope="s0").json()["secrets"]) == 1000


def workspace_session(workspace):
    """`post`, on one connection."""
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {workspace.token}"

    def send(name, **body):
        return code(session.post(f"{workspace.host}{SECRETS}/{name}", json=body, timeout=10))

    return send
