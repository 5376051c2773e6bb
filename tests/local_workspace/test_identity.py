"""Who may call, and how they sign in."""

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from local_workspace.identity.users import ACCESS_TOKEN_SECONDS, ADMIN, Identities
from tests.local_workspace.calls import CHAT_PATH, call

ME = "/api/2.0/preview/scim/v2/Me"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Digest abc", "Basic !!!", "Basic dXNlcjpwYXNz", "Basic dG9rZW46", "token"],
)
def test_a_missing_or_malformed_credential_is_401_with_a_numeric_code(local_workspace, header):
    headers = {} if header is None else {"authorization": header}
    response = requests.get(local_workspace.host + ME, headers=headers, timeout=10)
    body = response.json()
    assert (response.status_code, body["error_code"]) == (401, 401)
    assert body["message"].startswith("Credential was not sent or was of an unsupported type for this API. [ReqId: ")


@pytest.mark.parametrize("token", ["dapi" + "0" * 32, "x", "é", "dapi"])
def test_a_wrong_token_is_403_with_a_numeric_code(local_workspace, token):
    headers = {"authorization": f"Bearer {token}".encode()}
    response = requests.get(local_workspace.host + ME, headers=headers, timeout=10)
    assert (response.status_code, response.json()["error_code"]) == (403, 403)
    assert response.json()["message"].startswith("Invalid access token. [ReqId: ")
    assert response.headers["x-request-id"] in response.json()["message"]


@pytest.mark.parametrize(
    "path", ["/api/2.0/serving-endpoints", CHAT_PATH, "/nowhere", "/_local/requests", "/openapi.json"]
)
def test_no_route_answers_without_a_credential(local_workspace, path):
    assert requests.get(local_workspace.host + path, timeout=10).status_code == 401


def test_a_token_works_as_a_basic_password(local_workspace):
    response = requests.get(local_workspace.host + ME, auth=("token", local_workspace.users["analyst"]), timeout=10)
    assert response.json()["userName"] == "analyst@local"


def test_me_says_who_the_caller_is_and_which_workspace_this_is(local_workspace):
    response = call(local_workspace, "GET", ME)
    assert response.json()["userName"] == "admin@local"
    assert response.json()["emails"][0]["value"] == "admin@local"
    assert {group["display"] for group in response.json()["groups"]} == {"users", "admins"}
    assert response.headers["x-databricks-org-id"].isdigit()


def test_tokens_look_like_personal_access_tokens(local_workspace):
    assert all(len(token) == 36 and token.startswith("dapi") for token in local_workspace.users.values())
    assert local_workspace.token == local_workspace.users["admin"]


def test_an_app_signs_in_with_its_client_id_and_secret(local_workspace):
    config = Config(
        host=local_workspace.host,
        client_id="analyst",
        client_secret=local_workspace.users["analyst"],
        retry_timeout_seconds=5,
    )
    client = WorkspaceClient(config=config)
    assert config.auth_type == "oauth-m2m"
    assert client.current_user.me().user_name == "analyst@local"
    assert {endpoint.name for endpoint in client.serving_endpoints.list()} >= {"local-minilm-l6-v2"}


def test_discovery_needs_no_credential_and_leaves_the_workspace_id_out(local_workspace):
    found = requests.get(f"{local_workspace.host}/.well-known/databricks-config", timeout=10).json()
    assert found == {"oidc_endpoint": f"{local_workspace.host}/oidc"}
    document = requests.get(f"{found['oidc_endpoint']}/.well-known/oauth-authorization-server", timeout=10).json()
    assert document["token_endpoint"] == f"{local_workspace.host}/oidc/v1/token"


@pytest.mark.parametrize(
    ("form", "credentials", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, ("analyst", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("nobody", ""), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "authorization_code"}, ("analyst", "x"), 400, "unsupported_grant_type"),
        ({}, None, 400, "unsupported_grant_type"),
    ],
)
def test_the_token_endpoint_refuses_in_oauths_shape(local_workspace, form, credentials, status, error):
    url = f"{local_workspace.host}/oidc/v1/token"
    response = requests.post(url, data=form, auth=credentials, timeout=10)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


def test_an_access_token_ends_after_its_hour():
    now = [1000.0]
    identities = Identities({"admin": "dapi1", "analyst": "dapi2"}, clock=lambda: now[0])
    token = identities.issue_access_token(ADMIN)
    assert identities.holder(token) == ADMIN
    now[0] += ACCESS_TOKEN_SECONDS
    assert identities.holder(token) is None
