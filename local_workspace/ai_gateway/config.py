"""The settings of an endpoint's AI gateway, and its older rate limits: what they may say, checked and made plain.

`ai_gateway_of` and `rate_limits_of` give back plain JSON as an endpoint keeps and shows it. What an enforcing part needs is
read from that with `limits_of`, `keywords_of` and the switches below.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator

from local_workspace.refusals import RefusalError, invalid_parameter
from local_workspace.web.bodies import Integer, LenientBody, Switch, Text, checked

# From the platform's page on rate limits of AI gateways.
MAX_LIMITS = 20
MAX_GROUP_LIMITS = 5
MAX_KEYWORDS = 1000

Amount = Annotated[Integer, Field(gt=0, le=2**53)]
Name = Annotated[Text, Field(min_length=1, max_length=255)]
Keyword = Annotated[Text, Field(min_length=1, max_length=1000)]
Side = Literal["input", "output"]
Kind = TypeVar("Kind", bound=LenientBody)


class Limit(LenientBody):
    """How many calls or tokens a minute. `endpoint` is shared by all; `user` without a principal is each user's own."""

    key: Literal["endpoint", "user", "user_group", "service_principal"] = "endpoint"
    principal: Name | None = None
    calls: Amount | None = None
    tokens: Amount | None = None
    renewal_period: Literal["minute"]

    @model_validator(mode="after")
    def _is_whole(self) -> "Limit":
        if self.calls is None and self.tokens is None:
            raise ValueError("A rate limit needs 'calls' or 'tokens'.")
        if self.key == "endpoint" and self.principal:
            raise ValueError("A rate limit with the key 'endpoint' takes no 'principal': it is for everybody.")
        if self.key in {"user_group", "service_principal"} and not self.principal:
            raise ValueError(f"A rate limit with the key '{self.key}' needs a 'principal'.")
        return self


class OldLimit(LenientBody):
    """A rate limit from before AI gateways: calls only, and no principals."""

    key: Literal["endpoint", "user"] = "endpoint"
    calls: Amount
    renewal_period: Literal["minute"]


class UsageTracking(LenientBody):
    """Whether calls are counted in `endpoint_usage`."""

    enabled: Switch | None = None


class InferenceTable(LenientBody):
    """Whether requests and replies are kept. The names are of a Unity Catalog table on the platform, and only kept here."""

    enabled: Switch | None = None
    catalog_name: Name | None = None
    schema_name: Name | None = None
    table_name_prefix: Name | None = None


class Fallback(LenientBody):
    """Whether another served entity is asked when one fails."""

    enabled: Switch


class Pii(LenientBody):
    """What is done about personal data."""

    behavior: Literal["NONE", "BLOCK", "MASK"] | None = None


class Rules(LenientBody):
    """What one side of a conversation may not hold."""

    invalid_keywords: Annotated[list[Keyword], Field(max_length=MAX_KEYWORDS)] | None = None
    safety: Switch | None = None
    pii: Pii | None = None
    valid_topics: list[Text] | None = None


class Guardrails(LenientBody):
    """Rules for what goes to the model and for what it answers."""

    input: Rules | None = None
    output: Rules | None = None


class AiGatewayBody(LenientBody):
    """The `ai_gateway` of an endpoint, and the body of `PUT .../ai-gateway`."""

    fallback_config: Fallback | None = None
    guardrails: Guardrails | None = None
    inference_table_config: InferenceTable | None = None
    rate_limits: Annotated[list[Limit], Field(max_length=MAX_LIMITS)] | None = None
    usage_tracking_config: UsageTracking | None = None


class RateLimitsBody(LenientBody):
    """The body of `PUT .../rate-limits`."""

    rate_limits: Annotated[list[OldLimit], Field(max_length=MAX_LIMITS)] | None = None


def ai_gateway_of(wire: Any, previous: dict[str, Any] | None = None) -> dict[str, Any]:
    """The settings in `wire`, empty when it turns everything off. `previous` are those they replace.

    Raises RefusalError (400, INVALID_PARAMETER_VALUE).
    """
    body = _parsed(AiGatewayBody, wire, "ai_gateway")
    _check_limits(body.rate_limits or [])
    _check_guardrails(body.guardrails)
    _check_table(body.inference_table_config, (previous or {}).get("inference_table_config", {}))
    return body.model_dump(exclude_none=True)


def rate_limits_of(wire: Any) -> list[dict[str, Any]]:
    """The older rate limits in `wire`, which is their list. Raises RefusalError (400, INVALID_PARAMETER_VALUE)."""
    body = _parsed(RateLimitsBody, {"rate_limits": wire}, "")
    return [limit.model_dump(exclude_none=True) for limit in body.rate_limits or []]


def limits_of(gateway: dict[str, Any] | None, older: list[dict[str, Any]]) -> list[Limit]:
    """Every rate limit of an endpoint, from its kept `ai_gateway` and its kept `rate_limits`."""
    return [Limit.model_validate(kept) for kept in [*(gateway or {}).get("rate_limits", []), *older]]


def keywords_of(gateway: dict[str, Any] | None, side: Side) -> list[str]:
    """The words that the kept `ai_gateway` forbids on that side."""
    found: list[str] = (gateway or {}).get("guardrails", {}).get(side, {}).get("invalid_keywords", [])
    return found


def tracks_usage(gateway: dict[str, Any] | None) -> bool:
    """Whether calls are to be counted in `endpoint_usage`."""
    return _enabled(gateway, "usage_tracking_config")


def keeps_payloads(gateway: dict[str, Any] | None) -> bool:
    """Whether requests and replies are to be kept."""
    return _enabled(gateway, "inference_table_config")


def falls_back(gateway: dict[str, Any] | None) -> bool:
    """Whether another served entity is to be asked when one fails."""
    return _enabled(gateway, "fallback_config")


def _enabled(gateway: dict[str, Any] | None, block: str) -> bool:
    return bool((gateway or {}).get(block, {}).get("enabled"))


def _parsed(kind: type[Kind], wire: Any, name: str) -> Kind:
    if not isinstance(wire, dict):
        raise invalid_parameter(f"The field '{name}' must be an object.")
    try:
        return checked(kind, wire)
    except RefusalError as refusal:
        raise invalid_parameter(refusal.message) from refusal


def _check_limits(limits: list[Limit]) -> None:
    seen = set()
    for limit in limits:
        for measure in ("calls", "tokens"):
            place = (limit.key, limit.principal, measure)
            if getattr(limit, measure) is not None and place in seen:
                whom = f"{limit.key} '{limit.principal}'" if limit.principal else limit.key
                raise invalid_parameter(f"There are two rate limits of {measure} for the key {whom}.")
            if getattr(limit, measure) is not None:
                seen.add(place)
    if sum(limit.key == "user_group" for limit in limits) > MAX_GROUP_LIMITS:
        raise invalid_parameter(f"An endpoint can have at most {MAX_GROUP_LIMITS} rate limits for groups.")


def _check_guardrails(guardrails: Guardrails | None) -> None:
    sides = {"input": guardrails.input, "output": guardrails.output} if guardrails else {}
    for side, rules in sides.items():
        if rules is None:
            continue
        asked = {
            "safety": rules.safety,
            "pii": rules.pii and rules.pii.behavior in {"BLOCK", "MASK"},
            "valid_topics": rules.valid_topics,
        }
        for name in (name for name, wanted in asked.items() if wanted):
            raise invalid_parameter(
                f"The guardrail 'guardrails.{side}.{name}' needs a model that the local workspace does not have; "
                "only 'invalid_keywords' works here."
            )


def _check_table(table: InferenceTable | None, previous: dict[str, Any]) -> None:
    if not table or not table.enabled:
        return
    names = ("catalog_name", "schema_name", "table_name_prefix")
    for name in names[:2]:
        if not getattr(table, name):
            raise invalid_parameter(f"The field 'inference_table_config.{name}' is needed to enable the table.")
    if previous.get("enabled"):
        for name in names:
            if getattr(table, name) != previous.get(name):
                raise invalid_parameter(
                    f"The field 'inference_table_config.{name}' cannot change while the table is enabled; disable it first."
                )
