"""The fields that the platform knows, and what each may hold: databricks-sdk's dataclasses as a table.

A table of ours, since importing the SDK's takes a second; a test compares the two, so a newer SDK shows what is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Union

from services.endpoint_setup.entity_forms import WORKLOAD_TYPES
from services.endpoint_setup.fields import FormField
from services.endpoint_setup.providers import PROVIDERS, Provider

PLAINTEXT = "_plaintext"
"""What the name of a field ends with that holds a key itself."""


class Scalar(Enum):
    """A single value, in words for people."""

    TEXT = "a text in quotes"
    WHOLE = "a whole number, without quotes"
    NUMBER = "a number, without quotes"
    SWITCH = "true or false, without quotes"


@dataclass(frozen=True)
class Choice:
    """One of these texts."""

    of: tuple[str, ...]


@dataclass(frozen=True)
class Texts:
    """An object of names and texts."""


@dataclass(frozen=True)
class ListOf:
    """A list."""

    of: "Shape"


@dataclass(frozen=True)
class Object:
    """An object with these fields."""

    fields: "Mapping[str, Shape]"
    required: frozenset[str] = field(default_factory=frozenset)


Shape = Union[Scalar, Choice, Texts, ListOf, Object]  # noqa: UP007 — `|` cannot hold the names of classes in quotes
TEXT, WHOLE, NUMBER, SWITCH = Scalar.TEXT, Scalar.WHOLE, Scalar.NUMBER, Scalar.SWITCH


def _held_by(one: FormField) -> dict[str, Shape]:
    if one.secret:
        return {one.name: TEXT, one.name + PLAINTEXT: TEXT}
    return {one.name: TEXT}


def _provider_block(provider: Provider) -> Object:
    """Every field of a provider's block, in any variant. What is needed depends on the variant."""
    known: dict[str, Shape] = {}
    for variant in provider.variants:
        known |= dict.fromkeys(variant.fixed, TEXT)
        for one in variant.fields:
            known |= _held_by(one)
        if variant.block:
            known[variant.block] = Object({name: held for one in variant.inner for name, held in _held_by(one).items()})
    return Object(known)


_EXTERNAL_MODEL = Object(
    {
        "provider": Choice(tuple(one.name for one in PROVIDERS)),
        "name": TEXT,
        "task": TEXT,
        **{one.config_key: _provider_block(one) for one in PROVIDERS},
    },
    frozenset({"provider", "name", "task"}),
)
_SIZES: dict[str, Shape] = {
    "burst_scaling_enabled": SWITCH,
    "environment_vars": Texts(),
    "instance_profile_arn": TEXT,
    "max_provisioned_concurrency": WHOLE,
    "max_provisioned_throughput": WHOLE,
    "min_provisioned_concurrency": WHOLE,
    "min_provisioned_throughput": WHOLE,
    "name": TEXT,
    "provisioned_model_units": WHOLE,
    "scale_to_zero_enabled": SWITCH,
    "workload_size": TEXT,
    "workload_type": Choice(WORKLOAD_TYPES),
}
_ENTITY = Object({"entity_name": TEXT, "entity_version": TEXT, "external_model": _EXTERNAL_MODEL, **_SIZES})
_SERVED_MODEL = Object(
    {"model_name": TEXT, "model_version": TEXT, **_SIZES},
    frozenset({"model_name", "model_version", "scale_to_zero_enabled"}),
)
_ROUTE = Object(
    {"served_entity_name": TEXT, "served_model_name": TEXT, "traffic_percentage": WHOLE},
    frozenset({"traffic_percentage"}),
)
_TABLE: dict[str, Shape] = {
    "catalog_name": TEXT,
    "enabled": SWITCH,
    "schema_name": TEXT,
    "table_name_prefix": TEXT,
}
CONFIG = Object(
    {
        # The SDK's class for updates has the endpoint's name in it too; the platform ignores it.
        "name": TEXT,
        "served_entities": ListOf(_ENTITY),
        "served_models": ListOf(_SERVED_MODEL),
        "traffic_config": Object({"routes": ListOf(_ROUTE)}),
        "auto_capture_config": Object(_TABLE),
    }
)
_GUARDRAIL = Object(
    {
        "invalid_keywords": ListOf(TEXT),
        "pii": Object({"behavior": Choice(("NONE", "BLOCK", "MASK"))}),
        "safety": SWITCH,
        "valid_topics": ListOf(TEXT),
    }
)
_MINUTE = Choice(("minute",))
AI_GATEWAY = Object(
    {
        "fallback_config": Object({"enabled": SWITCH}, frozenset({"enabled"})),
        "guardrails": Object({"input": _GUARDRAIL, "output": _GUARDRAIL}),
        "inference_table_config": Object(_TABLE),
        "rate_limits": ListOf(
            Object(
                {
                    "calls": WHOLE,
                    "tokens": WHOLE,
                    "renewal_period": _MINUTE,
                    "key": Choice(("endpoint", "user", "user_group", "service_principal")),
                    "principal": TEXT,
                },
                frozenset({"renewal_period"}),
            )
        ),
        "usage_tracking_config": Object({"enabled": SWITCH}),
    }
)
_FEATURES = ("INFERENCE_TABLE", "LOGS", "METRICS", "TRACES")
CREATE = Object(
    {
        "name": TEXT,
        "config": CONFIG,
        "tags": ListOf(Object({"key": TEXT, "value": TEXT}, frozenset({"key"}))),
        "description": TEXT,
        "ai_gateway": AI_GATEWAY,
        "rate_limits": ListOf(
            Object(
                {"calls": WHOLE, "renewal_period": _MINUTE, "key": Choice(("endpoint", "user"))},
                frozenset({"calls", "renewal_period"}),
            )
        ),
        "route_optimized": SWITCH,
        "budget_policy_id": TEXT,
        "email_notifications": Object({"on_update_success": ListOf(TEXT), "on_update_failure": ListOf(TEXT)}),
        "telemetry_config": Object(
            {
                "enabled_telemetry_features": ListOf(Choice(tuple(f"TELEMETRY_FEATURE_{one}" for one in _FEATURES))),
                "inference_table_config": Object({"name": TEXT, "sampling_fraction": NUMBER}),
                "table_names": Object(
                    {"annotations_table": TEXT, "logs_table": TEXT, "metrics_table": TEXT, "traces_table": TEXT}
                ),
                "telemetry_profile_id": TEXT,
            }
        ),
    },
    frozenset({"name"}),
)
"""The body that creates an endpoint."""

PROVISIONED_CREATE = frozenset({"name", "config", "tags", "ai_gateway", "budget_policy_id", "email_notifications"})
"""What the body may have that creates an endpoint of provisioned model units, at ``/pt``."""
PROVISIONED_ENTITY = frozenset(
    {"name", "entity_name", "entity_version", "provisioned_model_units", "burst_scaling_enabled"}
)
"""What its served entities may have."""
