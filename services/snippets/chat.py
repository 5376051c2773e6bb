"""The call as code, in six dialects. Pure: from the body that was sent, never from widgets, and never with a credential.

Each sends the same body. Three add what their client adds: openai and databricks-langchain the endpoint's name as ``model``,
databricks-langchain also ``stream: false``.
"""

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.snippets.python_source import keyword_lines, literal

Body = Mapping[str, Any]

# Arguments of openai's chat.completions.create; any other field goes into extra_body.
_OPENAI_ARGUMENTS = frozenset(
    [
        "messages",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "top_p",
        "stop",
        "n",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "response_format",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "reasoning_effort",
        "user",
        "logit_bias",
        "metadata",
        "store",
        "modalities",
        "service_tier",
        "verbosity",
    ]
)
# Without the bound pip chooses mcp 2, with which databricks-langchain 0.22 cannot be imported.
_LANGCHAIN_INSTALL = 'pip install databricks-langchain "mcp<2"'
_LANGCHAIN_ARGUMENTS = ("temperature", "max_tokens", "n", "stop")


@dataclass(frozen=True)
class Dialect:
    """One way to make the call."""

    name: str
    language: str
    """For the highlighter."""
    install: str
    write: Callable[[str, Body], str]
    """(endpoint, body) -> code."""


def _curl(endpoint: str, body: Body) -> str:
    return (
        f'curl --no-buffer --fail-with-body "${{DATABRICKS_HOST%/}}{_path(endpoint)}" \\\n'
        '  --header "Authorization: Bearer $DATABRICKS_TOKEN" \\\n'
        '  --header "Content-Type: application/json" \\\n'
        "  --data-binary @- <<'JSON'\n"
        f"{json.dumps(body, ensure_ascii=False)}\n"
        "JSON\n"
    )


def _requests(endpoint: str, body: Body) -> str:
    streams = bool(body.get("stream"))
    return (
        ("import json\n" if streams else "")
        + "import os\n\nimport requests\n\n"
        + f"body = {literal(body)}\n"
        + "reply = requests.post(\n"
        + f'    os.environ["DATABRICKS_HOST"].rstrip("/") + {_path(endpoint)!r},\n'
        + '    headers={"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]},\n'
        + "    json=body,\n"
        + ("    stream=True,\n" if streams else "")
        + "    timeout=600,\n)\n"
        + "reply.raise_for_status()\n"
        + (
            _READ_LINES.replace("LINES", "reply.iter_lines()")
            if streams
            else _PRINT_CHOICES.replace("REPLY", "reply.json()")
        )
    )


def _openai(endpoint: str, body: Body) -> str:
    known = {name: value for name, value in body.items() if name in _OPENAI_ARGUMENTS}
    extra = {name: value for name, value in body.items() if name not in _OPENAI_ARGUMENTS}
    arguments = {"model": endpoint, **known, **({"extra_body": extra} if extra else {})}
    return (
        "import os\n\nfrom openai import OpenAI\n\n"
        "client = OpenAI(\n"
        '    base_url=os.environ["DATABRICKS_HOST"].rstrip("/") + "/serving-endpoints",\n'
        '    api_key=os.environ["DATABRICKS_TOKEN"],\n'
        ")\n"
        f"reply = client.chat.completions.create(\n{keyword_lines(arguments)})\n"
        + (
            _OPENAI_STREAM
            if body.get("stream")
            else "for choice in reply.choices:\n    print(choice.message.content)\n"
        )
    )


def _mlflow(endpoint: str, body: Body) -> str:
    streams = bool(body.get("stream"))
    inputs = {
        name: value for name, value in body.items() if not (streams and name == "stream")
    }  # predict_stream adds it
    head = (
        "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
        "from mlflow.deployments import get_deploy_client\n\n"
        'client = get_deploy_client("databricks")\n'
        f"body = {literal(inputs)}\n"
    )
    if streams:
        return head + f"for event in client.predict_stream(endpoint={endpoint!r}, inputs=body):\n" + _PRINT_EVENT
    return (
        head
        + f"reply = client.predict(endpoint={endpoint!r}, inputs=body)\n"
        + _PRINT_CHOICES.replace("REPLY", "reply")
    )


def _databricks_sdk(endpoint: str, body: Body) -> str:
    streams = bool(body.get("stream"))
    head = (
        "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
        "# serving_endpoints.query() knows neither streams nor most parameters, so this uses the client below it.\n"
        + ("import json\n\n" if streams else "")
        + "from databricks.sdk import WorkspaceClient\n\n"
        f"body = {literal(body)}\n"
        "client = WorkspaceClient().api_client\n"
    )
    if streams:
        do = f'reply = client.do("POST", {_path(endpoint)!r}, body=body, raw=True)\n'
        return head + do + 'with reply["contents"] as contents:\n' + textwrap.indent(_SDK_STREAM, "    ")
    return (
        head + f'reply = client.do("POST", {_path(endpoint)!r}, body=body)\n' + _PRINT_CHOICES.replace("REPLY", "reply")
    )


def _langchain(endpoint: str, body: Body) -> str:
    fields = {name: value for name, value in body.items() if name not in ("messages", "stream")}
    own = {name: fields.pop(name) for name in _LANGCHAIN_ARGUMENTS if name in fields}
    known = {name: value for name, value in fields.items() if name in _OPENAI_ARGUMENTS}
    extra = {name: value for name, value in fields.items() if name not in _OPENAI_ARGUMENTS}
    parameters = {**known, **({"extra_body": extra} if extra else {})}
    arguments = {"model": endpoint, **own, **({"extra_params": parameters} if parameters else {})}
    return (
        "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
        "from databricks_langchain import ChatDatabricks\n\n"
        f"chat = ChatDatabricks(\n{keyword_lines(arguments)})\n"
        f"messages = {literal(body.get('messages', []))}\n"
        + (
            'for piece in chat.stream(messages):\n    print(piece.content, end="", flush=True)\nprint()\n'
            if body.get("stream")
            else "print(chat.invoke(messages).content)\n"
        )
    )


_PRINT_EVENT = """\
    for choice in event["choices"]:
        print(choice["delta"].get("content") or "", end="", flush=True)
print()
"""
_READ_LINES = """\
for line in LINES:
    if line.startswith(b"data: {"):
        event = json.loads(line[6:])
        for choice in event["choices"]:
            print(choice["delta"].get("content") or "", end="", flush=True)
print()
"""
_SDK_STREAM = """\
rest = b""
while chunk := contents.read(1024):
    *lines, rest = (rest + chunk).split(b"\\n")
    for line in lines:
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                print(choice["delta"].get("content") or "", end="", flush=True)
print()
"""
_OPENAI_STREAM = """\
for event in reply:
    for choice in event.choices:
        print(choice.delta.content or "", end="", flush=True)
print()
"""
_PRINT_CHOICES = """\
for choice in REPLY["choices"]:
    print(choice["message"]["content"])
"""

DIALECTS = (
    Dialect("curl", "bash", "", _curl),
    Dialect("requests", "python", "pip install requests", _requests),
    Dialect("openai", "python", "pip install openai", _openai),
    Dialect("mlflow.deployments", "python", 'pip install "mlflow>=3"', _mlflow),
    Dialect("databricks-sdk", "python", "pip install databricks-sdk", _databricks_sdk),
    Dialect("databricks-langchain", "python", _LANGCHAIN_INSTALL, _langchain),
)


def _path(endpoint: str) -> str:
    return f"/serving-endpoints/{quote(endpoint, safe='')}/invocations"
