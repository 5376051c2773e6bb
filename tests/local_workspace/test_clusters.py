"""The clusters API: what is listed, and what starting and stopping does."""

import sys
import time

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidState, PermissionDenied, ResourceDoesNotExist
from databricks.sdk.service.compute import ClusterSource, DataSecurityMode, ListClustersFilterBy, State

from tests.local_workspace.calls import call
from tests.local_workspaces import eventually, start_local_workspace

RUNNING = "0101-000000-local001"
SHARED = "0101-000000-local002"
VERSIONS = ["2.0", "2.1"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One for this module, where a state passes in 0.3 s."""
    stderr = tmp_path_factory.mktemp("clusters") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0.5")
    yield workspace
    workspace.stop()


@pytest.fixture
def shared(workspace):
    """The id of the shared cluster, which is terminated before and after."""
    terminated(workspace, SHARED)
    yield SHARED
    terminated(workspace, SHARED)


def terminated(workspace, cluster_id):
    change(workspace, "delete", cluster_id)
    eventually(lambda: get(workspace, cluster_id)["state"] == "TERMINATED")


def change(workspace, what, cluster_id, version="2.1", user="admin"):
    token = workspace.users[user]
    return call(workspace, "POST", f"/api/{version}/clusters/{what}", {"cluster_id": cluster_id}, token=token)


def get(workspace, cluster_id, version="2.1"):
    return call(workspace, "GET", f"/api/{version}/clusters/get?cluster_id={cluster_id}").json()


def events(workspace, cluster_id, **wanted):
    body = {"cluster_id": cluster_id} | wanted
    return call(workspace, "POST", "/api/2.1/clusters/events", body).json()


def sdk(workspace, user="admin"):
    return WorkspaceClient(host=workspace.host, token=workspace.users[user], auth_type="pat")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("user", ["admin", "analyst"])
def test_both_users_see_one_running_and_one_terminated_cluster(local_workspace, version, user):
    token = local_workspace.users[user]
    found = call(local_workspace, "GET", f"/api/{version}/clusters/list", token=token).json()["clusters"]
    assert [(each["cluster_id"], each["state"]) for each in found] == [(RUNNING, "RUNNING"), (SHARED, "TERMINATED")]
    assert local_workspace.ready["cluster_id"] == RUNNING


@pytest.mark.parametrize("version", VERSIONS)
def test_the_running_cluster_is_its_one_users_and_has_a_driver_here(local_workspace, version):
    found = get(local_workspace, RUNNING, version)
    assert (found["data_security_mode"], found["single_user_name"]) == ("SINGLE_USER", "admin@local")
    assert found["driver"]["private_ip"] == ("127.0.0.2" if sys.platform == "linux" else "127.0.0.1")
    assert found["spark_context_id"] > 0
    assert "termination_reason" not in found
    assert abs(found["start_time"] / 1000 - time.time()) < 3600


def test_the_terminated_cluster_says_why_and_has_no_driver(local_workspace):
    found = get(local_workspace, SHARED)
    assert (found["data_security_mode"], found["termination_reason"]["code"]) == ("USER_ISOLATION", "INACTIVITY")
    assert found["terminated_time"] >= found["start_time"]
    assert not {"driver", "spark_context_id", "single_user_name"} & found.keys()


def test_a_list_comes_in_pages(local_workspace):
    first = call(local_workspace, "GET", "/api/2.1/clusters/list?page_size=1").json()
    token = first["next_page_token"]
    second = call(local_workspace, "GET", f"/api/2.1/clusters/list?page_size=1&page_token={token}").json()
    assert [page["clusters"][0]["cluster_id"] for page in (first, second)] == [RUNNING, SHARED]
    assert second["next_page_token"] == first["prev_page_token"] == ""
    back = call(local_workspace, "GET", f"/api/2.1/clusters/list?page_size=1&page_token={second['prev_page_token']}")
    assert back.json() == first


def test_the_sdk_reads_the_list_page_by_page_and_filtered(local_workspace):
    clusters = sdk(local_workspace).clusters
    assert [each.cluster_id for each in clusters.list(page_size=1)] == [RUNNING, SHARED]
    terminated_ones = ListClustersFilterBy(cluster_states=[State.TERMINATED, State.ERROR])
    assert [each.cluster_id for each in clusters.list(filter_by=terminated_ones)] == [SHARED]
    assert list(clusters.list(filter_by=ListClustersFilterBy(cluster_sources=[ClusterSource.JOB]))) == []
    assert list(clusters.list(filter_by=ListClustersFilterBy(is_pinned=True))) == []
    assert clusters.get(RUNNING).data_security_mode is DataSecurityMode.SINGLE_USER


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("page_size=101", "The field 'page_size' must be at most 100."),
        ("page_size=-1", "The field 'page_size' must be at least 0."),
        ("page_size=many", "The field 'page_size' must be an integer."),
        ("page_size=" + "9" * 5000, "The field 'page_size' must be"),
        ("page_token=1", "'page_token' is none that this API gave"),
        ("page_token=%ff%00", "'page_token' is none that this API gave"),
        ("page_token=Y2x1c3RlcnM6LTE=", "'page_token' is none that this API gave"),
    ],
)
def test_a_page_that_cannot_be_is_refused(local_workspace, query, part):
    response = call(local_workspace, "GET", f"/api/2.1/clusters/list?{query}")
    assert response.status_code == 400
    assert part in response.json()["message"]


def test_a_page_after_the_last_is_empty(local_workspace):
    beyond = call(local_workspace, "GET", "/api/2.1/clusters/list?page_token=Y2x1c3RlcnM6OTk=").json()
    assert (beyond["clusters"], beyond["next_page_token"]) == ([], "")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_starts_and_terminates_in_visible_steps(workspace, shared, version):
    before = get(workspace, shared)
    assert change(workspace, "start", shared, version).json() == {}
    assert get(workspace, shared, version)["state"] == "PENDING"
    started = eventually(lambda: (found := get(workspace, shared, version))["state"] == "RUNNING" and found)
    assert started["start_time"] > before["start_time"]
    assert change(workspace, "delete", shared, version).json() == {}
    assert get(workspace, shared, version)["state"] == "TERMINATING"
    ended = eventually(lambda: (found := get(workspace, shared, version))["state"] == "TERMINATED" and found)
    assert ended["termination_reason"] == {
        "code": "USER_REQUEST",
        "type": "SUCCESS",
        "parameters": {"username": "admin@local"},
    }
    assert ended["terminated_time"] > started["start_time"]


def test_a_restarted_cluster_has_another_spark_context(workspace, shared):
    change(workspace, "start", shared)
    first = eventually(lambda: get(workspace, shared).get("spark_context_id"))
    assert change(workspace, "restart", shared).json() == {}
    assert get(workspace, shared)["state"] == "RESTARTING"
    again = eventually(lambda: (found := get(workspace, shared))["state"] == "RUNNING" and found)
    assert again["spark_context_id"] != first
    assert again["last_restarted_time"] >= again["start_time"]


@pytest.mark.parametrize(
    ("what", "cluster_id", "state"),
    [("start", RUNNING, "Running"), ("restart", SHARED, "Terminated"), ("start", "pending", "Pending")],
)
def test_a_change_that_the_state_does_not_allow_is_refused(workspace, shared, what, cluster_id, state):
    if cluster_id == "pending":
        change(workspace, "start", shared)
        cluster_id = shared
    response = change(workspace, what, cluster_id)
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_STATE")
    assert response.json()["message"] == f"Cluster {cluster_id} is in unexpected state {state}."


def test_terminating_twice_is_no_error_and_keeps_the_first_reason(workspace, shared):
    before = get(workspace, shared)
    assert change(workspace, "delete", shared).json() == {}
    assert get(workspace, shared) == before


def test_a_start_can_be_taken_back(workspace, shared):
    change(workspace, "start", shared)
    change(workspace, "delete", shared)
    eventually(lambda: get(workspace, shared)["state"] == "TERMINATED")
    types = [event["type"] for event in events(workspace, shared, order="ASC", limit=500)["events"]]
    assert types[-2:] == ["STARTING", "TERMINATING"]


def test_the_sdk_starts_and_terminates_and_sees_the_platforms_errors(workspace, shared):
    clusters = sdk(workspace).clusters
    assert clusters.start_and_wait(shared).state is State.RUNNING
    with pytest.raises(InvalidState):
        clusters.start(shared)
    assert clusters.delete_and_wait(shared).state is State.TERMINATED
    with pytest.raises(ResourceDoesNotExist, match="Cluster 0000-000000-nowhere does not exist"):
        clusters.get("0000-000000-nowhere")


def test_the_analyst_may_start_the_shared_cluster_but_not_restart_the_admins(workspace, shared):
    assert change(workspace, "start", shared, user="analyst").json() == {}
    eventually(lambda: get(workspace, shared)["state"] == "RUNNING")
    with pytest.raises(PermissionDenied, match="analyst@local does not have Restart permissions on cluster"):
        sdk(workspace, "analyst").clusters.restart(RUNNING)
    assert get(workspace, RUNNING)["state"] == "RUNNING"


def test_a_cluster_without_any_permission_is_neither_listed_nor_shown(workspace, shared):
    path = f"/api/2.0/permissions/clusters/{shared}"
    given = call(workspace, "GET", path).json()["access_control_list"][0]
    call(workspace, "PUT", path, {"access_control_list": []})
    try:
        analyst = sdk(workspace, "analyst").clusters
        assert [each.cluster_id for each in analyst.list()] == [RUNNING]
        for refused in (analyst.get, analyst.start, analyst.delete, lambda each: list(analyst.events(each))):
            with pytest.raises(PermissionDenied):
                refused(shared)
    finally:
        item = {"group_name": given["group_name"], "permission_level": "CAN_RESTART"}
        call(workspace, "PUT", path, {"access_control_list": [item]})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("cluster_id", ["", "0000-000000-nowhere", "벽돌", "\u0000", "' OR 1=1 --", "x" * 10_000])
def test_an_unknown_cluster_is_refused_everywhere(local_workspace, version, cluster_id):
    responses = [
        change(local_workspace, what, cluster_id, version) for what in ("start", "restart", "delete", "events")
    ]
    responses.append(call(local_workspace, "GET", f"/api/{version}/clusters/get", params={"cluster_id": cluster_id}))
    for response in responses:
        assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert response.json()["message"] == f"Cluster {cluster_id[:80]} does not exist"


@pytest.mark.parametrize("what", ["start", "restart", "delete", "events"])
@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "The field 'cluster_id' is missing."),
        ({"cluster_id": 5}, "The field 'cluster_id' must be a string."),
        ({"cluster_id": None}, "The field 'cluster_id' must be a string."),
        ({"cluster_id": [RUNNING]}, "The field 'cluster_id' must be a string."),
        ([RUNNING], "must be a JSON object"),
    ],
)
def test_a_wrong_body_is_refused(local_workspace, what, body, part):
    response = call(local_workspace, "POST", f"/api/2.1/clusters/{what}", body)
    assert response.status_code == 400
    assert part in response.json()["message"]
    assert get(local_workspace, RUNNING)["state"] == "RUNNING"


def test_events_are_newest_first_and_can_be_chosen(workspace, shared):
    change(workspace, "start", shared)
    eventually(lambda: get(workspace, shared)["state"] == "RUNNING")
    newest, before = events(workspace, shared, limit=2)["events"]
    assert (newest["type"], before["type"]) == ("RUNNING", "STARTING")
    assert before["details"] == {"user": "admin@local"}
    assert newest["timestamp"] - before["timestamp"] == 500
    assert {event["type"] for event in events(workspace, shared, event_types=["STARTING"])["events"]} == {"STARTING"}
    assert events(workspace, shared, start_time=newest["timestamp"])["total_count"] == 1
    assert events(workspace, shared, end_time=0) == {"events": [], "total_count": 0}


def test_the_sdk_reads_events_page_by_page(workspace, shared):
    paged = list(sdk(workspace).clusters.events(shared, limit=1))
    assert (
        len(paged) == events(workspace, shared, limit=500)["total_count"] == len({event.timestamp for event in paged})
    )


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ({"order": "UP"}, "The field 'order' must be 'ASC' or 'DESC'."),
        ({"limit": 501}, "The field 'limit' must be at most 500."),
        ({"offset": -1}, "The field 'offset' must be at least 0."),
        ({"start_time": "now"}, "The field 'start_time' must be an integer."),
        ({"event_types": "STARTING"}, "The field 'event_types' must be"),
    ],
)
def test_events_that_cannot_be_chosen_so_are_refused(local_workspace, wanted, part):
    assert part in events(local_workspace, RUNNING, **wanted)["message"]


def test_states_go_on_while_the_workspace_is_not_running(make_local_workspace, tmp_path):
    arguments = ("--state", str(tmp_path), "--deployment-seconds", "0.5")
    first = make_local_workspace(*arguments)
    context = get(first, RUNNING)["spark_context_id"]
    change(first, "start", SHARED)
    first.process.kill()
    first.process.wait()
    second = make_local_workspace(*arguments)
    eventually(lambda: get(second, SHARED)["state"] == "RUNNING")
    assert get(second, RUNNING)["spark_context_id"] == context
    change(second, "delete", RUNNING)
    second.process.kill()
    second.process.wait()
    third = make_local_workspace(*arguments)
    eventually(lambda: get(third, RUNNING)["state"] == "TERMINATED")
    assert third.ready["cluster_id"] == RUNNING
