"""databricks-sdk beside serving: who is calling, signing in as a machine, clusters and their permissions."""

from datetime import timedelta

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.compute import ClusterPermissionLevel, DataSecurityMode, State
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from tests.local_workspaces import start_local_workspace

SOON = timedelta(seconds=30)


@pytest.fixture(scope="module")
def cluster_workspace(tmp_path_factory):
    """A workspace whose clusters these tests may start and terminate."""
    stderr = tmp_path_factory.mktemp("cluster-workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0.3")
    yield workspace
    workspace.stop()


@pytest.fixture
def clusters(make_sdk, cluster_workspace):
    return make_sdk(cluster_workspace.token, host=cluster_workspace.host).clusters


@pytest.fixture
def running(cluster_workspace):
    """The id of the cluster that runs."""
    return cluster_workspace.ready["cluster_id"]


def test_me_and_the_workspace_id(sdk, analyst_sdk):
    me = sdk.current_user.me()
    assert (me.user_name, me.active, me.emails[0].value) == ("admin@local", True, "admin@local")
    assert {group.display for group in me.groups} == {"users", "admins"}
    assert analyst_sdk.current_user.me().user_name == "analyst@local"
    assert sdk.get_workspace_id() == analyst_sdk.get_workspace_id() == 1000000000000001


def test_a_machine_signs_in_with_client_id_and_secret(make_sdk, tls_workspace):
    for user in ("admin", "analyst"):
        machine = make_sdk(client_id=user, client_secret=tls_workspace.users[user])
        assert machine.config.auth_type == "oauth-m2m"
        assert machine.current_user.me().user_name == f"{user}@local"
        assert machine.config.authenticate()["Authorization"] != f"Bearer {tls_workspace.users[user]}"
        assert list(machine.serving_endpoints.list())


def test_a_machine_with_a_wrong_secret_is_told(make_sdk):
    machine = make_sdk(client_id="admin", client_secret="wrong")
    with pytest.raises(ValueError, match="invalid_client"):
        machine.current_user.me()


def test_a_token_goes_as_a_password_too(make_sdk, tls_workspace):
    basic = make_sdk(username="token", password=tls_workspace.users["analyst"], auth_type="basic")
    assert basic.current_user.me().user_name == "analyst@local"


def test_a_profile_of_the_config_file_is_enough(make_sdk, tls_workspace, tmp_path):
    file = tmp_path / "databrickscfg"
    file.write_text(f"[brick]\nhost = {tls_workspace.host}/\ntoken = {tls_workspace.users['analyst']}\n")
    # make_sdk has made this environment trust the workspace.
    assert WorkspaceClient(config_file=str(file), profile="brick").current_user.me().user_name == "analyst@local"


def test_clusters_are_listed_in_pages(clusters, cluster_workspace, running):
    found = {cluster.cluster_id: cluster for cluster in clusters.list(page_size=1)}
    assert len(found) == 2
    pages = [entry for entry in cluster_workspace.requests() if entry.path == "/api/2.1/clusters/list"]
    assert len(pages) >= 2
    assert "page_token=" in pages[-1].query
    mine = found[running]
    assert mine.data_security_mode in (DataSecurityMode.SINGLE_USER, DataSecurityMode.DATA_SECURITY_MODE_DEDICATED)
    assert mine.single_user_name == "admin@local"
    assert mine.driver.private_ip.startswith("127.0.0.")
    assert {cluster.cluster_id for cluster in clusters.list()} == set(found)


def test_a_cluster_is_terminated_and_started(clusters, running):
    before = clusters.get(running)
    assert (before.state, before.cluster_id) == (State.RUNNING, running)
    ended = clusters.delete_and_wait(running, timeout=SOON)
    assert ended.state == State.TERMINATED
    assert ended.termination_reason.code.value == "USER_REQUEST"
    started = clusters.start_and_wait(running, timeout=SOON)
    assert started.state == State.RUNNING
    assert started.spark_context_id != before.spark_context_id
    again = clusters.restart_and_wait(running, timeout=SOON)
    assert again.spark_context_id != started.spark_context_id
    clusters.ensure_cluster_is_running(running)
    assert {"STARTING", "RUNNING"} <= {event.type.value for event in clusters.events(running) if event.type}


def test_a_terminated_cluster_is_there_and_told_apart(clusters, running):
    (other,) = [cluster for cluster in clusters.list() if cluster.cluster_id != running]
    assert other.state == State.TERMINATED
    assert other.termination_reason.code
    assert other.cluster_name


def test_an_unknown_cluster_is_told(clusters):
    with pytest.raises((NotFound, InvalidParameterValue), match="0000-000000-xxxxxxxx does not exist"):
        clusters.get("0000-000000-xxxxxxxx")
    with pytest.raises((NotFound, InvalidParameterValue)):
        clusters.start("0000-000000-xxxxxxxx")


def test_starting_what_runs_is_refused(clusters, running):
    with pytest.raises(BadRequest, match=running):
        clusters.start(running)


def test_permissions_of_a_cluster(make_sdk, cluster_workspace, running):
    sdk = make_sdk(cluster_workspace.token, host=cluster_workspace.host)
    theirs = make_sdk(cluster_workspace.users["analyst"], host=cluster_workspace.host)
    levels = {item.permission_level for item in sdk.clusters.get_permission_levels(running).permission_levels}
    assert levels == {
        ClusterPermissionLevel.CAN_ATTACH_TO,
        ClusterPermissionLevel.CAN_RESTART,
        ClusterPermissionLevel.CAN_MANAGE,
    }
    with pytest.raises(PermissionDenied):
        theirs.clusters.delete(running)
    grant = AccessControlRequest(user_name="analyst@local", permission_level=PermissionLevel.CAN_ATTACH_TO)
    changed = sdk.permissions.update("clusters", running, access_control_list=[grant])
    assert changed.object_id == f"/clusters/{running}"
    held = {
        control.user_name or control.group_name: [item.permission_level for item in control.all_permissions]
        for control in sdk.permissions.get("clusters", running).access_control_list
    }
    assert held["analyst@local"] == [PermissionLevel.CAN_ATTACH_TO]
    assert theirs.clusters.get(running).cluster_id == running
    with pytest.raises(PermissionDenied):
        theirs.clusters.restart(running)
    grant.permission_level = PermissionLevel.CAN_RESTART
    sdk.permissions.set("clusters", running, access_control_list=[grant])
    assert theirs.clusters.restart_and_wait(running, timeout=SOON).state == State.RUNNING
    sdk.permissions.set("clusters", running, access_control_list=[])
    listed = sdk.clusters.get_permissions(running).access_control_list
    assert "analyst@local" not in [control.user_name for control in listed]
    assert sdk.permissions.get_permission_levels("clusters", running).permission_levels


def test_permissions_of_what_is_not_there(sdk):
    with pytest.raises(NotFound):
        sdk.permissions.get("clusters", "0000-000000-xxxxxxxx")
    with pytest.raises((NotFound, BadRequest)):
        sdk.permissions.get("no-such-kind", "1")
