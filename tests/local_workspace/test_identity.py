"""Who may call, and how they sign in."""

import re

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import PermissionDenied

from local_workspace.database import Database
from local_workspace.identity.authentication import OPEN_PATHS
from local_workspace.identity.oauth_scopes import missing_oauth_scope
from local_workspace.identity.users import ACCESS_TOKEN_SECONDS, ADMIN, ORG_ID, Identities
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
    assert response.json()["active"]
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


def test_an_access_token_ends_after_its_hour(tmp_path):
    now = [1000.0]
    identities = Identities({"admin": "dapi1", "analyst": "dapi2"}, Database(tmp_path), clock=lambda: now[0])
    token = identities.issue_access_token(ADMIN)
    assert identities.holder(token) == ADMIN
    now[0] += ACCESS_TOKEN_SECONDS
    assert identities.holder(token) is None
    identities.issue_access_token(ADMIN)
    assert len(Database(tmp_path).rows("SELECT * FROM access_tokens")) == 1


def access_token(workspace, key="analyst", **form) -> str:
    """A token that the user's OAuth client asked for."""
    form = {"grant_type": "client_credentials", **form}
    credentials = (key, workspace.users[key])
    response = requests.post(f"{workspace.host}/oidc/v1/token", data=form, auth=credentials, timeout=10)
    assert response.json()["scope"] == form.get("scope", "all-apis").replace(",", " ")
    return response.json()["access_token"]


def test_an_access_token_outlives_the_process_and_lies_nowhere_in_clear(make_local_workspace, tmp_path):
    first = make_local_workspace("--state", str(tmp_path))
    token, narrow = access_token(first), access_token(first, scope="secrets")
    first.process.kill()
    first.process.wait()
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.iterdir())
    second = make_local_workspace("--state", str(tmp_path))
    assert call(second, "GET", ME, token=token).json()["userName"] == "analyst@local"
    assert call(second, "GET", ME, token=narrow).status_code == 403


OAUTH_SCOPES = ("serving", "secrets", "clusters", "iam.current-user:read")
PROXY = "/driver-proxy-api/o/0/0101-000000-local001/7777/"


@pytest.mark.parametrize(
    ("oauth_scope", "path", "missing"),
    [
        ("serving.serving-endpoints", "/api/2.0/serving-endpoints", None),
        ("serving.serving-endpoints", "/api/2.0/serving-endpoints/", None),
        ("serving.serving-endpoints", "/serving-endpoints/models", None),
        ("serving", "/api/2.0/serving-endpoints", None),
        ("model-serving", "/serving-endpoints/models", None),
        ("model-serving", "/api/2.0/serving-endpoints", "serving.serving-endpoints"),
        ("serving.serving", "/api/2.0/serving-endpoints", "serving.serving-endpoints"),
        ("serving.serving-endpoints", ME, "iam.current-user:read"),
        ("iam.current-user:read", ME, None),
        ("secrets", "/api/2.0/secrets/scopes/list", None),
        ("clusters", "/api/2.0/secrets/scopes/list", "secrets"),
        ("secrets", "/api/2.1/clusters/list", "clusters"),
        ("secrets", "/api/2.0/clusters/list", "clusters"),
        ("secrets", "/api/2.0/permissions/clusters/x", "clusters"),
        ("secrets", PROXY, "clusters"),
        ("secrets", PROXY.replace("-api", ""), "clusters"),
        ("serving.serving-endpoints secrets", "/api/2.0/secrets/scopes/list", None),
        ("serving.serving-endpoints,secrets", "/api/2.0/secrets/scopes/list", None),
        ("clusters", "/_local/requests", "all-apis"),
        ("clusters", "/_local/app-headers?user=admin", "all-apis"),
        ("clusters", "/api/2.0/mlflow/experiments/search", "mlflow"),
        ("all-apis", "/_local/requests", None),
    ],
)
def test_a_token_is_good_for_the_apis_it_was_issued_for(local_workspace, oauth_scope, path, missing):
    response = call(local_workspace, "GET", path, token=access_token(local_workspace, "admin", scope=oauth_scope))
    if missing is None:
        assert response.status_code == 200
    else:
        body = response.json()
        assert (response.status_code, body["error_code"]) == (403, 403)
        assert body["message"].startswith(f"Provided access token does not have required scopes: {missing} [ReqId: ")


def test_a_route_that_no_oauth_scope_is_for_needs_all_apis(local_workspace):
    described = call(local_workspace, "GET", "/_local/openapi.json").json()["paths"]
    paths = [path.replace("{object_type}", "clusters") for path in described]
    signed_in = [path for path in paths if not path.startswith(OPEN_PATHS)]
    beyond = {path for path in signed_in if missing_oauth_scope(path, OAUTH_SCOPES) == "all-apis"}
    assert {path for path in beyond if not path.startswith(("/_local/", "/api/2.0/mlflow"))} == set()
    assert "/_local/requests" in beyond


@pytest.mark.parametrize("oauth_scope", ["", " , ", 'a b"c', "é", "x" * 101, " ".join(f"s{n}" for n in range(51))])
def test_an_oauth_scope_that_is_none_is_refused(local_workspace, oauth_scope):
    form = {"grant_type": "client_credentials", "scope": oauth_scope}
    credentials = ("analyst", local_workspace.users["analyst"])
    response = requests.post(f"{local_workspace.host}/oidc/v1/token", data=form, auth=credentials, timeout=10)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert response.json()["error_description"].endswith(".")


def test_a_form_of_a_million_fields_is_refused_at_once(local_workspace):
    response = requests.post(f"{local_workspace.host}/oidc/v1/token", data="&a" * 1_000_000, timeout=10)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_an_app_is_told_who_its_visitor_is(local_workspace):
    response = call(local_workspace, "GET", "/_local/app-headers?user=analyst&host=app.example")
    headers = response.json()["headers"]
    assert response.headers["cache-control"] == "no-store"
    token = headers.pop("X-Forwarded-Access-Token")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers.pop("X-Request-Id"))
    assert headers == {
        "X-Forwarded-Host": "app.example",
        "X-Forwarded-Preferred-Username": "analyst@local",
        "X-Forwarded-User": f"2@{ORG_ID}",
        "X-Forwarded-Email": "analyst@local",
        "X-Real-Ip": "127.0.0.1",
    }
    client = WorkspaceClient(
        config=Config(host=local_workspace.host, token=token, auth_type="pat", retry_timeout_seconds=5)
    )
    assert client.current_user.me().user_name == "analyst@local"
    assert list(client.serving_endpoints.list())
    with pytest.raises(PermissionDenied, match="required scopes: secrets"):
        list(client.secrets.list_scopes())
    with pytest.raises(PermissionDenied, match="required scopes: clusters"):
        list(client.clusters.list())


def test_each_visit_has_a_token_of_its_own(local_workspace):
    visits = [call(local_workspace, "GET", "/_local/app-headers?user=admin").json()["headers"] for _ in range(2)]
    assert len({headers["X-Forwarded-Access-Token"] for headers in visits}) == 2
    assert visits[0]["X-Forwarded-Email"] == "admin@local"


def test_only_the_admin_gets_tokens_of_others(local_workspace):
    response = call(local_workspace, "GET", "/_local/app-headers?user=admin", token=local_workspace.users["analyst"])
    assert (response.status_code, response.json()["error_code"]) == (403, "PERMISSION_DENIED")
    of_the_app = call(local_workspace, "GET", "/_local/app-headers?user=admin").json()["headers"]
    again = call(local_workspace, "GET", "/_local/app-headers?user=admin", token=of_the_app["X-Forwarded-Access-Token"])
    assert "required scopes: all-apis" in again.json()["message"]


@pytest.mark.parametrize("query", ["", "?user=", "?user=nobody", "?user=admin%40local"])
def test_a_visitor_nobody_knows_is_refused(local_workspace, query):
    assert call(local_workspace, "GET", f"/_local/app-headers{query}").status_code == 400
