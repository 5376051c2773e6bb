"""The secrets commands of databricks-cli 0.18, the CLI before the present one, over TLS."""

import ast
import base64
import json
import re
from functools import partial

import pytest

from tests.local_workspace.calls import call

pytestmark = pytest.mark.clients

CANARY = "canary-of-the-legacy-cli"


@pytest.fixture
def databricks(tls_workspace, legacy_cli):
    """Runs `databricks ...`, as the admin unless a token is given; what it returns has `stdout` and `returncode`."""
    return partial(legacy_cli, tls_workspace)


@pytest.fixture
def secrets(databricks):
    """Runs `databricks secrets ...` and returns what it printed; it must end well."""

    def run(*arguments, token=None):
        ended = databricks("secrets", *arguments, token=token)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


@pytest.fixture
def scope(secrets, request):
    """A scope of the test's own."""
    name = re.sub(r"\W", "-", request.node.name)
    secrets("create-scope", "--scope", name)
    yield name
    secrets("delete-scope", "--scope", name)


def rows(table):
    """The cells of a printed table, without its head."""
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[2:]]


def value_of(workspace, scope, key):
    """The secret's bytes."""
    found = call(workspace, "GET", f"/api/2.0/secrets/get?scope={scope}&key={key}").json()
    return base64.b64decode(found["value"])


def test_a_scope_is_made_listed_and_deleted(secrets, tls_workspace):
    assert secrets("create-scope", "--scope", "made.here", "--initial-manage-principal", "users") == ""
    sent = tls_workspace.last_request("/scopes/create")
    assert sent.path == "/api/2.0/secrets/scopes/create"
    assert sent.headers["content-type"] == "text/json"
    assert sent.json == {
        "scope": "made.here",
        "initial_manage_principal": "users",
        "scope_backend_type": "DATABRICKS",
    }
    printed = secrets("list-scopes")
    assert re.split(r"\s{2,}", printed.splitlines()[0]) == ["Scope", "Backend", "KeyVault URL"]
    assert ["made.here", "DATABRICKS", "N/A"] in rows(printed)
    assert secrets("delete-scope", "--scope", "made.here") == ""
    assert "made.here" not in secrets("list-scopes")


def test_text_is_put_listed_overwritten_and_deleted(secrets, scope, tls_workspace):
    assert secrets("put", "--scope", scope, "--key", "key", "--string-value", f"{CANARY} 안녕") == ""
    assert value_of(tls_workspace, scope, "key") == f"{CANARY} 안녕".encode()
    printed = secrets("list", "--scope", scope)
    assert re.split(r"\s{2,}", printed.splitlines()[0]) == ["Key name", "Last updated"]
    ((key, updated),) = rows(printed)
    assert key == "key"
    assert int(updated) > 1_700_000_000_000
    listed = json.loads(secrets("list", "--scope", scope, "--output", "JSON"))
    assert listed == {"secrets": [{"key": "key", "last_updated_timestamp": int(updated)}]}
    assert secrets("write", "--scope", scope, "--key", "key", "--string-value", "other") == ""
    assert value_of(tls_workspace, scope, "key") == b"other"
    assert secrets("delete", "--scope", scope, "--key", "key") == ""
    assert rows(secrets("list", "--scope", scope)) == []


def test_bytes_of_a_file_are_put(secrets, scope, tls_workspace, tmp_path):
    secret = bytes(range(256)) + b"\r\n"
    (tmp_path / "key.bin").write_bytes(secret)
    assert secrets("put", "--scope", scope, "--key", "bytes", "--binary-file", str(tmp_path / "key.bin")) == ""
    assert value_of(tls_workspace, scope, "bytes") == secret


def test_acls_are_put_shown_and_deleted(secrets, scope, tls_workspace):
    analyst = ("--scope", scope, "--principal", "analyst@local")
    assert rows(secrets("list-acls", "--scope", scope)) == [["admin@local", "MANAGE"]]
    assert secrets("put-acl", *analyst, "--permission", "READ") == ""
    printed = secrets("get-acl", *analyst)
    assert re.split(r"\s{2,}", printed.splitlines()[0]) == ["Principal", "Permission"]
    assert rows(printed) == [["analyst@local", "READ"]]
    assert secrets("write-acl", *analyst, "--permission", "WRITE") == ""
    assert json.loads(secrets("get-acl", *analyst, "--output", "JSON")) == {
        "principal": "analyst@local",
        "permission": "WRITE",
    }
    assert sorted(rows(secrets("list-acls", "--scope", scope))) == [
        ["admin@local", "MANAGE"],
        ["analyst@local", "WRITE"],
    ]
    assert secrets("delete-acl", *analyst) == ""
    assert rows(secrets("list-acls", "--scope", scope)) == [["admin@local", "MANAGE"]]


def test_an_acl_decides_what_another_may_do(databricks, secrets, scope, tls_workspace):
    analyst = tls_workspace.users["analyst"]
    refused = databricks("secrets", "list", "--scope", scope, token=analyst)
    assert (refused.returncode, refused.stdout) == (
        1,
        "Error: Authorization failed. Your token may be expired or lack the valid scope\n",
    )
    secrets("put-acl", "--scope", scope, "--principal", "users", "--permission", "READ")
    assert rows(secrets("list", "--scope", scope, token=analyst)) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "--scope", "no-such-scope"], "RESOURCE_DOES_NOT_EXIST"),
        (["create-scope", "--scope", "not a name"], "INVALID_PARAMETER_VALUE"),
        (["create-scope", "--scope", "x" * 129], "INVALID_PARAMETER_VALUE"),
        (["create-scope", "--scope", "vault", "--scope-backend-type", "AZURE_KEYVAULT"], "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_refusal_is_printed_with_its_code(databricks, arguments, code):
    ended = databricks("secrets", *arguments)
    assert ended.returncode == 1
    assert json.loads(ast.literal_eval(ended.stdout.removeprefix("Error: ")))["error_code"] == code


def test_a_scope_is_made_once(databricks, scope):
    ended = databricks("secrets", "create-scope", "--scope", scope)
    assert ended.returncode == 1
    assert "RESOURCE_ALREADY_EXISTS" in ended.stdout


def test_a_wrong_token_is_told(databricks):
    ended = databricks("secrets", "list-scopes", token="dapi0")
    assert (ended.returncode, "Authorization failed" in ended.stdout) == (1, True)


def test_clusters_are_listed_over_the_older_path(databricks, tls_workspace):
    ended = databricks("clusters", "list", "--output", "JSON")
    assert ended.returncode == 0, ended.stdout
    states = {cluster["cluster_id"]: cluster["state"] for cluster in json.loads(ended.stdout)["clusters"]}
    assert states[tls_workspace.ready["cluster_id"]] == "RUNNING"
    assert sorted(states.values()) == ["RUNNING", "TERMINATED"]
    assert tls_workspace.last_request("/clusters/list").path == "/api/2.0/clusters/list"
