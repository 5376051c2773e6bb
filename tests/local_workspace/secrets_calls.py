"""Calls to the Secrets API as a plain HTTP client makes them."""

from typing import Any

import requests

from tests.local_workspace.calls import call
from tests.local_workspaces import LocalWorkspace

SECRETS = "/api/2.0/secrets"


def post(workspace: LocalWorkspace, name: str, token: str | None = None, **body: Any) -> requests.Response:
    """One of the API's POST calls; as the admin unless `token` says otherwise."""
    return call(workspace, "POST", f"{SECRETS}/{name}", body, token=token)


def get(workspace: LocalWorkspace, name: str, token: str | None = None, **query: str) -> requests.Response:
    """One of the API's GET calls."""
    return call(workspace, "GET", f"{SECRETS}/{name}", token=token, params=query)


def code(response: requests.Response) -> tuple[int, str | None]:
    """Status and error code; `(200, None)` when it went well."""
    body = response.json()
    assert isinstance(body, dict)
    return response.status_code, body.get("error_code")
