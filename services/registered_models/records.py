"""What is known of a registered model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Registry(StrEnum):
    """Where a model is registered; the value is for people."""

    UNITY_CATALOG = "Unity Catalog"
    WORKSPACE = "Workspace registry"


@dataclass(frozen=True)
class RegisteredModel:
    """A model that was registered, whatever versions it has."""

    registry: Registry
    name: str
    """What ``entity_name`` says; in Unity Catalog its three parts."""
    description: str = ""
    latest_version: str = ""
    """Empty where a list does not say."""
    updated_ms: int | None = None
    """Milliseconds since the epoch."""


@dataclass(frozen=True)
class ModelPage:
    """Some models, and how to go on."""

    models: tuple[RegisteredModel, ...]
    next_token: str = ""
    """What asks for the models after these; empty when there are none."""
    note: str = ""
    """What a person should know: that the registry is not there, or that not all was looked through. Empty for nothing."""


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model."""

    registry: Registry
    model: str
    version: str
    """A number, as a text: what ``entity_version`` says."""
    description: str = ""
    stage: str = ""
    """Staging, Production...; empty for none, and always in Unity Catalog."""
    aliases: tuple[str, ...] = ()
    status: str = "READY"
    """READY, or why it cannot be served yet or ever."""
    run_id: str = ""
    source: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    updated_ms: int | None = None
    """Milliseconds since the epoch."""


@dataclass(frozen=True)
class Column:
    """One input, output or parameter."""

    name: str
    """Empty where there is one only, or they go by their places."""
    type: str
    """In words: "string", "array of double", "tensor of float32 (-1, 3)"."""
    required: bool = True
    default: Any = None
    """Of a parameter."""


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    params: tuple[Column, ...] = ()


@dataclass(frozen=True)
class SignatureAnswer:
    """A signature, or a sentence that says why there is none."""

    signature: Signature | None
    sentence: str = ""
