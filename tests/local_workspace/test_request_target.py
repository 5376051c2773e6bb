"""Requests as a proxy gets them: with the whole URL in the request line."""

import http.client
import json

import pytest

from tests.local_workspace.calls import CHAT

ME = "/api/2.0/preview/scim/v2/Me"
SHOWN = f"/api/2.0/serving-endpoints/{CHAT}"


def ask(workspace, target, host="workspace.local"):
    """Status and JSON of a GET whose target goes out as it is."""
    connection = http.client.HTTPConnection(workspace.host.removeprefix("http://"), timeout=30)
    connection.putrequest("GET", target, skip_host=True)
    connection.putheader("host", host)
    connection.putheader("authorization", f"Bearer {workspace.token}")
    connection.endheaders()
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


@pytest.mark.parametrize(
    "origin", ["http://workspace.local", "https://workspace.local:443", "HTTP://WORKSPACE.LOCAL", "http://u:p@[::1]:80"]
)
def test_scheme_and_host_of_the_target_do_not_matter(local_workspace, origin):
    status, found = ask(local_workspace, origin + ME)
    assert (status, found["userName"]) == (200, "admin@local")
    entry = local_workspace.last_request("/scim/")
    assert (entry.path, entry.user) == (ME, "admin")


def test_path_and_query_stay_as_they_were(local_workspace):
    status, found = ask(local_workspace, f"http://workspace.local{SHOWN.replace('-', '%2D')}?a=http://b/c&d=%2F")
    assert (status, found["name"]) == (200, CHAT)
    entry = local_workspace.last_request(SHOWN)
    assert (entry.path, entry.query) == (SHOWN, "a=http://b/c&d=%2F")


@pytest.mark.parametrize("target", ["http://workspace.local", "http://workspace.local?a=b", "http://workspace.local/"])
def test_no_path_is_the_root(local_workspace, target):
    status, found = ask(local_workspace, target)
    assert (status, found["message"]) == (404, "No API found for 'GET /'")


@pytest.mark.parametrize(
    "target",
    [f"ftp://workspace.local{ME}", f"/http://workspace.local{ME}", f"http:/{ME}", f"//workspace.local{ME}", "*"],
)
def test_what_only_looks_like_one_is_no_api(local_workspace, target):
    assert ask(local_workspace, target)[0] in (400, 404)


def test_the_whole_url_does_not_sign_anyone_in(local_workspace):
    connection = http.client.HTTPConnection(local_workspace.host.removeprefix("http://"), timeout=30)
    connection.request("GET", f"http://workspace.local{ME}")
    assert connection.getresponse().status == 401
    connection.close()
