"""Bodies that set up endpoints, for tests: one for each provider, way to sign in and task."""

from typing import Any

from hypothesis import strategies as st

from services.endpoint_setup import PROVIDERS, FieldKind, FormField, Provider, Variant, new_body, new_external_entity

SCOPE = "setup-tests"
KEY = "provider-key"
REFERENCE = f"{{{{secrets/{SCOPE}/{KEY}}}}}"
OPENAI = PROVIDERS[0]

CASES = [
    (provider, variant, task) for provider in PROVIDERS for variant in provider.variants for task in provider.tasks
]


def case_name(part: Any) -> str:
    """How a provider, a variant or a task is called in a test's name."""
    return part if isinstance(part, str) else part.name


def value_of(field: FormField) -> Any:
    """Something that the field may hold."""
    if field.kind is FieldKind.SECRET:
        return REFERENCE
    if field.kind is FieldKind.URL:
        return "https://provider.example/v1"
    return field.choices[0] if field.choices else {"key": "x-api-key"}.get(field.name, "some-text")


def values_of(variant: Variant) -> dict[str, Any]:
    """Every field of the variant."""
    values: dict[str, Any] = {one.name: value_of(one) for one in variant.fields}
    return values | ({variant.block: {one.name: value_of(one) for one in variant.inner}} if variant.block else {})


def external_body(name: str, provider: Provider, variant: Variant, task: str) -> dict[str, Any]:
    """A body that creates an endpoint, with every field of that variant filled."""
    model = provider.models[task]
    return new_body(new_external_entity(provider, variant, task=task, model=model, values=values_of(variant)), name)


def openai_body(name: str = "my-chat", **config: Any) -> dict[str, Any]:
    """The plainest one: an OpenAI model; *config* goes into its block."""
    values = {"openai_api_key": REFERENCE} | config
    return new_body(new_external_entity(OPENAI, model="gpt-4o-mini", values=values), name)


NAMES = st.sampled_from(
    ["name", "config", "served_entities", "external_model", "provider", "openai_config", "openai_api_key", "task", "routes",
     "traffic_config", "traffic_percentage", "served_entity_name", "tags", "key", "value", "environment_vars", "entity_name",
     "provisioned_model_units", "custom_provider_config", "custom_provider_url", "bearer_token_auth", "served_models", "x"]
) | st.text(max_size=6)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["openai", "custom", "llm/v1/chat", "{secrets/a/b}", "https://x:99999", "\ud800", "<x>", "x" * 1000]),
)  # fmt: skip
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
"""Any JSON, often with the fields of a body."""
