"""The model that every workspace has registered, as its endpoint and the registry know it. Light: MLflow is not needed."""

from local_workspace.serving.records import ServedEntity

ENDPOINT_NAME = "local-prompt-model"
ENTITY_NAME = "local.models.prompt-model"
MODEL_DESCRIPTION = (
    "Continues a prompt. An MLflow model with the inputs prompt (string) and stop (list of strings, optional) and a string"
    " as output; it asks this workspace's chat model."
)
# For clients that use the registry's SQLite file itself: an experiment whose artifacts are files they can write.
SEEDED_EXPERIMENT = "local-files"


def seeded_entity() -> ServedEntity:
    """What the endpoint local-prompt-model serves: version 1, scaled to zero until someone asks."""
    return ServedEntity(
        name="prompt-model-1",
        kind="custom",
        entity_name=ENTITY_NAME,
        entity_version="1",
        workload_size="Small",
        scale_to_zero_enabled=True,
        options={"workload_type": "CPU"},
    )
