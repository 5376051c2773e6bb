"""databricks-sdk as it is."""

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, InternalError, NotFound, PermissionDenied, Unauthenticated
from databricks.sdk.service.serving import (
    ChatMessage,
    ChatMessageRole,
    EndpointStateReady,
    ServingEndpointDetailedPermissionLevel,
)

from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS

HELLO = [ChatMessage(role=ChatMessageRole.USER, content="Say hello.")]


def client(workspace, token=None):
    config = Config(
        host=workspace.host, token=token or workspace.token, retry_timeout_seconds=3, http_timeout_seconds=60
    )
    return WorkspaceClient(config=config)


def test_list_and_get_parse_into_the_sdks_records(local_workspace):
    sdk = client(local_workspace, local_workspace.users["analyst"])
    tasks = {endpoint.name: endpoint.task for endpoint in sdk.serving_endpoints.list()}
    assert (tasks[CHAT], tasks[EMBEDDINGS]) == ("llm/v1/chat", "llm/v1/embeddings")
    found = sdk.serving_endpoints.get(CHAT)
    assert found.state.ready == EndpointStateReady.READY
    assert found.permission_level == ServingEndpointDetailedPermissionLevel.CAN_QUERY
    assert found.config.traffic_config.routes[0].traffic_percentage == 100
    assert found.config.served_entities[0].foundation_model.display_name == "SmolLM2 135M Instruct"


def test_chat_is_answered_and_names_the_served_model(local_workspace):
    reply = client(local_workspace).serving_endpoints.query(CHAT, messages=HELLO, max_tokens=4, n=2, stop=["zebra"])
    assert reply.served_model_name == "smollm2-135m-instruct-1"
    assert len(reply.choices) == 2
    assert reply.choices[0].message.content
    assert reply.usage.completion_tokens <= 8


def test_embeddings_are_answered(local_workspace):
    reply = client(local_workspace).serving_endpoints.query(EMBEDDINGS, input=["a", "b"])
    assert [len(item.embedding) for item in reply.data] == [384, 384]


def test_me_is_the_tokens_user(local_workspace):
    sdk = client(local_workspace, local_workspace.users["analyst"])
    assert sdk.current_user.me().user_name == "analyst@local"
    assert sdk.get_workspace_id() == 1000000000000001


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("return-400", BadRequest),
        ("return-401", Unauthenticated),
        ("return-403", PermissionDenied),
        ("return-404", NotFound),
        ("return-500", InternalError),
    ],
)
def test_each_refusal_is_its_own_exception(local_workspace, fault, error):
    local_workspace.queue_fault(fault, CHAT_PATH)
    with pytest.raises(error):
        client(local_workspace).serving_endpoints.query(CHAT, messages=HELLO)


def test_real_refusals_say_what_is_wrong(local_workspace):
    with pytest.raises(NotFound, match="'nope' does not exist"):
        client(local_workspace).serving_endpoints.get("nope")
    with pytest.raises(BadRequest, match="send 'messages', not 'prompt'"):
        client(local_workspace).serving_endpoints.query(CHAT, prompt="hi")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        client(local_workspace, "dapi0").serving_endpoints.get(CHAT)


def test_a_throttled_call_is_tried_again(local_workspace):
    local_workspace.queue_fault("return-429-retry-after-1", CHAT_PATH)
    assert client(local_workspace).serving_endpoints.query(CHAT, messages=HELLO, max_tokens=1).choices
    assert [entry.status for entry in local_workspace.requests() if entry.path == CHAT_PATH][-2:] == [429, 200]
