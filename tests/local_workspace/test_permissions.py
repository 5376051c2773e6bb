"""Who may do what with one object."""

import pytest

from tests.local_workspace.calls import call
from tests.local_workspaces import start_local_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One for this module, since permissions stay changed."""
    workspace = start_local_workspace(tmp_path_factory.mktemp("permissions") / "stderr.txt")
    yield workspace
    workspace.stop()


@pytest.fixture
def endpoint_id(workspace):
    found = call(workspace, "GET", "/api/2.0/serving-endpoints/local-minilm-l6-v2").json()
    return found["id"]


@pytest.fixture
def path(workspace):
    """The permissions of the running cluster, which are put back."""
    path = f"/api/2.0/permissions/clusters/{workspace.ready['cluster_id']}"
    yield path
    given = [{"group_name": "users", "permission_level": "CAN_ATTACH_TO"}]
    assert call(workspace, "PUT", path, {"access_control_list": given}).status_code == 200


def put(workspace, path, *items, method="PUT", user="admin"):
    body = {"access_control_list": list(items)}
    return call(workspace, method, path, body, token=workspace.users[user])


def to(name, level, field="user_name"):
    return {field: name, "permission_level": level}


def direct(response):
    """The direct grants in a reply: principal to level."""
    return {
        entry.get("user_name") or entry["group_name"]: held["permission_level"]
        for entry in response.json()["access_control_list"]
        for held in entry["all_permissions"]
        if not held["inherited"]
    }


def test_a_clusters_permissions_have_the_platforms_shape(workspace, path):
    put(workspace, path, to("analyst@local", "CAN_RESTART"))
    assert call(workspace, "GET", path).json() == {
        "object_id": f"/clusters/{workspace.ready['cluster_id']}",
        "object_type": "cluster",
        "access_control_list": [
            {
                "user_name": "analyst@local",
                "display_name": "Local analyst",
                "all_permissions": [{"permission_level": "CAN_RESTART", "inherited": False}],
            },
            {
                "group_name": "admins",
                "all_permissions": [
                    {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/clusters/"]}
                ],
            },
        ],
    }


def test_an_endpoints_permissions_go_by_its_id_not_its_name(workspace, endpoint_id):
    found = call(workspace, "GET", f"/api/2.0/permissions/serving-endpoints/{endpoint_id}").json()
    assert (found["object_id"], found["object_type"]) == (f"/serving-endpoints/{endpoint_id}", "serving-endpoint")
    by_name = call(workspace, "GET", "/api/2.0/permissions/serving-endpoints/local-minilm-l6-v2")
    assert (by_name.status_code, by_name.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_put_replaces_direct_grants_and_patch_merges_them(workspace, path):
    put(workspace, path, to("analyst@local", "CAN_ATTACH_TO"), to("users", "CAN_RESTART", "group_name"))
    merged = put(workspace, path, to("analyst@local", "CAN_MANAGE"), method="PATCH")
    assert direct(merged) == {"analyst@local": "CAN_MANAGE", "users": "CAN_RESTART"}
    replaced = put(workspace, path, to("admin@local", "CAN_ATTACH_TO"))
    assert direct(replaced) == direct(call(workspace, "GET", path)) == {"admin@local": "CAN_ATTACH_TO"}


@pytest.mark.parametrize("body", [{}, {"access_control_list": []}, {"something": "newer"}])
def test_put_without_grants_takes_every_direct_one_away_but_never_the_admins_own(workspace, path, body):
    assert direct(call(workspace, "PUT", path, body)) == {}
    assert call(workspace, "GET", path).status_code == 200
    refused = call(workspace, "GET", path, token=workspace.users["analyst"])
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_lesser_grant_does_not_take_from_an_admin(workspace, path):
    put(workspace, path, to("admin@local", "CAN_ATTACH_TO"), to("admins", "CAN_ATTACH_TO", "group_name"))
    assert put(workspace, path).status_code == 200


def test_the_strongest_of_own_and_group_grants_counts(workspace, path):
    analysts = to("analyst@local", "CAN_ATTACH_TO")
    put(workspace, path, analysts, to("users", "CAN_ATTACH_TO", "group_name"))
    refused = put(workspace, path, analysts, user="analyst")
    assert refused.status_code == 403
    assert "analyst@local does not have Manage permissions on cluster" in refused.json()["message"]
    put(workspace, path, analysts, to("users", "CAN_MANAGE", "group_name"))
    assert put(workspace, path, analysts, user="analyst").status_code == 200
    assert put(workspace, path, analysts, user="analyst").status_code == 403


def test_a_grant_for_another_group_is_not_the_analysts(workspace, path):
    put(workspace, path, to("admins", "CAN_MANAGE", "group_name"))
    assert call(workspace, "GET", path, token=workspace.users["analyst"]).status_code == 403


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("clusters", ["CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"]),
        ("serving-endpoints", ["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]),
    ],
)
def test_the_levels_of_a_kind_are_described(workspace, endpoint_id, kind, levels):
    object_id = workspace.ready["cluster_id"] if kind == "clusters" else endpoint_id
    found = call(workspace, "GET", f"/api/2.0/permissions/{kind}/{object_id}/permissionLevels").json()
    assert [level["permission_level"] for level in found["permission_levels"]] == levels
    assert all(level["description"] for level in found["permission_levels"])


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"access_control_list": [to("nobody@local", "CAN_MANAGE")]}, "UserName(nobody@local) does not exist"),
        ({"access_control_list": [to("admins", "CAN_MANAGE")]}, "UserName(admins) does not exist"),
        ({"access_control_list": [to("Users", "CAN_MANAGE", "group_name")]}, "GroupName(Users) does not exist"),
        (
            {"access_control_list": [to("admin", "CAN_MANAGE", "service_principal_name")]},
            "ServicePrincipalName(admin) does not exist",
        ),
        ({"access_control_list": [to("users", "CAN_QUERY", "group_name")]}, "no permission level of a cluster"),
        ({"access_control_list": [to("users", "can_manage", "group_name")]}, "CAN_ATTACH_TO, CAN_RESTART, CAN_MANAGE"),
        ({"access_control_list": [{"permission_level": "CAN_MANAGE"}]}, "names exactly one of user_name, group_name"),
        (
            {"access_control_list": [{"user_name": "admin@local", "group_name": "users", "permission_level": "x"}]},
            "names exactly one",
        ),
        ({"access_control_list": [{"user_name": "admin@local"}]}, "permission_level' is missing"),
        ({"access_control_list": {}}, "The field 'access_control_list' must be"),
        ({"access_control_list": ["users"]}, "must be an object"),
        ({"access_control_list": [to(7, "CAN_MANAGE")]}, "must be a string"),
        ({"access_control_list": [to("벽돌\u0000'; DROP TABLE grants; --", "CAN_MANAGE")]}, "does not exist"),
        ({"access_control_list": [to("x" * 100_000, "CAN_MANAGE")]}, "does not exist"),
        ({"access_control_list": [to("admin@local", "CAN_MANAGE")] * 1001}, "at most 1000"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(workspace, path, body, part):
    before = call(workspace, "GET", path).json()
    for method in ("PUT", "PATCH"):
        response = call(workspace, method, path, body)
        assert response.status_code == 400
        assert part in response.json()["message"]
        assert len(response.json()["message"]) < 500
    assert call(workspace, "GET", path).json() == before


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
@pytest.mark.parametrize("suffix", ["", "/permissionLevels"])
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("clusters/0101-000000-nowhere", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("clusters/%00", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("serving-endpoints/0", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("jobs/1", 400, "INVALID_PARAMETER_VALUE"),
        ("벽돌/1", 400, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_an_unknown_object_or_type_is_refused(workspace, method, suffix, path, status, code):
    if suffix and method != "GET":
        status, code = 404, "ENDPOINT_NOT_FOUND"
    body = None if method == "GET" else {}
    response = call(workspace, method, f"/api/2.0/permissions/{path}{suffix}", body)
    assert (response.status_code, response.json()["error_code"]) == (status, code)


def test_permissions_survive_the_end_of_the_process_at_any_moment(make_local_workspace, tmp_path):
    first = make_local_workspace("--state", str(tmp_path))
    path = f"/api/2.0/permissions/clusters/{first.ready['cluster_id']}"
    assert put(first, path, to("analyst@local", "CAN_MANAGE")).status_code == 200
    first.process.kill()
    first.process.wait()
    second = make_local_workspace("--state", str(tmp_path))
    assert direct(call(second, "GET", path)) == {"analyst@local": "CAN_MANAGE"}
