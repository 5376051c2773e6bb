"""What the workspace keeps about a serving endpoint, as it lies in the database. The API's JSON is made in `views`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

CHAT = "llm/v1/chat"
COMPLETIONS = "llm/v1/completions"
EMBEDDINGS = "llm/v1/embeddings"

Kind = Literal["external", "foundation", "custom"]
ConfigUpdate = Literal["NOT_UPDATING", "IN_PROGRESS", "UPDATE_FAILED", "UPDATE_CANCELED"]


class Record(BaseModel):
    """A value; a changed one is a copy (`model_copy(update=...)`)."""

    model_config = ConfigDict(frozen=True)


class ExternalModel(Record):
    """A model at a provider.

    `config` is the provider's block (`config_key`, such as `openai_config`) as it was given, without plaintext
    credentials: those are in `managed`, by the name of their field without `_plaintext`, encrypted by the Cipher. A field
    inside a block inside it has a dotted name: `bearer_token_auth.token`.
    """

    provider: str
    name: str
    task: str
    config_key: str
    config: dict[str, Any]
    managed: dict[str, str] = {}


class ServedEntity(Record):
    """One thing an endpoint serves. `deployment` and `message` are the platform's `state` of it.

    `task` is the schema of its invocations, such as `llm/v1/chat`; None where the model takes bodies of its own.
    `version` is the config version it was first deployed in: one that a later config keeps as it is goes on running.

    `entity_name` and `entity_version` name a foundation model of this workspace or a registered MLflow model.
    `options` are fields that are kept and shown but change nothing here, such as `workload_type`.
    """

    name: str
    kind: Kind
    task: str | None = None
    version: int = 1
    entity_name: str = ""
    entity_version: str = ""
    external_model: ExternalModel | None = None
    workload_size: str | None = None
    scale_to_zero_enabled: bool = False
    environment_vars: dict[str, str] = {}
    options: dict[str, Any] = {}
    creator: str = ""
    created_ms: int = 0
    deployment: str = "DEPLOYMENT_CREATING"
    message: str = ""


class Route(Record):
    """A share of the traffic: `percentage` of 100 go to the served entity `entity`."""

    entity: str
    percentage: int


class Config(Record):
    """One version of what an endpoint serves. `started_ms` is when its deployment began."""

    version: int
    entities: list[ServedEntity]
    routes: list[Route]
    started_ms: int = 0

    def entity(self, name: str) -> ServedEntity | None:
        """The served entity of that name, or None."""
        return next((entity for entity in self.entities if entity.name == name), None)


class Endpoint(Record):
    """A serving endpoint. `config` is what answers, None until a first deployment worked; `pending` is what is being
    deployed, or what failed to. Times are in milliseconds of Unix time; `creator` is a user's key.

    `provisioned` endpoints come with the workspace: like the platform's `databricks-*` they cannot be deleted.
    `settings` are blocks kept and shown as they were given: email_notifications, telemetry_config and the like.
    """

    name: str
    id: str
    creator: str
    created_ms: int
    updated_ms: int
    description: str = ""
    tags: dict[str, str] = {}
    config: Config | None = None
    pending: Config | None = None
    config_update: ConfigUpdate = "NOT_UPDATING"
    stopped: bool = False
    provisioned: bool = False
    rate_limits: list[dict[str, Any]] = []
    ai_gateway: dict[str, Any] | None = None
    settings: dict[str, Any] = {}

    @property
    def latest(self) -> Config | None:
        """The config that says what kind of endpoint this is: what answers, or what is being deployed first."""
        return self.config or self.pending

    @property
    def kind(self) -> Kind | None:
        """The kind of its served entities, which never changes; None while it has none."""
        return self.latest.entities[0].kind if self.latest and self.latest.entities else None
