"""Bodies whose code is tried, and how it is run."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from services.chat import ChatRequest, chat_to_wire
from services.snippets import DIALECTS, Dialect
from tests.local_workspaces import LoggedRequest
from tests.services.chats import CHAT, asking
from tests.services.replies import Exchange, says, stream, whole

RUNNER = Path(__file__).with_name("run_snippets.py")
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
HOSTILE = (
    "한국어 벽돌 🧱🏽 👩‍👩‍👧‍👦 \"double\" 'single' '''three''' \"\"\"three\"\"\" back\\slash \\n \\\nJSON\nEOF\n"
    "$(rm -rf /nowhere) `rm` $HOME ${PATH} !! </script> {braces} {0} %s %(x)s \t \x00 \x1b \x7f \u2028 \ufeff end\\"
)
SCHEMA = '{"type": "object", "properties": {"벽돌": {"type": "string"}}}'
TOOLS = '[{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]'
ALL = {
    "temperature": 0.5, "max_tokens": 30, "top_p": 0.9, "stop": ("끝\n", "'"), "n": 2, "seed": 0, "presence_penalty": -0.5,
    "frequency_penalty": 0.5, "logprobs": False, "response_format": "json_schema", "json_schema": SCHEMA,
    "tool_choice": "none", "extra": '{"top_k": 3, "user": "a\'b", "metadata": {"a": [1.5, null, true]}}',
}  # fmt: skip

CASES = {
    "plain": asking(),
    "all parameters": asking("Say hello.", **ALL),
    "hostile text": asking(HOSTILE, stop=(HOSTILE[:200],)),
}
"""What the local workspace takes."""

ODD = {
    "tools and an unknown field": asking(tools=TOOLS, tool_choice="required", extra='{"vendor_field": {"deep": [1]}}')
}
"""What it refuses."""


def body_of(request: ChatRequest, *, streams: bool) -> dict[str, Any]:
    """The request's body, streamed or not."""
    body = chat_to_wire(request)
    body.pop("stream")
    return body | ({"stream": True} if streams else {})


def answering(exchange: Exchange) -> None:
    """Answer any invocation with "Brick", and nothing else."""
    if exchange.received.method == "GET":
        whole({"error_code": "ENDPOINT_NOT_FOUND", "message": ""}, 404)(exchange)
    elif json.loads(exchange.received.body).get("stream"):
        stream(says("Brick", finish_reason="stop"))(exchange)
    else:
        whole({"choices": [{"index": 0, "message": {"content": "Brick"}, "finish_reason": "stop"}]})(exchange)


def sent_by(dialect: Dialect, logged: LoggedRequest) -> dict[str, Any]:
    """The body that was logged, without what the dialect's client adds of its own, and says so."""
    body = logged.json
    if dialect.name in ("openai", "databricks-langchain"):
        assert body.pop("model") == CHAT
        assert logged.path == "/serving-endpoints/chat/completions"
    else:
        assert logged.path == f"/serving-endpoints/{CHAT}/invocations"
    return body


def environment(host: str, token: str, home: Path) -> dict[str, str]:
    """What a person's shell would say."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DATABRICKS_HOST": host,
        "DATABRICKS_TOKEN": token,
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
    }


def run_python(python: str, snippets: list[tuple[str, dict[str, str]]]) -> list[dict[str, str]]:
    """What each (source, environment) said, and its traceback where it failed."""
    orders = json.dumps([{"source": source, "environment": variables} for source, variables in snippets])
    clean = {name: value for name, value in snippets[0][1].items() if name != "DATABRICKS_HOST"}
    ran = subprocess.run([python, str(RUNNER)], input=orders, capture_output=True, text=True, env=clean, timeout=100)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
