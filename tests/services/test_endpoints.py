"""Serving endpoints: what there is to call, whatever the workspace says about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.endpoints import get_endpoint, list_endpoints
from services.endpoints.reading import _from_wire
from services.errors import NotFound, PermissionDenied, UnexpectedReply
from tests.services.chats import CHAT, EMBEDDINGS, at
from tests.services.replies import whole

SLEEPING = {
    "name": "sleeping",
    "task": "agent/v1/chat",
    "state": {"ready": "NOT_READY", "config_update": "IN_PROGRESS"},
    "config": {
        "served_entities": [
            {"name": "a", "external_model": {"provider": "openai", "name": "gpt"}},
            {"name": "b", "entity_name": "main.x.y", "entity_version": "3"},
            {"name": "c", "foundation_model": {"name": "llama", "display_name": "Llama"}},
        ]
    },
}  # fmt: skip


def test_the_list_has_every_endpoint_by_name(workspace):
    endpoints = list_endpoints(workspace)
    assert [one.name for one in endpoints] == [EMBEDDINGS, "local-prompt-model", CHAT]
    assert [one.chats for one in endpoints] == [False, False, True]
    assert {(one.ready, one.state, one.creator) for one in endpoints} == {(True, "Ready", "admin@local")}
    assert all(one.description and one.id for one in endpoints)


def test_a_list_is_one_request(local_workspace, workspace):
    local_workspace.clear()
    list_endpoints(workspace)
    assert [entry.path for entry in local_workspace.requests()] == ["/api/2.0/serving-endpoints"]


def test_the_permission_level_is_the_callers(workspace, analyst):
    assert {one.permission_level for one in list_endpoints(workspace)} == {"CAN_MANAGE"}
    assert {one.permission_level for one in list_endpoints(analyst)} == {"CAN_QUERY"}


def test_one_endpoint_has_its_details(workspace):
    endpoint = get_endpoint(workspace, CHAT)
    assert (endpoint.name, endpoint.task) == (CHAT, "llm/v1/chat")
    assert [one.entity for one in endpoint.served_entities] == ["SmolLM2 135M Instruct"]


def test_an_endpoint_that_is_not_there_is_named_with_a_next_step(workspace):
    with pytest.raises(NotFound) as caught:
        get_endpoint(workspace, "no-such-endpoint")
    assert caught.value.message == "This workspace does not know endpoint no-such-endpoint."
    assert "which workspace" in caught.value.hint


@pytest.mark.parametrize("name", ["../secrets/list", "a/b?c=d", "a#b", "벽", "%2e%2e"])
def test_a_name_cannot_lead_to_another_path(make_reply_server, name):
    server = make_reply_server(whole({"name": name}))
    assert get_endpoint(at(server), name).name == name
    [received] = server.received
    assert received.path.startswith("/api/2.0/serving-endpoints/")
    assert received.path.count("/") == 4
    assert "?" not in received.path


def test_a_list_one_may_not_see_is_told_as_such(make_reply_server):
    refusal = {"error_code": "PERMISSION_DENIED", "message": "User is not entitled to serving."}
    with pytest.raises(PermissionDenied, match="You may not see the list of serving endpoints: User is not") as caught:
        list_endpoints(at(make_reply_server(whole(refusal, 403))))
    assert "workspace admin" in caught.value.hint
    assert "CAN QUERY" not in caught.value.hint


def test_states_are_told_in_the_platforms_words(make_reply_server):
    states = {
        ("READY", "NOT_UPDATING"): "Ready",
        ("READY", "IN_PROGRESS"): "Ready (updating)",
        ("READY", "UPDATE_FAILED"): "Ready (update failed)",
        ("NOT_READY", "NOT_UPDATING"): "Not ready",
        ("NOT_READY", "IN_PROGRESS"): "Not ready (updating)",
        ("NOT_READY", "UPDATE_FAILED"): "Not ready (update failed)",
    }
    wire = [{"name": f"{at}", "state": {"ready": r, "config_update": u}} for at, (r, u) in enumerate(states)]
    found = list_endpoints(at(make_reply_server(whole({"endpoints": wire}))))
    assert [one.state for one in found] == list(states.values())


def test_served_entities_are_told_by_what_they_serve(make_reply_server):
    endpoint = get_endpoint(at(make_reply_server(whole(SLEEPING))), "sleeping")
    assert [one.entity for one in endpoint.served_entities] == ["openai: gpt", "main.x.y 3", "Llama"]
    assert endpoint.chats


@pytest.mark.parametrize("body", [{}, {"endpoints": None}, {"endpoints": []}, {"endpoints": [7, None, "x"]}])
def test_a_workspace_without_endpoints_has_an_empty_list(make_reply_server, body):
    assert list_endpoints(at(make_reply_server(whole(body)))) == []


@pytest.mark.parametrize(
    "body", [[], "7", "null", '"x"', {"endpoints": {"a": 1}}, {"endpoints": "x"}, "", "[" * 100_000]
)
def test_an_answer_that_is_no_list_of_endpoints_says_so(make_reply_server, body):
    with pytest.raises(UnexpectedReply) as caught:
        list_endpoints(at(make_reply_server(whole(body))))
    assert caught.value.hint


@pytest.mark.parametrize("body", [[], "7", "null"])
def test_an_answer_that_is_no_endpoint_says_so(make_reply_server, body):
    with pytest.raises(UnexpectedReply):
        get_endpoint(at(make_reply_server(whole(body))), "x")


def test_a_redirect_to_a_sign_in_page_is_told_as_one(make_reply_server):
    server = make_reply_server(whole("{}", 302, Location="/login"))
    with pytest.raises(UnexpectedReply, match="web page"):
        list_endpoints(at(server))
    assert len(server.received) == 1


NAMES = ["name", "id", "task", "state", "ready", "config", "served_entities", "external_model", "foundation_model"]
NAMES += ["provider", "entity_name", "permission_level", "creator", "description"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
)


@given(st.dictionaries(st.sampled_from(NAMES), anything))
def test_no_json_object_breaks_the_reading(wire):
    endpoint = _from_wire(wire)
    assert isinstance(endpoint.name, str)
    assert isinstance(endpoint.state, str)
    assert all(isinstance(one.entity, str) for one in endpoint.served_entities)


def test_a_number_of_any_length_counts_as_not_told():
    endless = 10**400
    routes = {"routes": [{"served_entity_name": "a", "traffic_percentage": endless}]}
    config = {"config_version": endless, "served_entities": [{"name": "a"}], "traffic_config": routes}
    endpoint = _from_wire({"creation_timestamp": endless, "last_updated_timestamp": -endless, "config": config})
    assert (endpoint.created_ms, endpoint.updated_ms, endpoint.routes) == (None, None, ())
