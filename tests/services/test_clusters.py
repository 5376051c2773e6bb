"""Clusters: the list, their states in words, and whether we may attach."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from services.clusters import (
    AccessMode,
    Cluster,
    ClusterState,
    Fitness,
    MayAttach,
    get_attachment,
    get_cluster,
    list_clusters,
    start_cluster,
)
from services.clusters.listing import cluster_from_wire
from services.doors import typed
from services.errors import BadInput, PlaygroundError, UnexpectedReply
from services.workspace import Identity
from tests.services.replies import whole

RUNNING = "0101-000000-local001"
SHARED = "0101-000000-local002"
ME = Identity("me@example.com", "Me", ("users", "Masons"))


def test_the_local_clusters_are_listed_the_running_one_first(workspace):
    first, second = list_clusters(workspace)
    assert (first.cluster_id, first.state, first.running) == (RUNNING, ClusterState.RUNNING, True)
    assert (first.access_mode, first.single_user) == (AccessMode.DEDICATED, "admin@local")
    assert first.driver_address.startswith("127.0.0.")
    assert (second.cluster_id, second.running, second.driver_address) == (SHARED, False, "")
    assert second.state_message == "Terminated: inactivity."
    assert second.access_mode.fitness is Fitness.UNFIT
    assert get_cluster(workspace, RUNNING) == first


@pytest.mark.parametrize("cluster_id", ["", " "])
def test_without_an_id_nothing_is_asked(workspace, local_workspace, cluster_id):
    before = len(local_workspace.requests())
    with pytest.raises(BadInput, match="No cluster is chosen"):
        get_cluster(workspace, cluster_id)
    assert len([one for one in local_workspace.requests() if "clusters" in one.path]) <= before


def test_an_unknown_cluster_is_an_error_that_names_it(workspace):
    with pytest.raises(PlaygroundError, match="0101-000000-nowhere") as unknown:
        get_cluster(workspace, "0101-000000-nowhere&cluster_id=x")
    assert "check its id" in unknown.value.hint


def test_who_may_attach_to_a_dedicated_cluster(workspace, analyst):
    cluster = get_cluster(workspace, RUNNING)
    mine = get_attachment(workspace, cluster, workspace.identity())
    theirs = get_attachment(analyst, cluster, analyst.identity())
    assert mine.may is MayAttach.YES
    assert (theirs.may, theirs.reason) == (
        MayAttach.NO,
        "It is dedicated to admin@local: the proxy lets nobody else in.",
    )
    shared = get_cluster(analyst, SHARED)
    assert get_attachment(analyst, shared, analyst.identity()).reason == "Your group users has CAN_RESTART."


@pytest.mark.parametrize(
    ("wire", "single_user", "may", "part"),
    [
        ([("user_name", "ME@example.com", "CAN_MANAGE")], "", MayAttach.YES, "You have CAN_MANAGE."),
        ([("group_name", "masons", "CAN_ATTACH_TO")], "", MayAttach.YES, "group masons"),
        ([("group_name", "Others", "CAN_MANAGE")], "", MayAttach.UNKNOWN, "names you"),
        ([("user_name", "me@example.com", "CAN_SEE")], "", MayAttach.UNKNOWN, "names you"),
        ([], "Masons", MayAttach.UNKNOWN, "names you"),
        ([], "Bricklayers", MayAttach.UNKNOWN, "dedicated to Bricklayers"),
        ([], "me@EXAMPLE.com", MayAttach.YES, "dedicated to you"),
        ("nonsense", "", MayAttach.UNKNOWN, "names you"),
        (None, "", MayAttach.UNKNOWN, "could not be read"),
    ],
)
def test_what_permissions_say_and_what_they_leave_open(make_reply_server, wire, single_user, may, part):
    entries = (
        [{field: name, "all_permissions": [{"permission_level": level}]} for field, name, level in wire]
        if isinstance(wire, list)
        else wire
    )
    server = make_reply_server(whole_or_refused(entries))
    mode = AccessMode.DEDICATED if single_user else AccessMode.NO_ISOLATION
    cluster = Cluster("c-1", "c", ClusterState.RUNNING, access_mode=mode, single_user=single_user)
    found = get_attachment(typed(server.host, "dapi1"), cluster, ME)
    assert (found.may, part in found.reason) == (may, True), found


def whole_or_refused(entries):
    if entries is None:
        return whole({"error_code": "PERMISSION_DENIED", "message": "no"}, 403)
    return whole({"access_control_list": entries})


def test_a_start_is_asked_for_once_and_a_refusal_is_told(make_reply_server):
    server = make_reply_server(whole({"error_code": "INVALID_STATE", "message": "it runs"}, 400))
    with pytest.raises(PlaygroundError, match="it runs"):
        start_cluster(typed(server.host, "dapi1"), Cluster("c1", "c", ClusterState.TERMINATED))
    [sent] = server.received
    assert (sent.method, sent.path, json.loads(sent.body)) == ("POST", "/api/2.1/clusters/start", {"cluster_id": "c1"})


def test_all_pages_are_read_and_one_without_end_is_left(make_reply_server):
    def page(exchange):
        number = int(parse_qs(urlsplit(exchange.received.path).query).get("page_token", ["0"])[0])
        clusters = [{"cluster_id": f"c{number}", "state": "RUNNING" if number == 1 else "TERMINATED"}, "no cluster"]
        whole({"clusters": clusters, "next_page_token": str(min(number + 1, 2))})(exchange)

    server = make_reply_server(page)
    found = list_clusters(typed(server.host, "dapi1"))
    assert [one.cluster_id for one in found] == ["c1", "c0", "c2"]
    assert len(server.received) == 3


def test_a_list_of_another_form_is_told(make_reply_server):
    server = make_reply_server(whole({"clusters": {"a": 1}}))
    with pytest.raises(UnexpectedReply, match="not the API's"):
        list_clusters(typed(server.host, "dapi1"))


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ({"cluster_id": "c", "state": "SLEEPING"}, (ClusterState.UNKNOWN, AccessMode.UNKNOWN, "c", "")),
        (
            {"cluster_id": "c", "state": "RESIZING", "data_security_mode": "NONE", "cluster_name": "n", "driver": 7},
            (ClusterState.RESIZING, AccessMode.NO_ISOLATION, "n", ""),
        ),
        (
            {
                "cluster_id": "c",
                "state": 3,
                "data_security_mode": "DATA_SECURITY_MODE_AUTO",
                "driver": {"private_ip": "10.0.0.1"},
            },
            (ClusterState.UNKNOWN, AccessMode.AUTO, "c", "10.0.0.1"),
        ),
    ],
)
def test_what_a_cluster_does_not_say_stays_unknown(wire, said):
    found = cluster_from_wire(wire)
    assert (found.state, found.access_mode, found.name, found.driver_address) == said


@pytest.mark.parametrize("wire", [None, [], "c", {}, {"cluster_id": ""}, {"cluster_id": 7}])
def test_what_is_no_cluster_is_left_out(wire):
    assert cluster_from_wire(wire) is None
