"""What a call will meet, told before it is made."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.endpoints import get_endpoint_detail, list_endpoints
from services.endpoints.reading import detail_from_wire
from services.readiness import Readiness, ReadinessKind, can_sleep, readiness_of
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import ROOT, create, entity, new_name, settled
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, EMBEDDINGS

PROMPT_MODEL = "local-prompt-model"
BEDROCK = {
    "name": "one",
    "external_model": {
        "provider": "amazon-bedrock",
        "name": "a-model",
        "task": "llm/v1/chat",
        "amazon_bedrock_config": {
            "aws_region": "eu-west-1",
            "bedrock_provider": "amazon",
            "instance_profile_arn": "arn",
        },
    },
}


@pytest.fixture
def make_endpoint(local_workspace):
    """An endpoint that goes with its test."""
    made = []

    def make(*entities, **fields) -> str:
        name = new_name()
        made.append(name)
        create(local_workspace, name, *entities, **fields)
        return name

    yield make
    for name in made:
        settled(local_workspace, name)
        call(local_workspace, "DELETE", f"{ROOT}/{name}")


def listed(workspace, name):
    return next(one for one in list_endpoints(workspace) if one.name == name)


def of(workspace, name) -> Readiness:
    return readiness_of(get_endpoint_detail(workspace, name))


def test_a_ready_endpoint_may_be_called_and_there_is_nothing_to_add(workspace):
    known = of(workspace, CHAT)
    assert (known.kind, known.may_send, known.remarkable, known.next_step) == (ReadinessKind.READY, True, False, "")
    assert readiness_of(listed(workspace, CHAT)) == known


def test_a_first_deployment_answers_nothing_until_it_is_over(workspace, make_endpoint):
    name = make_endpoint()
    known = of(workspace, name)
    assert (known.kind, known.may_send, known.settling) == (ReadinessKind.NOT_READY, False, True)
    assert readiness_of(listed(workspace, name)).kind is ReadinessKind.NOT_READY
    eventually(lambda: of(workspace, name).kind is ReadinessKind.READY)


def test_while_a_ready_endpoint_is_updated_its_old_config_answers(local_workspace, workspace, make_endpoint):
    name = make_endpoint()
    settled(local_workspace, name)
    body = {"served_entities": [entity("two")]}
    assert call(local_workspace, "PUT", f"{ROOT}/{name}/config", body).ok
    known = of(workspace, name)
    assert (known.kind, known.may_send) == (ReadinessKind.UPDATING, True)
    assert "old config answers" in known.sentence
    assert call(local_workspace, "POST", f"/serving-endpoints/{name}/invocations", HELLO).ok


HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}


def test_a_failed_deployment_says_which_served_entity_failed_and_why(local_workspace, workspace, make_endpoint):
    name = make_endpoint(BEDROCK)
    settled(local_workspace, name)
    known = of(workspace, name)
    assert (known.kind, known.may_send) == (ReadinessKind.FAILED, False)
    assert "one says: " in known.sentence
    assert "instance_profile_arn" in known.sentence
    assert readiness_of(listed(workspace, name)).kind is ReadinessKind.FAILED
    assert not call(local_workspace, "POST", f"/serving-endpoints/{name}/invocations", HELLO).ok


def test_an_endpoint_without_a_config_serves_nothing(workspace, local_workspace):
    name = new_name()
    assert call(local_workspace, "POST", ROOT, {"name": name}).ok
    try:
        known = of(workspace, name)
        assert (known.kind, known.may_send) == (ReadinessKind.EMPTY, False)
    finally:
        call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_a_stopped_endpoint_is_told_from_one_that_failed_only_in_detail():
    detail = detail_from_wire(wire(served("a"), state={"ready": "NOT_READY", "config_update": "NOT_UPDATING"}))
    known = readiness_of(detail)
    assert (known.kind, known.may_send) == (ReadinessKind.STOPPED, False)
    in_list = readiness_of(detail.endpoint)
    assert (in_list.kind, in_list.may_send) == (ReadinessKind.UNKNOWN, True), "a list does not know, so it may be tried"


def test_who_may_only_view_may_not_send(local_workspace, analyst, make_endpoint):
    name = make_endpoint()
    settled(local_workspace, name)
    grant = {"access_control_list": [{"user_name": "analyst@local", "permission_level": "CAN_VIEW"}]}
    endpoint_id = call(local_workspace, "GET", f"{ROOT}/{name}").json()["id"]
    assert call(local_workspace, "PATCH", f"/api/2.0/permissions/serving-endpoints/{endpoint_id}", grant).ok
    for known in (of(analyst, name), readiness_of(listed(analyst, name))):
        assert (known.kind, known.may_send) == (ReadinessKind.NO_PERMISSION, False)
        assert "CAN QUERY" in known.next_step


def test_only_what_is_deployed_for_an_endpoint_can_sleep(workspace):
    assert can_sleep(listed(workspace, PROMPT_MODEL))
    assert not can_sleep(listed(workspace, CHAT))
    assert not can_sleep(listed(workspace, EMBEDDINGS))


def wire(*entities, **fields):
    return {"name": "x", "state": {"ready": "READY", "config_update": "NOT_UPDATING"}} | {
        "config": {"served_entities": list(entities)},
        **fields,
    }


def served(name, deployment="DEPLOYMENT_READY", message=""):
    return {
        "name": name,
        "entity_name": "m",
        "state": {"deployment": deployment, "deployment_state_message": message},
    }


@pytest.mark.parametrize(
    ("entities", "kind", "said"),
    [
        (
            [served("a", message="Scaled to zero"), served("b", message="Scaled To Zero.")],
            ReadinessKind.SCALED_TO_ZERO,
            "",
        ),
        ([served("a", message="Scaled to zero"), served("b")], ReadinessKind.READY, "entity a is scaled to zero"),
        (
            [served("a", "DEPLOYMENT_RECOVERING", "Pulling"), served("b")],
            ReadinessKind.READY,
            "entity a is not up: Pulling.",
        ),
        ([served("a", "DEPLOYMENT_FAILED"), served("b")], ReadinessKind.READY, "entity a is not up: failed."),
    ],
)
def test_one_of_several_served_entities_is_told_apart(entities, kind, said):
    known = readiness_of(detail_from_wire(wire(*entities)))
    assert known.kind is kind
    assert said in known.sentence
    assert known.remarkable


def test_a_failed_update_of_what_goes_on_serving_is_a_note():
    state = {"ready": "READY", "config_update": "UPDATE_FAILED"}
    known = readiness_of(detail_from_wire(wire(served("a"), state=state)))
    assert (known.kind, known.may_send, known.remarkable) == (ReadinessKind.READY, True, True)
    assert "failed" in known.sentence


def test_a_cancelled_first_deployment_serves_nothing():
    state = {"ready": "NOT_READY", "config_update": "UPDATE_CANCELED"}
    reply = {"name": "x", "state": state, "pending_config": {"served_entities": [served("a")]}}
    known = readiness_of(detail_from_wire(reply))
    assert (known.kind, known.may_send) == (ReadinessKind.FAILED, False)


def test_a_reply_without_a_state_leaves_it_open():
    known = readiness_of(detail_from_wire({"name": "x", "config": {"served_entities": [served("a")]}}))
    assert (known.kind, known.may_send) == (ReadinessKind.UNKNOWN, True)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
STATES = st.sampled_from(["READY", "NOT_READY", "IN_PROGRESS", "UPDATE_FAILED", "NOT_UPDATING", 7, None])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": ANYTHING,
            "state": st.fixed_dictionaries({"ready": STATES, "config_update": STATES}) | ANYTHING,
            "config": st.fixed_dictionaries({"served_entities": st.lists(ANYTHING, max_size=2)}) | ANYTHING,
            "pending_config": ANYTHING,
            "permission_level": ANYTHING,
        },
    )
)
def test_whatever_a_workspace_says_has_a_sentence(reply):
    detail = detail_from_wire(reply)
    for known in (readiness_of(detail), readiness_of(detail.endpoint)):
        assert known.sentence.endswith(".")
        assert known.may_send or known.next_step
        assert dataclasses.replace(known) == known
