"""The providers of external models as one table: the form, its checks and the JSON are drawn from it. A new one is a new row.

Facts: databricks-sdk's dataclasses for the fields, the platform's documentation for what is required. Which provider
offers which task is from its page on external models and was not tried against each: a wrong one is a caution, no error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.endpoint_setup.fields import FormField, secret, text, url

CHAT, COMPLETIONS, EMBEDDINGS = "llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"
TASKS = (CHAT, COMPLETIONS, EMBEDDINGS)


@dataclass(frozen=True)
class Variant:
    """Fields that go together: one way to sign in to a provider. Variants of one provider exclude each other."""

    name: str
    """For people: "API key", "Microsoft Entra ID"."""
    fields: tuple[FormField, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What the block says by itself in this variant: ``openai_api_type: azure``."""
    block: str = ""
    """The inner block that holds *inner*, where there is one: ``bearer_token_auth``."""
    inner: tuple[FormField, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every field of the provider's block that this variant may have."""
        return frozenset([*(one.name for one in self.fields), *self.fixed, *([self.block] if self.block else [])])


@dataclass(frozen=True)
class Provider:
    """One provider."""

    name: str
    """As the API has it."""
    label: str
    config_key: str
    tasks: tuple[str, ...]
    variants: tuple[Variant, ...]
    models: Mapping[str, str] = field(default_factory=dict)
    """An example of a model's name, by task."""
    note: str = ""
    """What a person should know: "retired by its provider"."""

    @property
    def names(self) -> frozenset[str]:
        """Every field that its block may have in any variant."""
        return frozenset().union(*(variant.names for variant in self.variants))

    def placed(self, variant: Variant) -> Iterator[tuple[tuple[str, ...], FormField]]:
        """The variant's fields, each with its path inside the block."""
        yield from (((one.name,), one) for one in variant.fields)
        yield from (((variant.block, one.name), one) for one in variant.inner)


_AZURE = (
    url("openai_api_base", "Resource URL", required=True, placeholder="https://my-resource.openai.azure.com"),
    text("openai_api_version", "API version", required=True, placeholder="2024-10-21"),
    text("openai_deployment_name", "Deployment", required=True, note="The name of the deployment in Azure OpenAI."),
)
_BEDROCK = (
    text("aws_region", "AWS region", required=True, placeholder="us-east-1"),
    text(
        "bedrock_provider",
        "Provider inside Bedrock",
        required=True,
        choices=("anthropic", "cohere", "ai21labs", "amazon"),
    ),
)
_CUSTOM = (
    url(
        "custom_provider_url",
        "URL",
        required=True,
        placeholder="https://api.example.com/v1/chat/completions",
        note="The whole URL that is called, with its path. Bodies pass as they are; only the model's name is set.",
    ),
)

PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "openai",
        "OpenAI and Azure OpenAI",
        "openai_config",
        TASKS,
        (
            Variant(
                "API key",
                (
                    secret("openai_api_key", "API key"),
                    url("openai_api_base", "Base URL", placeholder="https://api.openai.com/v1"),
                    text("openai_organization", "Organization", advanced=True),
                    text("openai_api_version", "API version", advanced=True),
                    text("openai_api_type", "API type", choices=("openai",), advanced=True),
                ),
            ),
            Variant(
                "Azure, API key",
                (*_AZURE, secret("openai_api_key", "API key")),
                {"openai_api_type": "azure"},
            ),
            Variant(
                "Azure, Microsoft Entra ID",
                (
                    *_AZURE,
                    text("microsoft_entra_tenant_id", "Tenant id", required=True),
                    text("microsoft_entra_client_id", "Client id", required=True),
                    secret("microsoft_entra_client_secret", "Client secret"),
                ),
                {"openai_api_type": "azuread"},
            ),
        ),
        {CHAT: "gpt-4o-mini", COMPLETIONS: "gpt-3.5-turbo-instruct", EMBEDDINGS: "text-embedding-3-small"},
    ),
    Provider(
        "anthropic",
        "Anthropic",
        "anthropic_config",
        (CHAT, COMPLETIONS),
        (Variant("API key", (secret("anthropic_api_key", "API key"),)),),
        {CHAT: "claude-sonnet-4-0", COMPLETIONS: "claude-2.1"},
    ),
    Provider(
        "cohere",
        "Cohere",
        "cohere_config",
        TASKS,
        (
            Variant(
                "API key",
                (
                    secret("cohere_api_key", "API key"),
                    url("cohere_api_base", "Base URL", placeholder="https://api.cohere.ai/v1"),
                ),
            ),
        ),
        {CHAT: "command-r-plus", COMPLETIONS: "command", EMBEDDINGS: "embed-english-v3.0"},
    ),
    Provider(
        "amazon-bedrock",
        "Amazon Bedrock",
        "amazon_bedrock_config",
        TASKS,
        (
            Variant(
                "Access keys",
                (
                    *_BEDROCK,
                    secret("aws_access_key_id", "Access key id"),
                    secret("aws_secret_access_key", "Secret access key"),
                ),
            ),
            Variant(
                "Instance profile",
                (
                    *_BEDROCK,
                    text(
                        "instance_profile_arn",
                        "Instance profile ARN",
                        required=True,
                        placeholder="arn:aws:iam::123456789012:instance-profile/bedrock",
                    ),
                ),
            ),
            Variant(
                "Unity Catalog service credential",
                (*_BEDROCK, text("uc_service_credential_name", "Service credential", required=True)),
            ),
        ),
        {
            CHAT: "anthropic.claude-3-5-sonnet-20240620-v1:0",
            COMPLETIONS: "amazon.titan-text-express-v1",
            EMBEDDINGS: "amazon.titan-embed-text-v2:0",
        },
    ),
    Provider(
        "google-cloud-vertex-ai",
        "Google Cloud Vertex AI",
        "google_cloud_vertex_ai_config",
        (CHAT, EMBEDDINGS),
        (
            Variant(
                "Service account key",
                (
                    text("project_id", "Project id", required=True),
                    text("region", "Region", required=True, placeholder="us-central1"),
                    secret(
                        "private_key", "Private key", note="The whole JSON key of the service account, as one secret."
                    ),
                ),
            ),
        ),
        {CHAT: "gemini-2.0-flash", EMBEDDINGS: "text-embedding-005"},
    ),
    Provider(
        "ai21labs",
        "AI21 Labs",
        "ai21labs_config",
        (COMPLETIONS,),
        (Variant("API key", (secret("ai21labs_api_key", "API key"),)),),
        {COMPLETIONS: "j2-ultra"},
    ),
    Provider(
        "databricks-model-serving",
        "Another Databricks workspace",
        "databricks_model_serving_config",
        TASKS,
        (
            Variant(
                "Token",
                (
                    url(
                        "databricks_workspace_url",
                        "Workspace URL",
                        required=True,
                        placeholder="https://my-workspace.cloud.databricks.com",
                    ),
                    secret("databricks_api_token", "Token"),
                ),
            ),
        ),
        {
            CHAT: "databricks-meta-llama-3-3-70b-instruct",
            COMPLETIONS: "my-completions-endpoint",
            EMBEDDINGS: "databricks-gte-large-en",
        },
        note="The model's name is the name of the endpoint in that workspace.",
    ),
    Provider(
        "palm",
        "PaLM",
        "palm_config",
        TASKS,
        (Variant("API key", (secret("palm_api_key", "API key"),)),),
        {CHAT: "chat-bison-001", COMPLETIONS: "text-bison-001", EMBEDDINGS: "embedding-gecko-001"},
        note="Google has retired the PaLM API; use Vertex AI for anything new.",
    ),
    Provider(
        "custom",
        "Any other, at a URL",
        "custom_provider_config",
        TASKS,
        (
            Variant("Bearer token", _CUSTOM, block="bearer_token_auth", inner=(secret("token", "Bearer token"),)),
            Variant(
                "API key in a header",
                _CUSTOM,
                block="api_key_auth",
                inner=(
                    text(
                        "key", "Header", required=True, placeholder="x-api-key", note="The header that carries the key."
                    ),
                    secret("value", "API key"),
                ),
            ),
        ),
        {CHAT: "my-model", COMPLETIONS: "my-model", EMBEDDINGS: "my-model"},
        note="It must speak OpenAI's API at an https address.",
    ),
)

_BY_NAME = {provider.name: provider for provider in PROVIDERS}


def provider_named(name: Any) -> Provider | None:
    """The provider of that name in the API, or None."""
    return _BY_NAME.get(name) if isinstance(name, str) else None


def variant_of(provider: Provider, config: Any) -> Variant:
    """The variant that the provider's block *config* is of; the first one where it does not say."""
    given = config if isinstance(config, dict) else {}
    said = [one for one in provider.variants if one.fixed and _says(given, one.fixed)]
    open_to = said or [one for one in provider.variants if not one.fixed]
    common = frozenset.intersection(*(one.names for one in provider.variants))
    return max(open_to, key=lambda one: len((one.names - common) & given.keys()))


def _says(given: Mapping[str, Any], fixed: Mapping[str, str]) -> bool:
    """Whether the block has the fixed values; the platform takes them in any case."""
    return all(isinstance(given.get(name), str) and given[name].lower() == value for name, value in fixed.items())
