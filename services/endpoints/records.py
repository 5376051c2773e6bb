"""What is known of a serving endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHAT_TASKS = frozenset({"llm/v1/chat", "agent/v1/chat", "agent/v2/chat"})
EMBEDDING_TASK = "llm/v1/embeddings"
SCALED_TO_ZERO = "scaled to zero"
"""The deployment message of a ready entity that sleeps, in lower case: seen on the platform, in no document."""


@dataclass(frozen=True)
class ServedEntity:
    """What an endpoint serves."""

    name: str
    entity: str
    """A model's name and version, or a provider's model."""
    provider: str = ""
    """An external model's provider; "foundation" for a hosted model; empty for a custom model."""
    deployment: str = ""
    """DEPLOYMENT_CREATING, _RECOVERING, _READY, _FAILED, _ABORTED; empty in a list, which does not say."""
    message: str = ""
    """What the platform says about its deployment."""
    wire: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As the workspace describes it; keys and environment variables as secret references."""

    @property
    def scaled_to_zero(self) -> bool:
        """Whether it sleeps until it is called."""
        return SCALED_TO_ZERO in self.message.lower()


@dataclass(frozen=True)
class Route:
    """A share of the traffic."""

    entity: str
    """The served entity's name."""
    percentage: int


@dataclass(frozen=True)
class Config:
    """One version of what an endpoint serves."""

    version: int | None
    entities: tuple[ServedEntity, ...]
    routes: tuple[Route, ...]
    started_ms: int | None = None
    """When its deployment began, of a pending one; milliseconds since the epoch."""


@dataclass(frozen=True)
class Endpoint:
    """One serving endpoint, as a list has it."""

    name: str
    id: str
    task: str
    """llm/v1/chat, llm/v1/completions, llm/v1/embeddings, agent/...; empty for a custom model."""
    ready: bool
    updating: bool
    update_failed: bool
    permission_level: str
    """CAN_MANAGE, CAN_QUERY, CAN_VIEW; empty where the workspace does not say."""
    creator: str
    description: str
    served_entities: tuple[ServedEntity, ...]
    routes: tuple[Route, ...] = ()
    """Empty where a list does not say; with one served entity it has all."""
    created_ms: int | None = None
    """When it was created; milliseconds since the epoch."""
    updated_ms: int | None = None
    """When it was changed last; milliseconds since the epoch."""

    @property
    def chats(self) -> bool:
        """Whether it takes a conversation."""
        return self.task in CHAT_TASKS

    @property
    def embeds(self) -> bool:
        """Whether it takes texts for their vectors."""
        return self.task == EMBEDDING_TASK

    @property
    def providers(self) -> tuple[str, ...]:
        """Of what it serves, each once: an external model's provider, "foundation", or "custom"."""
        return tuple(dict.fromkeys(entity.provider or "custom" for entity in self.served_entities))

    @property
    def state(self) -> str:
        """Its state in the platform's words."""
        if self.updating:
            return "Ready (updating)" if self.ready else "Not ready (updating)"
        if self.update_failed:
            return "Ready (update failed)" if self.ready else "Not ready (update failed)"
        return "Ready" if self.ready else "Not ready"


@dataclass(frozen=True)
class EndpointDetail:
    """One serving endpoint, with what it serves and what it is about to serve."""

    endpoint: Endpoint
    config: Config | None
    """What serves now."""
    pending: Config | None
    """What is being deployed, or failed to be."""
    wire: Mapping[str, Any] = field(repr=False)
    """As the workspace describes it."""

    @property
    def scaled_to_zero(self) -> bool:
        """Whether everything it serves sleeps until it is called."""
        entities = self.config.entities if self.config and self.endpoint.ready else ()
        return bool(entities) and all(entity.scaled_to_zero for entity in entities)

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it: it has a config that does not serve, nothing is under way, and nothing failed."""
        one = self.endpoint
        idle = not (one.ready or one.updating or one.update_failed)
        return idle and self.config is not None and self.pending is None and one.providers == ("custom",)
