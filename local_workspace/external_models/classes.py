"""mlflow's provider classes, made for one call from an external model's fields; in the gateway's process.

Where a class has an address written into it, or signs in by itself, a small class here says otherwise.
"""

import json
from typing import Any, cast

from mlflow.gateway.config import (
    AI21LabsConfig,
    AmazonBedrockConfig,
    AnthropicConfig,
    AWSIdAndKey,
    CohereConfig,
    EndpointConfig,
    EndpointType,
    OpenAIConfig,
    PaLMConfig,
    VertexAIConfig,
)
from mlflow.gateway.providers.ai21labs import AI21LabsProvider
from mlflow.gateway.providers.anthropic import AnthropicProvider
from mlflow.gateway.providers.base import BaseProvider
from mlflow.gateway.providers.bedrock import AmazonBedrockProvider
from mlflow.gateway.providers.cohere import CohereProvider
from mlflow.gateway.providers.databricks import DatabricksConfig, DatabricksProvider
from mlflow.gateway.providers.openai import OpenAIProvider
from mlflow.gateway.providers.palm import PaLMProvider
from mlflow.gateway.providers.vertex_ai import VertexAIProvider
from mlflow.gateway.utils import normalize_databricks_base_url

from local_workspace.external_models.failures import bad_parameter

OPENAI_FIELDS = OpenAIConfig.model_fields.keys()
_BEDROCK_PREFIXES = {"ai21labs": "ai21"}


class _Uncounted(BaseProvider):
    """mlflow parses every event of a stream once more, to count tokens for traces, and stumbles over odd ones."""

    def _extract_streaming_token_usage(self, chunk: Any) -> dict[str, int]:
        return {}


class PassingOpenAIProvider(_Uncounted, OpenAIProvider):
    """mlflow's provider, which lets every event through."""


class TokenDatabricksProvider(_Uncounted, DatabricksProvider):
    """mlflow's provider without the SDK's client, whose construction asks the host about itself and waits for it."""

    @property
    def headers(self) -> dict[str, str]:
        """The token as it is."""
        return {"Authorization": f"Bearer {self._config.token}"}

    @property
    def _api_base(self) -> str:
        return str(normalize_databricks_base_url(self._config.host or ""))

    @property
    def _config(self) -> DatabricksConfig:
        return cast(DatabricksConfig, self._provider_config)


class BasedCohereProvider(CohereProvider):
    """mlflow's provider at any base URL."""

    base: str | None = None

    @property
    def base_url(self) -> str:
        """Where its paths begin."""
        return self.base or super().base_url


def openai(model: str, task: str, config: dict[str, Any]) -> tuple[BaseProvider, str]:
    """OpenAI or Azure OpenAI, and its base URL."""
    fields = {name: value for name, value in config.items() if name in OPENAI_FIELDS}
    provider = PassingOpenAIProvider(_endpoint("openai", model, task, OpenAIConfig(**fields)))
    return provider, provider.base_url


def databricks(model: str, task: str, config: dict[str, Any]) -> tuple[BaseProvider, str]:
    """Another workspace's serving endpoint, and the base URL there."""
    made = DatabricksConfig(host=config["databricks_workspace_url"].rstrip("/"), token=config["databricks_api_token"])
    provider = TokenDatabricksProvider(_endpoint("databricks-model-serving", model, task, made))
    return provider, provider._api_base


def translated(provider: str, model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    """A provider whose language mlflow translates."""
    return _MAKERS[provider](model, task, config)


def _anthropic(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    made = AnthropicConfig(anthropic_api_key=config["anthropic_api_key"])
    return AnthropicProvider(_endpoint("anthropic", model, task, made))


def _cohere(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    made = CohereConfig(cohere_api_key=config["cohere_api_key"])
    provider = BasedCohereProvider(_endpoint("cohere", model, task, made))
    provider.base = config.get("cohere_api_base")
    return provider


def _ai21labs(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    made = AI21LabsConfig(ai21labs_api_key=config["ai21labs_api_key"])
    return AI21LabsProvider(_endpoint("ai21labs", model, task, made))


def _palm(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    return PaLMProvider(_endpoint("palm", model, task, PaLMConfig(palm_api_key=config["palm_api_key"])))


def _vertex(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    try:  # mlflow takes what is no JSON for the name of a file
        json.loads(config["private_key"])
    except ValueError as error:
        raise bad_parameter("The private key must be a service account's key: the whole JSON of it.") from error
    made = VertexAIConfig(
        vertex_project=config["project_id"],
        vertex_location=config["region"],
        vertex_credentials=config["private_key"],
    )
    return VertexAIProvider(_endpoint("vertex_ai", model, task, made))


def _bedrock(model: str, task: str, config: dict[str, Any]) -> BaseProvider:
    vendor = config["bedrock_provider"].lower()
    keys = AWSIdAndKey(
        aws_region=config["aws_region"],
        aws_access_key_id=config["aws_access_key_id"],
        aws_secret_access_key=config["aws_secret_access_key"],
    )
    # mlflow reads the vendor out of the model's name, which has it at AWS; Databricks has it in a field.
    name = model if "." in model else f"{_BEDROCK_PREFIXES.get(vendor, vendor)}.{model}"
    return AmazonBedrockProvider(_endpoint("bedrock", name, task, AmazonBedrockConfig(aws_config=keys)))


_MAKERS = {
    "anthropic": _anthropic,
    "cohere": _cohere,
    "ai21labs": _ai21labs,
    "palm": _palm,
    "google-cloud-vertex-ai": _vertex,
    "amazon-bedrock": _bedrock,
}


def _endpoint(provider: str, model: str, task: str, config: Any) -> EndpointConfig:
    named = {"name": model, "provider": provider, "config": config}
    # As a mapping: mlflow reads `model` with its own validator, which takes nothing else.
    return EndpointConfig.model_validate({"name": "external", "endpoint_type": EndpointType(task), "model": named})
