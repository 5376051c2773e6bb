"""The three kinds of served entity and their fields, as tables: the form is drawn from them. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from services.endpoint_setup.draft import block, items, value_at
from services.endpoint_setup.fields import FieldKind, FormField, PlacedField, switch, text, whole
from services.endpoint_setup.providers import CHAT, provider_named, variant_of
from services.secret_scopes import Path

ENTITIES: Path = ("config", "served_entities")
WORKLOAD_SIZES = ("Small", "Medium", "Large")
WORKLOAD_TYPES = (
    "CPU",
    "CPU_MEDIUM",
    "CPU_LARGE",
    "GPU_SMALL",
    "GPU_MEDIUM",
    "GPU_LARGE",
    "GPU_XLARGE",
    "GPU_XLARGE_8",
    "MULTIGPU_MEDIUM",
)
_PROVISIONED = ("provisioned_model_units", "min_provisioned_throughput", "max_provisioned_throughput")


class EntityKind(StrEnum):
    """What a served entity is."""

    EXTERNAL = "external"
    """A model at a provider."""
    FOUNDATION = "foundation"
    """A foundation model with provisioned throughput. Those paid per token are there without being created."""
    CUSTOM = "custom"
    """A registered MLflow model."""


ENDPOINT_FIELDS = (
    FormField("name", "Endpoint name", required=True, placeholder="my-endpoint", help="Letters, digits, - and _."),
    FormField("description", "Description"),
    switch("route_optimized", "Route optimization", note="Can be chosen at creation only.", advanced=True),
    text("budget_policy_id", "Budget policy id", advanced=True),
)
"""Of the endpoint itself. Tags, rate limits and the AI gateway are blocks of their own."""

_NAME = text("name", "Name in the endpoint", note="Left out, it is made from the model's name.", advanced=True)
CUSTOM_FIELDS = (
    text("entity_name", "Registered model", required=True, placeholder="catalog.schema.model"),
    text("entity_version", "Version", required=True, placeholder="1"),
    text("workload_size", "Workload size", choices=WORKLOAD_SIZES, note="How many calls run at once: 4, 16 or 64."),
    switch(
        "scale_to_zero_enabled", "Scale to zero", note="Sleeps when nobody calls; the next call waits until it is up."
    ),
    text("workload_type", "Workload type", choices=WORKLOAD_TYPES, note="The machine it runs on.", advanced=True),
    FormField(
        "environment_vars",
        "Environment variables",
        FieldKind.MAP,
        help="A value may be a secret reference; a key must be one.",
        advanced=True,
    ),
    text("instance_profile_arn", "Instance profile ARN", advanced=True),
    whole("min_provisioned_concurrency", "Least concurrency", note="In place of a workload size."),
    whole("max_provisioned_concurrency", "Most concurrency", note="In place of a workload size."),
    _NAME,
)
_FOUNDATION = (
    text("entity_name", "Foundation model", required=True, placeholder="system.ai.llama_v3_3_70b_instruct"),
    text("entity_version", "Version", placeholder="1"),
)
_BURST = switch("burst_scaling_enabled", "Burst scaling", note="May go beyond what is provisioned.", advanced=True)
MODEL_UNIT_FIELDS = (
    *_FOUNDATION,
    whole("provisioned_model_units", "Model units", required=True, minimum=1),
    _BURST,
    _NAME,
)
THROUGHPUT_FIELDS = (
    *_FOUNDATION,
    whole("min_provisioned_throughput", "Least tokens a second", required=True),
    whole("max_provisioned_throughput", "Most tokens a second", required=True, minimum=1),
    _BURST,
    _NAME,
)
"""Older models are provisioned so, by tokens a second."""


def kind_of(entity: Any) -> EntityKind:
    """Which kind a served entity is, by what it has."""
    given = block(entity)
    if "external_model" in given:
        return EntityKind.EXTERNAL
    return EntityKind.FOUNDATION if any(name in given for name in _PROVISIONED) else EntityKind.CUSTOM


def by_model_units(config: Any) -> bool:
    """Whether a config is one of provisioned model units, which has a path of its own in the API."""
    return any("provisioned_model_units" in block(one) for one in items(block(config).get("served_entities")))


def entity_fields(body: Mapping[str, Any], index: int) -> tuple[PlacedField, ...]:
    """The fields of the served entity at *index*, each with its path in the body; for external models in its variant.

    Provider, variant and task are fields of their own: ``with_provider``, ``with_variant`` and ``with_value`` change them.
    An external model of an unknown provider has only its name.
    """
    at: Path = (*ENTITIES, index)
    entity = block(value_at(body, at))
    if kind_of(entity) is not EntityKind.EXTERNAL:
        return tuple(PlacedField((*at, one.name), one) for one in _plain_fields(entity))
    external = block(entity.get("external_model"))
    provider = provider_named(external.get("provider"))
    task = external.get("task")
    example = provider.models.get(task if isinstance(task, str) else CHAT, "") if provider else ""
    inside: Path = (*at, "external_model")
    placed = [PlacedField((*inside, "name"), text("name", "Model", required=True, placeholder=example))]
    if provider:
        variant = variant_of(provider, external.get(provider.config_key))
        placed += [PlacedField((*inside, provider.config_key, *path), one) for path, one in provider.placed(variant)]
    return (*placed, PlacedField((*at, "name"), _NAME))


def _plain_fields(entity: Mapping[str, Any]) -> tuple[FormField, ...]:
    if kind_of(entity) is EntityKind.CUSTOM:
        return CUSTOM_FIELDS
    return MODEL_UNIT_FIELDS if "provisioned_model_units" in entity else THROUGHPUT_FIELDS
