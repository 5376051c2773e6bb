"""What was done with secret scopes, as code: it does the same when it is run, and holds no value."""

import base64
import itertools
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.secret_scopes import Permission
from services.snippets import Snippet
from services.snippets.secret_scopes import (
    create_scope_code,
    delete_acl_code,
    delete_scope_code,
    delete_secret_code,
    list_acls_code,
    list_scopes_code,
    list_secrets_code,
    put_acl_code,
    put_secret_code,
)
from tests.local_workspace.secrets_calls import get
from tests.local_workspaces import LocalWorkspace
from tests.services.snippet_cases import environment, run_python

CANARY = "sk-canary '\"$(touch never)`x`\\n %s 벽돌\n"
_numbers = itertools.count(1)


def steps(scope: str) -> list[list[Snippet]]:
    """Every action once, in an order in which each can be done; the last one ends the scope."""
    return [
        create_scope_code(scope),
        put_secret_code(scope, "a.key"),
        list_scopes_code(),
        list_secrets_code(scope),
        put_acl_code(scope, "analyst@local", Permission.WRITE),
        list_acls_code(scope),
        delete_acl_code(scope, "analyst@local"),
        delete_secret_code(scope, "a.key"),
        delete_scope_code(scope),
    ]


def by_dialect(snippets: list[Snippet], dialect: str) -> Snippet:
    return next(one for one in snippets if one.dialect == dialect)


def state(workspace: LocalWorkspace, scope: str) -> dict[str, object]:
    """What is there: a key's value, and who may what."""
    value = get(workspace, "get", scope=scope, key="a.key").json().get("value")
    acls = get(workspace, "acls/list", scope=scope).json().get("items", [])
    return {
        "value": base64.b64decode(value).decode() if value else None,
        "acls": {acl["principal"]: acl["permission"] for acl in acls},
    }


@pytest.fixture
def shell(local_workspace, tmp_path) -> dict[str, str]:
    return environment(local_workspace.host, local_workspace.token, tmp_path) | {"SECRET_VALUE": CANARY}


def bash(source: str, shell: dict[str, str]) -> str:
    ran = subprocess.run(["bash", "-c", source], capture_output=True, text=True, env=shell, timeout=30)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def walk(local_workspace: LocalWorkspace, scope: str, said: Iterator[str]) -> None:
    """After each step, what it said and what is there then."""
    next(said)
    assert state(local_workspace, scope)["acls"] == {"admin@local": "MANAGE"}
    next(said)
    assert state(local_workspace, scope)["value"] == CANARY
    assert scope in next(said)
    listed = next(said)
    assert "a.key" in listed
    assert "canary" not in listed
    next(said)
    assert state(local_workspace, scope)["acls"] == {"admin@local": "MANAGE", "analyst@local": "WRITE"}
    assert "analyst@local" in next(said)
    next(said)
    assert state(local_workspace, scope)["acls"] == {"admin@local": "MANAGE"}
    next(said)
    assert get(local_workspace, "list", scope=scope).json().get("secrets", []) == []
    next(said)
    assert get(local_workspace, "list", scope=scope).status_code == 404


def test_curl_does_every_action(local_workspace, shell):
    scope = f"curl-{next(_numbers)}"
    walk(local_workspace, scope, (bash(by_dialect(step, "curl").code, shell) for step in steps(scope)))


def test_the_sdk_does_every_action(local_workspace, shell):
    scope = f"sdk-{next(_numbers)}"
    codes = [(by_dialect(step, "databricks-sdk").code, shell) for step in steps(scope)]
    made = run_python(sys.executable, codes[:6])
    assert [one["failed"] for one in made] == [""] * 6
    assert state(local_workspace, scope) == {
        "value": CANARY,
        "acls": {"admin@local": "MANAGE", "analyst@local": "WRITE"},
    }
    assert [one["said"] for one in made[:2]] == ["", ""]
    assert scope in made[2]["said"].split()
    assert made[3]["said"] == "a.key\n"
    assert "analyst@local" in made[5]["said"]
    local_workspace.clear()
    ended = run_python(sys.executable, codes[6:])
    assert [one["failed"] for one in ended] == [""] * 3
    posts = [(one.path, one.json) for one in local_workspace.requests() if one.method == "POST"]
    assert posts == [
        ("/api/2.0/secrets/acls/delete", {"scope": scope, "principal": "analyst@local"}),
        ("/api/2.0/secrets/delete", {"scope": scope, "key": "a.key"}),
        ("/api/2.0/secrets/scopes/delete", {"scope": scope}),
    ]


def test_a_scope_for_all_is_made_so(local_workspace, shell):
    scope = f"curl-{next(_numbers)}"
    bash(by_dialect(create_scope_code(scope, managed_by_all=True), "curl").code, shell)
    assert state(local_workspace, scope)["acls"] == {"users": "MANAGE"}
    bash(by_dialect(delete_scope_code(scope), "curl").code, shell)


@pytest.mark.parametrize("dialect", ["curl", "Databricks CLI", "databricks-cli (legacy)"])
def test_without_a_value_nothing_is_sent(local_workspace, shell, dialect):
    local_workspace.clear()
    source = by_dialect(put_secret_code("scope", "key"), dialect).code
    ran = subprocess.run(
        ["bash", "-c", source], capture_output=True, text=True, env=shell | {"SECRET_VALUE": ""}, timeout=30
    )
    assert ran.returncode != 0
    assert "SECRET_VALUE" in ran.stderr
    assert local_workspace.requests() == []


@pytest.mark.parametrize("step", range(9))
def test_code_is_of_its_language_and_holds_no_credential(step):
    for snippet in steps("scope")[step]:
        assert "dapi" not in snippet.code
        if snippet.language == "python":
            compile(snippet.code, snippet.file_name, "exec")
        else:
            checked = subprocess.run(["bash", "-n"], input=snippet.code, capture_output=True, text=True)
            assert (checked.returncode, checked.stderr) == (0, "")


def test_the_command_lines_are_those_of_the_two_clis():
    scope, key = "my-scope", "my-key"
    current = [shlex.split(by_dialect(step, "Databricks CLI").code.split("| ")[-1]) for step in steps(scope)]
    assert [line[2:] for line in current] == [
        ["create-scope", scope],
        ["put-secret", scope, "a.key"],
        ["list-scopes"],
        ["list-secrets", scope],
        ["put-acl", scope, "analyst@local", "WRITE"],
        ["list-acls", scope],
        ["delete-acl", scope, "analyst@local"],
        ["delete-secret", scope, "a.key"],
        ["delete-scope", scope],
    ]
    legacy = by_dialect(put_secret_code(scope, key), "databricks-cli (legacy)").code
    assert shlex.split(legacy.split("| ")[-1])[2:] == [
        *("put", "--scope", scope, "--key", key, "--binary-file", "/dev/stdin")
    ]


@pytest.mark.parametrize("name", ["-rf", "a'b", "a b", "$(touch /nowhere)", 'a"b', "벽돌", "a\nJSON\nb"])
def test_an_odd_name_stays_one_argument(name, tmp_path):
    """Such a name may come from a workspace that is not ours."""
    for snippet in put_acl_code(name, name, Permission.READ) + put_secret_code(name, name):
        if snippet.language == "python":
            compile(snippet.code, snippet.file_name, "exec")
        else:
            checked = subprocess.run(["bash", "-n"], input=snippet.code, capture_output=True, text=True)
            assert (checked.returncode, checked.stderr) == (0, "")
    cli = by_dialect(put_acl_code(name, name, Permission.READ), "Databricks CLI").code
    assert [word for word in shlex.split(cli) if word != "--"][2:] == ["put-acl", name, name, "READ"]
    assert ("--" in shlex.split(cli)) == name.startswith("-")
