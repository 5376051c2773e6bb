"""Bodies of the serving-endpoints API, and how they become records. Unknown fields are ignored, as newer clients send them."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from local_workspace.cipher import Cipher
from local_workspace.engines.catalog import FOUNDATION_MODELS
from local_workspace.external_models.providers import external_model_of
from local_workspace.refusals import invalid_parameter
from local_workspace.serving.records import Route, ServedEntity
from local_workspace.web.bodies import Integer, LenientBody, Switch, Text

MAX_ENTITIES = 15
MAX_TAGS = 20
ENDPOINT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", re.ASCII)
ENTITY_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
RESERVED_PREFIX = "databricks-"


def _switch(value: object) -> object:
    # The platform's own samples show this one as a string.
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _version(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class EntityBody(LenientBody):
    """One item of `served_entities`, or of the older `served_models`, where two fields have other names."""

    name: Text | None = None
    entity_name: Text | None = None
    entity_version: Annotated[Text | None, BeforeValidator(_version)] = None
    model_name: Text | None = None
    model_version: Annotated[Text | None, BeforeValidator(_version)] = None
    external_model: dict[str, Any] | None = None
    workload_size: Literal["Small", "Medium", "Large"] | None = None
    workload_type: Text | None = None
    scale_to_zero_enabled: Annotated[Switch | None, BeforeValidator(_switch)] = None
    environment_vars: dict[Text, Text] | None = None
    instance_profile_arn: Text | None = None
    min_provisioned_concurrency: Integer | None = None
    max_provisioned_concurrency: Integer | None = None
    min_provisioned_throughput: Integer | None = None
    max_provisioned_throughput: Integer | None = None
    provisioned_model_units: Integer | None = None


class RouteBody(LenientBody):
    """A share of the traffic; either name may be used, or both if they agree."""

    served_entity_name: Text | None = None
    served_model_name: Text | None = None
    traffic_percentage: Annotated[Integer, Field(ge=0, le=100)]


class TrafficBody(LenientBody):
    """The traffic split."""

    routes: list[RouteBody] | None = None


class ConfigBody(LenientBody):
    """What an endpoint serves; the body of `PUT .../config`."""

    served_entities: list[EntityBody] | None = None
    served_models: list[EntityBody] | None = None
    traffic_config: TrafficBody | None = None
    auto_capture_config: dict[str, Any] | None = None

    @property
    def entities(self) -> list[EntityBody]:
        """The entities under whichever of the two names."""
        return self.served_entities or self.served_models or []


class TagBody(LenientBody):
    """A tag; the value may be left out."""

    key: Annotated[Text, Field(min_length=1, max_length=127)]
    value: Annotated[Text, Field(max_length=255)] | None = None


class CreateBody(LenientBody):
    """The body of `POST /serving-endpoints`."""

    name: Text
    config: ConfigBody | None = None
    tags: list[TagBody] | None = None
    description: Text | None = None
    ai_gateway: dict[str, Any] | None = None
    rate_limits: list[dict[str, Any]] | None = None
    route_optimized: Switch | None = None
    budget_policy_id: Text | None = None
    email_notifications: dict[str, Any] | None = None
    telemetry_config: dict[str, Any] | None = None


class TagsBody(LenientBody):
    """The body of `PATCH .../tags`."""

    add_tags: list[TagBody] | None = None
    delete_tags: list[Text] | None = None


class NotificationsBody(LenientBody):
    """The body of `PATCH .../notifications`."""

    email_notifications: dict[str, Any] | None = None


class TelemetryBody(LenientBody):
    """The body of `PATCH .../telemetry-config`."""

    telemetry_config: dict[str, Any] | None = None


def check_endpoint_name(name: str) -> None:
    """Raise RefusalError (400) unless an endpoint may be called so."""
    if not ENDPOINT_NAME.fullmatch(name):
        raise invalid_parameter(
            f"The endpoint name '{name[:80]}' is not valid: 1 to 63 letters, digits, '-' and '_', beginning and ending"
            " with a letter or digit."
        )
    if name.startswith(RESERVED_PREFIX):
        raise invalid_parameter(f"Endpoint names that begin with '{RESERVED_PREFIX}' are reserved.")


def entities_of(body: ConfigBody, cipher: Cipher) -> list[ServedEntity]:
    """The served entities that `body` asks for, with their names settled. Raises RefusalError (400)."""
    if len(body.entities) > MAX_ENTITIES:
        raise invalid_parameter(f"An endpoint serves at most {MAX_ENTITIES} entities.")
    found = [_entity_of(item, place, cipher) for place, item in enumerate(body.entities)]
    names = [entity.name for entity in found]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise invalid_parameter(f"Two served entities are called '{doubled}'; names must be unique in an endpoint.")
    _check_one_kind(found)
    return found


def _check_one_kind(entities: list[ServedEntity]) -> None:
    if len({entity.kind == "external" for entity in entities}) > 1:
        raise invalid_parameter("An endpoint serves either external models or others, not both.")
    if len({entity.external_model.task for entity in entities if entity.external_model}) > 1:
        raise invalid_parameter("All external models of one endpoint must have the same task.")
    if len({entity.kind for entity in entities}) > 1:
        raise invalid_parameter("An endpoint serves either foundation models or custom models, not both.")


def _entity_of(item: EntityBody, place: int, cipher: Cipher) -> ServedEntity:
    where = f"served_entities[{place}]"
    if item.external_model is not None:
        return _external_of(item, item.external_model, where, cipher)
    name, version = item.entity_name or item.model_name, item.entity_version or item.model_version
    if not name:
        raise invalid_parameter(f"{where} needs 'entity_name' and 'entity_version', or 'external_model'.")
    known = FOUNDATION_MODELS.get(name)
    if not version and not known:
        raise invalid_parameter(f"{where}.entity_version is missing: which version of '{name}' is to be served?")
    _check_sizes(item, where)
    version = version or (known.entity_version if known else "")
    default = re.sub(r"[^A-Za-z0-9_-]", "-", f"{name.rpartition('.')[2]}-{version}")[:63]
    return ServedEntity(
        name=_entity_name(item.name or default, where),
        kind="foundation" if known else "custom",
        entity_name=name,
        entity_version=version,
        workload_size=item.workload_size,
        scale_to_zero_enabled=bool(item.scale_to_zero_enabled),
        environment_vars=item.environment_vars or {},
        options=_options(item),
    )


def _external_of(item: EntityBody, external: dict[str, Any], where: str, cipher: Cipher) -> ServedEntity:
    for field in ("entity_name", "entity_version", "model_name", "model_version", "workload_size", "workload_type"):
        if getattr(item, field) is not None:
            raise invalid_parameter(f"{where} has 'external_model', which excludes '{field}'.")
    if item.scale_to_zero_enabled:
        raise invalid_parameter(f"{where} has 'external_model', which excludes 'scale_to_zero_enabled'.")
    model = external_model_of(external, cipher, f"{where}.external_model")
    default = re.sub(r"[^A-Za-z0-9_-]", "-", model.name)[:63]
    return ServedEntity(name=_entity_name(item.name or default, where), kind="external", external_model=model)


def _entity_name(name: str, where: str) -> str:
    if not ENTITY_NAME.fullmatch(name):
        raise invalid_parameter(f"{where}.name '{name[:80]}' is not valid: 1 to 63 letters, digits, '-' and '_'.")
    return name


def _check_sizes(item: EntityBody, where: str) -> None:
    ranges = {
        "provisioned_concurrency": (item.min_provisioned_concurrency, item.max_provisioned_concurrency),
        "provisioned_throughput": (item.min_provisioned_throughput, item.max_provisioned_throughput),
    }
    for what, (low, high) in ranges.items():
        if (low is not None and low < 0) or (high is not None and high < (low or 0)):
            raise invalid_parameter(f"{where}: min_{what} must be at least 0 and at most max_{what}.")
    if item.workload_size and ranges["provisioned_concurrency"] != (None, None):
        raise invalid_parameter(f"{where} has 'workload_size', which excludes min_ and max_provisioned_concurrency.")


def _options(item: EntityBody) -> dict[str, Any]:
    kept = (
        "workload_type",
        "instance_profile_arn",
        "min_provisioned_concurrency",
        "max_provisioned_concurrency",
        "min_provisioned_throughput",
        "max_provisioned_throughput",
        "provisioned_model_units",
    )
    return {name: getattr(item, name) for name in kept if getattr(item, name) is not None}


def routes_of(body: ConfigBody, entities: list[ServedEntity]) -> list[Route]:
    """The traffic split of `entities`: as asked, or all of it to the only one. Raises RefusalError (400)."""
    asked = body.traffic_config.routes if body.traffic_config else None
    if not asked:
        if len(entities) > 1:
            raise invalid_parameter("Several served entities need 'traffic_config.routes' that add up to 100.")
        return [Route(entity=entity.name, percentage=100) for entity in entities]
    routes = [_route_of(item, place, entities) for place, item in enumerate(asked)]
    total = sum(route.percentage for route in routes)
    if total != 100:
        raise invalid_parameter(f"The traffic percentages add up to {total}; they must add up to 100.")
    if len({route.entity for route in routes}) < len(routes):
        raise invalid_parameter("traffic_config.routes names the same served entity twice.")
    return routes


def _route_of(item: RouteBody, place: int, entities: list[ServedEntity]) -> Route:
    where = f"traffic_config.routes[{place}]"
    name = item.served_entity_name or item.served_model_name
    if name is None:
        raise invalid_parameter(f"{where} needs 'served_entity_name'.")
    if item.served_model_name not in (None, name):
        raise invalid_parameter(f"{where} names two served entities, '{name}' and '{item.served_model_name}'.")
    if name not in {entity.name for entity in entities}:
        raise invalid_parameter(f"{where} names '{name}', which is no served entity of this config.")
    return Route(entity=name, percentage=item.traffic_percentage)


def tags_of(tags: list[TagBody]) -> dict[str, str]:
    """The tags by key. Raises RefusalError (400) when there are too many, or two of one key."""
    found = {tag.key: tag.value or "" for tag in tags}
    if len(found) < len(tags):
        raise invalid_parameter("Two tags have the same key.")
    if len(found) > MAX_TAGS:
        raise invalid_parameter(f"An endpoint has at most {MAX_TAGS} tags.")
    return found
