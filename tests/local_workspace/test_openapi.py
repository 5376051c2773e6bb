"""The routes: those that clients call, those the workspace describes, and those its README lists."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.local_workspace.calls import call
from tests.local_workspaces import ROOT, LocalWorkspace

CHECKLIST = Path(__file__).with_name("route_checklist.md")
DESCRIBED = "/_local/openapi.json"


class Route(NamedTuple):
    """A route of the checklist; `served`, or the reason why not."""

    method: str
    path: str
    served: str


def checklist() -> list[Route]:
    rows = re.findall(r"^\| ([A-Z]+) \| (/\S+) \| (.+) \|$", CHECKLIST.read_text(), re.MULTILINE)
    return [Route(*row) for row in rows]


def description(workspace: LocalWorkspace) -> dict[str, Any]:
    found: dict[str, Any] = call(workspace, "GET", DESCRIBED).json()
    return found


def served(workspace: LocalWorkspace) -> list[tuple[str, str]]:
    """Method and path of every operation the workspace describes."""
    paths = description(workspace)["paths"].items()
    return [(method.upper(), path) for path, operations in paths for method in operations]


def ask(workspace: LocalWorkspace, route: Route, fault: str | None = None) -> requests.Response:
    path = re.sub(r"\{\w+\}", "no-such-thing", route.path)
    body = None if route.method in {"GET", "HEAD"} else {}
    return call(workspace, route.method, path, body, fault=fault, allow_redirects=False)


def test_the_checklist_has_not_shrunk():
    assert len(checklist()) >= 80
    assert len(set(checklist())) == len(checklist())


@pytest.mark.parametrize("route", checklist(), ids=lambda route: f"{route.method} {route.path}")
def test_every_route_of_the_checklist_answers(local_workspace, route):
    response = ask(local_workspace, route)
    code = re.search(r'"error_code": ?"(\w+)"', response.text)
    if route.served == "served":
        assert response.status_code != 405
        assert code is None or code[1] not in {"ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "INTERNAL_ERROR"}, response.text
        assert response.status_code < 500 or route.path.startswith("/driver-proxy"), response.text
    else:
        assert (response.status_code, response.json()["error_code"]) == (501, "NOT_IMPLEMENTED"), response.text
        assert response.json()["message"].endswith(".")


def test_the_description_is_of_openapi_31_and_asks_for_a_token(local_workspace):
    found = description(local_workspace)
    assert found["openapi"].startswith("3.1.")
    assert found["info"]["title"] == "Brickyard local workspace"
    assert found["security"] == [{"bearer": []}]
    assert found["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert found["paths"]["/.well-known/databricks-config"]["get"]["security"] == []


def test_the_description_knows_bodies_parameters_refusals_and_streams(local_workspace):
    paths = description(local_workspace)["paths"]
    create = paths["/api/2.0/serving-endpoints"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert create["required"] == ["name"]
    parameters = {parameter["name"]: parameter for parameter in paths["/_local/usage"]["get"]["parameters"]}
    assert parameters["since"]["schema"]["minimum"] == 0
    replies = paths["/serving-endpoints/{name}/invocations"]["post"]["responses"]
    assert set(replies["200"]["content"]) == {"application/json", "text/event-stream"}
    assert all("default" in operation["responses"] for item in paths.values() for operation in item.values())


def test_every_operation_has_a_name_of_its_own(local_workspace):
    paths = description(local_workspace)["paths"].values()
    names = [operation["operationId"] for item in paths for operation in item.values()]
    assert len(set(names)) == len(names)


def test_every_route_that_takes_a_body_describes_it(local_workspace):
    paths = description(local_workspace)["paths"].items()
    # These take none, or whatever they are sent is refused.
    empty = {"config:stop", "config:start", "external-function", "messages", "responses"}
    missing = [
        f"{method} {path}"
        for path, item in paths
        for method, operation in item.items()
        if method in {"post", "put", "patch"}
        and "requestBody" not in operation
        and path.rpartition("/")[2] not in empty
    ]
    assert missing == []


@pytest.mark.parametrize("path", [DESCRIBED, "/_local/usage", "/_local/inference-log"])
def test_only_the_admin_reads_what_no_databricks_workspace_has(local_workspace, path):
    refused = call(local_workspace, "GET", path, token=local_workspace.users["analyst"])
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert requests.get(local_workspace.host + path, timeout=10).status_code == 401


@pytest.mark.parametrize("route", checklist(), ids=lambda route: f"{route.method} {route.path}")
def test_every_route_of_the_checklist_plays_a_fault_that_is_asked_for(local_workspace, route):
    response = ask(local_workspace, route, fault="return-418-retry-after-3")
    assert (response.status_code, response.headers["retry-after"]) == (418, "3")


def readme_rows() -> list[set[tuple[str, str]]]:
    """For each row of a README table that lists routes: the methods and paths it names, parameters as `{}`.

    A row says `GET`, `PUT /a/{x}` for two methods of one path, `/a[/]` for a path with and without a slash, and `/a/b`, `/c`
    for `/a/b` and `/a/c`.
    """
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "local_workspace" / "README.md").read_text(), re.MULTILINE)
    return [_routes_in(row) for row in rows if re.search(r"`[A-Z]+[ `]", row)]


def _routes_in(row: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    methods: list[str] = []
    paths: list[str] = []
    for token in re.findall(r"`([^`]+)`", row):
        method, _, path = token.rpartition(" ") if " " in token else ("", "", token)
        if path.isupper() and path.isalpha():
            methods = [path] if paths else [*methods, path]
            paths = []
            continue
        if method:
            methods = [method] if paths else [*methods, method]
            paths = []
        paths.append(path)
        first = paths[0].removesuffix("[/]")
        spelt = {path} | {first[:end] + path for end in range(len(first)) if first[end] == "/"}
        found |= {(each, _plain(text)) for each in methods for text in spelt}
    return found


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.removesuffix("[/]").rstrip("/"))


def test_every_route_the_workspace_serves_is_in_its_readme(local_workspace):
    listed = set().union(*readme_rows())
    missing = [f"{method} {path}" for method, path in served(local_workspace) if (method, _plain(path)) not in listed]
    assert missing == []
