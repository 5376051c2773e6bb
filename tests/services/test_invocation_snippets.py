"""One invocation as code: it sends the body that was shown, and holds no token."""

import json
import subprocess
import sys

import pytest

from services.errors import BadInput
from services.snippets.invocation import invocation_snippets
from tests.services.chats import CHAT, EMBEDDINGS
from tests.services.replies import stream
from tests.services.snippet_cases import HOSTILE, environment, run_python

BODY = {"input": ["벽돌", HOSTILE], "user": None}
RECORD = {"prompt": "How are you?", "stop": ["."], "temperature": 0.1}


def codes(*arguments) -> dict[str, str]:
    return {one.dialect: one.code for one in invocation_snippets(*arguments)}


def test_what_each_client_sends_is_the_body(local_workspace, tmp_path):
    found = codes(EMBEDDINGS, BODY, "llm/v1/embeddings")
    variables = environment(local_workspace.host, local_workspace.token, tmp_path)
    local_workspace.clear()
    for result in run_python(sys.executable, [(found[name], variables) for name in ("requests", "databricks-sdk")]):
        assert result["failed"] == ""
        assert "'embedding': [" in result["said"]
    ran = subprocess.run(["bash", "-c", found["curl"]], env=variables, capture_output=True, timeout=30)
    assert ran.returncode == 0
    assert [one.json for one in local_workspace.requests() if one.method == "POST"] == [BODY] * 3


def test_a_stream_is_read_event_by_event(make_reply_server, tmp_path):
    server = make_reply_server(stream({"word": "벽"}, {"word": "돌"}))
    found = codes("mine", {"inputs": {"words": "a b"}, "stream": True})
    variables = environment(server.host, "dapi-test", tmp_path)
    for result in run_python(sys.executable, [(found[name], variables) for name in ("requests", "databricks-sdk")]):
        assert result["failed"] == ""
        assert [json.loads(line)["word"] for line in result["said"].splitlines()] == ["벽", "돌"]


def test_a_prompt_is_langchains_own_call_and_what_that_cannot_say_is_not_offered():
    code = codes("mine", {"dataframe_records": [RECORD]})["LangChain"]
    assert "endpoint_name='mine'" in code
    assert "extra_params={'temperature': 0.1}" in code
    assert "llm.invoke('How are you?', stop=['.'])" in code
    for body in [
        {"dataframe_records": [RECORD], "params": {}},
        {"dataframe_records": [RECORD, RECORD]},
        {"dataframe_records": [{"question": "?"}]},
        {"inputs": [1]},
    ]:
        assert "LangChain" not in codes("mine", body)
    assert "embed_documents(['a'])" in codes("mine", {"input": ["a"]}, "llm/v1/embeddings")["databricks-langchain"]
    assert "openai" in codes(CHAT, {"messages": []}, "llm/v1/chat"), "a chat has the dialects of the chat page"
    chat = invocation_snippets(CHAT, {"messages": []}, "llm/v1/chat")
    assert {one.file_name for one in chat} == {"invoke.sh", "invoke.py"}


@pytest.mark.parametrize("name", ["it's", "a b/c?d", "벽돌"])
def test_an_odd_name_stays_in_its_quotes(name):
    for snippet in invocation_snippets(name, {"inputs": [1]}):
        if snippet.language == "python":
            compile(snippet.code, "snippet", "exec")


def test_a_body_of_megabytes_is_not_written_into_code():
    with pytest.raises(BadInput, match="too large"):
        invocation_snippets("mine", {"inputs": "x" * 300_000})
