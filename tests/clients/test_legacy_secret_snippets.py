"""The legacy CLI's lines that the app gives for secrets, run by that CLI."""

import base64
import subprocess

import pytest

from services.secret_scopes import Permission
from services.snippets.secret_scopes import (
    create_scope_code,
    delete_acl_code,
    delete_scope_code,
    delete_secret_code,
    list_acls_code,
    list_secrets_code,
    put_acl_code,
    put_secret_code,
)
from tests.clients.environments import LEGACY, clean_environment, environment_bin
from tests.local_workspace.calls import call

pytestmark = pytest.mark.clients

VALUE = "sk-canary '\"$HOME`x` 벽돌\n"
SCOPE = "of-legacy-snippets"


def test_its_lines_do_what_they_say(tls_workspace, tmp_path):
    # The CLI forgets the port of its host: see legacy_cli in conftest.py.
    given = {"DATABRICKS_HOST": "http://workspace.local", "http_proxy": tls_workspace.host, "HOME": str(tmp_path)}
    kept = {
        name: value for name, value in clean_environment(tls_workspace).items() if not name.lower().endswith("_proxy")
    }
    shell = kept | given | {"SECRET_VALUE": VALUE, "PATH": f"{environment_bin(LEGACY)}:{kept['PATH']}"}

    def run(snippets):
        code = next(one.code for one in snippets if one.dialect == "databricks-cli (legacy)")
        ran = subprocess.run(["bash", "-c", code], capture_output=True, text=True, env=shell, timeout=60)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    run(create_scope_code(SCOPE, managed_by_all=True))
    run(put_secret_code(SCOPE, "key"))
    found = call(tls_workspace, "GET", f"/api/2.0/secrets/get?scope={SCOPE}&key=key").json()
    assert base64.b64decode(found["value"]).decode() == VALUE
    assert "key" in run(list_secrets_code(SCOPE))
    run(put_acl_code(SCOPE, "analyst@local", Permission.READ))
    assert "analyst@local" in run(list_acls_code(SCOPE))
    run(delete_acl_code(SCOPE, "analyst@local"))
    run(delete_secret_code(SCOPE, "key"))
    run(delete_scope_code(SCOPE))
    assert call(tls_workspace, "GET", f"/api/2.0/secrets/list?scope={SCOPE}").status_code == 404
