"""The body of an endpoint as Python source in databricks-sdk's typed dataclasses. Pure; does not import the SDK."""

import textwrap
from collections.abc import Mapping
from typing import Any

from services.snippets.python_source import literal

CLASSES: Mapping[str, Mapping[str, str]] = {
    "": {
        "config": "EndpointCoreConfigInput",
        "tags": "EndpointTag",
        "ai_gateway": "AiGatewayConfig",
        "rate_limits": "RateLimit",
        "email_notifications": "EmailNotifications",
        "telemetry_config": "TelemetryConfig",
        "served_entities": "ServedEntityInput",
        "served_models": "ServedModelInput",
        "traffic_config": "TrafficConfig",
        "auto_capture_config": "AutoCaptureConfigInput",
    },
    "EndpointCoreConfigInput": {
        "served_entities": "ServedEntityInput",
        "served_models": "ServedModelInput",
        "traffic_config": "TrafficConfig",
        "auto_capture_config": "AutoCaptureConfigInput",
    },
    "PtEndpointCoreConfig": {"served_entities": "PtServedModel", "traffic_config": "TrafficConfig"},
    "ServedEntityInput": {"external_model": "ExternalModel", "workload_type": "ServingModelWorkloadType"},
    "ServedModelInput": {"workload_type": "ServedModelInputWorkloadType"},
    "ExternalModel": {
        "provider": "ExternalModelProvider",
        "ai21labs_config": "Ai21LabsConfig",
        "amazon_bedrock_config": "AmazonBedrockConfig",
        "anthropic_config": "AnthropicConfig",
        "cohere_config": "CohereConfig",
        "custom_provider_config": "CustomProviderConfig",
        "databricks_model_serving_config": "DatabricksModelServingConfig",
        "google_cloud_vertex_ai_config": "GoogleCloudVertexAiConfig",
        "openai_config": "OpenAiConfig",
        "palm_config": "PaLmConfig",
    },
    "AmazonBedrockConfig": {"bedrock_provider": "AmazonBedrockConfigBedrockProvider"},
    "CustomProviderConfig": {"api_key_auth": "ApiKeyAuth", "bearer_token_auth": "BearerTokenAuth"},
    "TrafficConfig": {"routes": "Route"},
    "AiGatewayConfig": {
        "fallback_config": "FallbackConfig",
        "guardrails": "AiGatewayGuardrails",
        "inference_table_config": "AiGatewayInferenceTableConfig",
        "rate_limits": "AiGatewayRateLimit",
        "usage_tracking_config": "AiGatewayUsageTrackingConfig",
    },
    "AiGatewayGuardrails": {"input": "AiGatewayGuardrailParameters", "output": "AiGatewayGuardrailParameters"},
    "AiGatewayGuardrailParameters": {"pii": "AiGatewayGuardrailPiiBehavior"},
    "AiGatewayGuardrailPiiBehavior": {"behavior": "AiGatewayGuardrailPiiBehaviorBehavior"},
    "AiGatewayRateLimit": {"renewal_period": "AiGatewayRateLimitRenewalPeriod", "key": "AiGatewayRateLimitKey"},
    "RateLimit": {"renewal_period": "RateLimitRenewalPeriod", "key": "RateLimitKey"},
    "TelemetryConfig": {
        "enabled_telemetry_features": "TelemetryFeature",
        "inference_table_config": "TelemetryInferenceTableConfig",
        "table_names": "UnityCatalogTableNames",
    },
}
"""For each class the fields that hold another class or an enumeration; "" is a call's arguments. A test compares the SDK."""


class Source:
    """Source of values, and which classes it needs."""

    def __init__(self) -> None:
        self.classes: set[str] = set()

    def arguments(self, values: Mapping[str, Any], owner: str = "") -> str:
        """``name=value,`` a line each, for the class or call *owner*. null is left out."""
        known = CLASSES.get(owner, {})
        return "".join(
            textwrap.indent(f"{name}={self.value(value, known.get(name, ''))},\n", "    ")
            for name, value in values.items()
            if value is not None
        )

    def value(self, value: Any, kind: str = "") -> str:
        """One value; of a list, each item is of class *kind*."""
        if kind and isinstance(value, list):
            inner = "".join(textwrap.indent(f"{self.value(one, kind)},\n", "    ") for one in value)
            return f"[\n{inner}]"
        if not kind:
            return literal(value)
        self.classes.add(kind)
        if isinstance(value, dict):
            return f"{kind}(\n{self.arguments(value, kind)})" if value else f"{kind}()"
        # The platform takes the names of providers inside Bedrock in any case, the enumeration does not.
        said = value.lower() if kind == "AmazonBedrockConfigBedrockProvider" and isinstance(value, str) else value
        return f"{kind}({literal(said)})"

    @property
    def imports(self) -> str:
        """The import that the source needs; empty for none."""
        if not self.classes:
            return ""
        names = "".join(f"    {name},\n" for name in sorted(self.classes))
        return f"from databricks.sdk.service.serving import (\n{names})\n"
