"""Calls to a workspace as a plain HTTP client makes them."""

import json
from typing import Any

import requests

from tests.local_workspaces import LocalWorkspace

CHAT = "local-smollm2-135m-instruct"
EMBEDDINGS = "local-minilm-l6-v2"
CHAT_PATH = f"/serving-endpoints/{CHAT}/invocations"
EMBEDDINGS_PATH = f"/serving-endpoints/{EMBEDDINGS}/invocations"
HELLO = {"messages": [{"role": "user", "content": "Say hello."}]}


def call(
    workspace: LocalWorkspace,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    fault: str | None = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> requests.Response:
    """One request, as the admin unless `token` says otherwise."""
    sent = {"authorization": f"Bearer {token or workspace.token}"} | ({"x-local-fault": fault} if fault else {})
    verify = workspace.ca_bundle or True
    return requests.request(
        method, workspace.host + path, json=body, headers=sent | (headers or {}), verify=verify, timeout=60, **options
    )


def chat(workspace: LocalWorkspace, fault: str | None = None, **body: Any) -> requests.Response:
    """An invocation of the seeded chat endpoint; says hello unless `messages` are given."""
    return call(workspace, "POST", CHAT_PATH, HELLO | body, fault=fault, stream=bool(body.get("stream")))


def events(response: requests.Response) -> list[Any]:
    """The events of a streamed reply, parsed; the last is "[DONE]" when the stream says so."""
    lines = response.content.decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


def said(stream: list[Any], index: int = 0) -> str:
    """The text of one choice of a chat stream."""
    choices = [choice for event in stream if event != "[DONE]" for choice in event["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices if choice["index"] == index)
