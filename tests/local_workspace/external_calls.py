"""External models for tests: a workspace whose providers are scripted servers, and bodies that create endpoints on them."""

import json
from dataclasses import dataclass
from typing import Any

import requests

from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import created
from tests.local_workspaces import LocalWorkspace
from tests.upstreams import Upstream

CHAT, COMPLETIONS, EMBEDDINGS = "llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"
KEY = "sk-canary-9f8e7d6c5b4a"
REFERENCE = "{{secrets/providers/key}}"
HELLO = [{"role": "user", "content": "Hello"}]


@dataclass
class World:
    """A workspace, the provider's server, and the endpoints made so far, by what they are of."""

    workspace: LocalWorkspace
    upstream: Upstream
    endpoints: dict[str, str]

    def endpoint(self, provider: str, block: dict[str, Any], task: str = CHAT, **fields: Any) -> str:
        """The name of a ready endpoint with that external model; the same for the same."""
        external = external_model(provider, block, task, **fields)
        key = json.dumps(external)
        if key not in self.endpoints:
            self.endpoints[key] = created(self.workspace, {"name": "entity", "external_model": external})
        return self.endpoints[key]

    def openai(self, task: str = CHAT, **fields: str) -> str:
        """An OpenAI endpoint at the scripted server."""
        base = {"openai_api_base": f"{self.upstream.url}/v1", "openai_api_key": REFERENCE}
        return self.endpoint("openai", {name: text for name, text in (base | fields).items() if text}, task)

    def ask(self, name: str, **body: Any) -> requests.Response:
        """Invoke the endpoint."""
        path = f"/serving-endpoints/{name}/invocations"
        return call(self.workspace, "POST", path, body, stream=bool(body.get("stream")))

    def chat(self, name: str, **body: Any) -> requests.Response:
        """Say hello to the endpoint."""
        return self.ask(name, **({"messages": HELLO} | body))


BLOCKS = {
    "openai": "openai_config",
    "anthropic": "anthropic_config",
    "cohere": "cohere_config",
    "amazon-bedrock": "amazon_bedrock_config",
    "google-cloud-vertex-ai": "google_cloud_vertex_ai_config",
    "ai21labs": "ai21labs_config",
    "databricks-model-serving": "databricks_model_serving_config",
    "palm": "palm_config",
    "custom": "custom_provider_config",
}


def external_model(provider: str, block: Any, task: str = CHAT, **fields: Any) -> dict[str, Any]:
    """An `external_model` block."""
    return {
        "provider": provider,
        "name": "up-model",
        "task": task,
        BLOCKS.get(provider, "openai_config"): block,
    } | fields


def failure(response: requests.Response) -> tuple[int, str, Any]:
    """Status, error code, and the provider's words inside the platform's message."""
    body = response.json()
    return response.status_code, body["error_code"], json.loads(body["message"])["external_model_error"]
