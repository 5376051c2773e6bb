"""What every workspace serves from its start, and the aliases its command line asks for."""

import hashlib

from local_workspace.custom_models.seeded import ENDPOINT_NAME as PROMPT_ENDPOINT
from local_workspace.custom_models.seeded import MODEL_DESCRIPTION, seeded_entity
from local_workspace.engines.catalog import CHAT_MODEL, EMBEDDING_MODEL, FoundationModel
from local_workspace.identity.users import ADMIN
from local_workspace.serving.records import Config, Endpoint, Route, ServedEntity

PROVISIONED = {
    "local-smollm2-135m-instruct": ("smollm2-135m-instruct-1", CHAT_MODEL),
    "local-minilm-l6-v2": ("minilm-l6-v2-1", EMBEDDING_MODEL),
}


def provisioned_endpoints(created_ms: int, aliases: dict[str, str]) -> list[Endpoint]:
    """The endpoints that come with the workspace. Raises ValueError, in a sentence, for an alias that cannot be."""
    endpoints = {
        name: _foundation_endpoint(name, entity, model, created_ms) for name, (entity, model) in PROVISIONED.items()
    }
    endpoints[PROMPT_ENDPOINT] = seeded_endpoint(PROMPT_ENDPOINT, seeded_entity(), MODEL_DESCRIPTION, created_ms)
    for name, target in aliases.items():
        if name in endpoints:
            raise ValueError(f"The alias '{name}' has the name of an endpoint that exists already.")
        if target not in endpoints:
            raise ValueError(
                f"The alias '{name}' is for '{target}', which is no endpoint; there are: {', '.join(endpoints)}."
            )
        known = endpoints[target]
        description = f"An alias: answered by {target}. {known.description}"
        changes = {"name": name, "id": endpoint_id(name), "description": description, "tags": {"alias_of": target}}
        endpoints[name] = known.model_copy(update=changes)
    return list(endpoints.values())


def endpoint_id(name: str) -> str:
    """The id of an endpoint that comes with the workspace: 32 hexadecimal digits, the same at every start."""
    return hashlib.sha256(f"endpoint:{name}".encode()).hexdigest()[:32]


def seeded_endpoint(name: str, entity: ServedEntity, description: str, created_ms: int) -> Endpoint:
    """An endpoint that comes with the workspace and serves `entity`, ready."""
    ready = entity.model_copy(
        update={"deployment": "DEPLOYMENT_READY", "creator": ADMIN.user_name, "created_ms": created_ms}
    )
    return Endpoint(
        name=name,
        id=endpoint_id(name),
        creator=ADMIN.key,
        created_ms=created_ms,
        updated_ms=created_ms,
        description=description,
        provisioned=True,
        config=Config(version=1, entities=[ready], routes=[Route(entity=entity.name, percentage=100)]),
    )


def _foundation_endpoint(name: str, entity_name: str, model: FoundationModel, created_ms: int) -> Endpoint:
    entity = ServedEntity(
        name=entity_name,
        kind="foundation",
        task=model.tasks[0],
        entity_name=model.entity_name,
        entity_version=model.entity_version,
    )
    return seeded_endpoint(name, entity, model.description, created_ms)
