"""What was done with secret scopes, as code: the current CLI, the one before it, the SDK and curl. Pure.

A secret's value is in none of it: code that puts one reads it from the variable SECRET_VALUE.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from services.secret_scopes import Permission
from services.snippets.python_source import literal
from services.snippets.snippet import Snippet

_ROOT = "/api/2.0/secrets"
_VARIABLE = "SECRET_VALUE"
_IS_SET = f': "${{{_VARIABLE}:?holds no value}}" &&\n'
"""Without it an empty variable would replace a value that is there."""
_READ = f"The value comes from {_VARIABLE}: “read -rs {_VARIABLE}” takes it without showing it."
_EXPORT = f"{_READ} Then “export {_VARIABLE}”, so that Python sees it."
_CURRENT = "Needs the Databricks CLI 0.205 or later."
_LEGACY = "For databricks-cli 0.18 and before: Databricks has replaced it, and many machines still have it."
_ENVIRONMENT = "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"


@dataclass(frozen=True)
class _Action:
    """One call of the Secrets API, in each client's words."""

    path: str
    """Below the API's root."""
    fields: Mapping[str, str]
    """Of the body, or of the query where nothing is changed."""
    command: tuple[str, ...]
    """The current CLI's, with its arguments in their order."""
    legacy: str
    """The older CLI's; its options are *legacy_fields*."""
    method: str
    """The SDK's."""
    changes: bool = True
    flags: tuple[str, ...] = ()
    """The current CLI's."""
    legacy_fields: Mapping[str, str] | None = None
    """None: as *fields*."""
    arguments: Mapping[str, str] | None = None
    """The SDK's, as Python source. None: *fields* as they are."""
    prints: str = ""
    """What the SDK's code prints of ``one``."""
    puts: bool = False
    """Whether it takes a value."""


def list_scopes_code() -> list[Snippet]:
    """List the scopes."""
    return _written(
        _Action("scopes/list", {}, ("list-scopes",), "list-scopes", "list_scopes", False, prints="one.name")
    )


def create_scope_code(scope: str, *, managed_by_all: bool = False) -> list[Snippet]:
    """Create a scope."""
    manager = {"initial_manage_principal": "users"} if managed_by_all else {}
    flags = ("--initial-manage-principal", "users") if managed_by_all else ()
    legacy = {"scope": scope} | ({"initial-manage-principal": "users"} if managed_by_all else {})
    return _written(
        _Action(
            "scopes/create",
            {"scope": scope} | manager,
            ("create-scope", scope),
            "create-scope",
            "create_scope",
            flags=flags,
            legacy_fields=legacy,
        )
    )


def delete_scope_code(scope: str) -> list[Snippet]:
    """Delete a scope with all that is in it."""
    return _written(_Action("scopes/delete", {"scope": scope}, ("delete-scope", scope), "delete-scope", "delete_scope"))


def list_secrets_code(scope: str) -> list[Snippet]:
    """List the keys of a scope."""
    return _written(
        _Action("list", {"scope": scope}, ("list-secrets", scope), "list", "list_secrets", False, prints="one.key")
    )


def put_secret_code(scope: str, key: str) -> list[Snippet]:
    """Put a value, which is read from the environment."""
    return _written(
        _Action("put", {"scope": scope, "key": key}, ("put-secret", scope, key), "put", "put_secret", puts=True)
    )


def delete_secret_code(scope: str, key: str) -> list[Snippet]:
    """Delete a key with its value."""
    return _written(
        _Action("delete", {"scope": scope, "key": key}, ("delete-secret", scope, key), "delete", "delete_secret")
    )


def list_acls_code(scope: str) -> list[Snippet]:
    """List who may do what in a scope."""
    return _written(
        _Action(
            "acls/list",
            {"scope": scope},
            ("list-acls", scope),
            "list-acls",
            "list_acls",
            False,
            prints="one.principal, one.permission",
        )
    )


def put_acl_code(scope: str, principal: str, permission: Permission) -> list[Snippet]:
    """Grant a permission."""
    fields = {"scope": scope, "principal": principal, "permission": permission.value}
    arguments = {name: literal(value) for name, value in fields.items()} | {
        "permission": f"AclPermission.{permission.value}"
    }
    return _written(
        _Action(
            "acls/put",
            fields,
            ("put-acl", scope, principal, permission.value),
            "put-acl",
            "put_acl",
            arguments=arguments,
        )
    )


def delete_acl_code(scope: str, principal: str) -> list[Snippet]:
    """Take a permission back."""
    fields = {"scope": scope, "principal": principal}
    return _written(_Action("acls/delete", fields, ("delete-acl", scope, principal), "delete-acl", "delete_acl"))


def _written(action: _Action) -> list[Snippet]:
    curl = _curl_put(action) if action.puts else _curl(action)
    name = action.method
    return [
        Snippet("Databricks CLI", "bash", _cli(action), note=_notes(action, _CURRENT), file_name=f"{name}.sh"),
        Snippet(
            "databricks-cli (legacy)",
            "bash",
            _legacy(action),
            'pip install "databricks-cli<1"',
            _notes(action, _LEGACY),
            f"{name}_legacy.sh",
        ),
        Snippet(
            "databricks-sdk",
            "python",
            _python(action),
            "pip install databricks-sdk",
            _EXPORT if action.puts else "",
            f"{name}.py",
        ),
        Snippet("curl", "bash", curl, note=_notes(action, ""), file_name=f"{name}_curl.sh"),
    ]


def _notes(action: _Action, note: str) -> str:
    return f"{_READ} {note}".strip() if action.puts else note


def _cli(action: _Action) -> str:
    command, *values = action.command
    # What begins with a dash would be read as a flag: "--" ends the flags.
    dashes = ["--"] if any(value.startswith("-") for value in values) else []
    words = ["databricks", "secrets", command, *action.flags, *dashes, *values]
    return f"{_from_variable(action)}{shlex.join(words)}\n"


def _legacy(action: _Action) -> str:
    fields = action.fields if action.legacy_fields is None else action.legacy_fields
    options = [word for name, value in fields.items() for word in (f"--{name}", value)]
    # Its --string-value would show the value to whoever lists the processes of the machine.
    options += ["--binary-file", "/dev/stdin"] if action.puts else []
    return f"{_from_variable(action)}{shlex.join(['databricks', 'secrets', action.legacy, *options])}\n"


def _from_variable(action: _Action) -> str:
    return f"{_IS_SET}printf '%s' \"${_VARIABLE}\" | " if action.puts else ""


def _python(action: _Action) -> str:
    arguments = action.arguments or {name: literal(value) for name, value in action.fields.items()}
    if action.puts:
        arguments = {**arguments, "string_value": f'os.environ["{_VARIABLE}"]'}
    lines = "".join(f"    {name}={source},\n" for name, source in arguments.items())
    call = f"WorkspaceClient().secrets.{action.method}({chr(10) + lines if lines else ''})"
    kind = "from databricks.sdk.service.workspace import AclPermission\n" if action.method == "put_acl" else ""
    return (
        _ENVIRONMENT
        + ("import os\n\n" if action.puts else "")
        + "from databricks.sdk import WorkspaceClient\n"
        + kind
        + "\n"
        + (call if action.changes else f"for one in {call}:\n    print({action.prints})")
        + "\n"
    )


def _curl(action: _Action) -> str:
    if not action.changes:
        query = f"?{urlencode(action.fields)}" if action.fields else ""
        return _curl_head(action.path + query) + "\n"
    return (
        _curl_head(action.path)
        + ' \\\n  --header "Content-Type: application/json" \\\n'
        + "  --data-binary @- <<'JSON'\n"
        + f"{json.dumps(dict(action.fields), ensure_ascii=False)}\nJSON\n"
    )


def _curl_put(action: _Action) -> str:
    """The value as base64, so that no character of it can end the JSON; by printf, which no list of processes shows."""
    fields = [shlex.quote(json.dumps(action.fields[name], ensure_ascii=False)) for name in ("scope", "key")]
    return (
        f"{_IS_SET}"
        """printf '{"scope": %s, "key": %s, "bytes_value": "%s"}' \\\n"""
        + f"  {' '.join(fields)} \"$(printf '%s' \"${_VARIABLE}\" | base64 | tr -d '\\n')\" |\n"
        + _curl_head(action.path)
        + ' \\\n  --header "Content-Type: application/json" --data-binary @-\n'
    )


def _curl_head(path: str) -> str:
    return (
        f'curl --fail-with-body "${{DATABRICKS_HOST%/}}{_ROOT}/{path}" \\\n'
        '  --header "Authorization: Bearer $DATABRICKS_TOKEN"'
    )
