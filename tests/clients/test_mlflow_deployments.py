"""mlflow.deployments as it is: `get_deploy_client("databricks")`."""

import pytest
import requests
from mlflow.deployments import get_deploy_client
from mlflow.exceptions import MlflowException

from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS

HELLO = {"messages": [{"role": "user", "content": "Say hello."}]}


@pytest.fixture
def deployments(local_workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.token)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DEPLOYMENT_PREDICT_TIMEOUT", "60")
    monkeypatch.setenv("MLFLOW_DEPLOYMENT_PREDICT_TOTAL_TIMEOUT", "60")
    monkeypatch.setenv("MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT", "3")
    return get_deploy_client("databricks")


def test_endpoints_are_listed_and_shown(deployments):
    assert {CHAT, EMBEDDINGS} <= {endpoint["name"] for endpoint in deployments.list_endpoints()}
    assert deployments.get_endpoint(CHAT)["task"] == "llm/v1/chat"


def test_predict_answers_chat_and_embeddings(deployments):
    reply = deployments.predict(endpoint=CHAT, inputs=HELLO | {"max_tokens": 4, "n": 2, "stop": ["zebra"]})
    assert len(reply["choices"]) == 2
    vectors = deployments.predict(endpoint=EMBEDDINGS, inputs={"input": ["a", "b"]})
    assert len(vectors["data"][1]["embedding"]) == 384


def test_predict_stream_reads_every_event(deployments, local_workspace):
    chunks = list(deployments.predict_stream(endpoint=CHAT, inputs=HELLO | {"max_tokens": 4}))
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])
    assert chunks[-1]["usage"]["completion_tokens"] == 4
    assert local_workspace.last_request(CHAT_PATH).json["stream"] is True


def test_comment_lines_are_what_mlflow_cannot_read(deployments, local_workspace):
    local_workspace.queue_fault("scripted-0-3 comment-lines", CHAT_PATH)
    with pytest.raises(MlflowException):
        list(deployments.predict_stream(endpoint=CHAT, inputs=HELLO))


@pytest.mark.parametrize(
    ("endpoint", "inputs", "status", "text"),
    [
        (CHAT, {"prompt": "hi"}, 400, "send 'messages', not 'prompt'"),
        ("nope", HELLO, 404, "'nope' does not exist"),
    ],
)
def test_refusals_are_http_errors_that_quote_the_body(deployments, endpoint, inputs, status, text):
    with pytest.raises(requests.HTTPError, match=text) as refused:
        deployments.predict(endpoint=endpoint, inputs=inputs)
    assert str(refused.value).startswith(str(status))


def test_a_wrong_token_is_told(deployments, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0")
    # mlflow makes up a 500 where error_code is a number; the body it quotes is the workspace's.
    with pytest.raises(requests.HTTPError, match="Invalid access token"):
        deployments.predict(endpoint=CHAT, inputs=HELLO)
