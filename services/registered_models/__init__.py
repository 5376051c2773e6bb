"""Registered models: what there is to serve, which versions, and what a version takes. Two registries, either may be absent."""

from services.registered_models.listing import list_models, list_versions
from services.registered_models.records import (
    Column,
    ModelPage,
    ModelVersion,
    RegisteredModel,
    Registry,
    Signature,
    SignatureAnswer,
)
from services.registered_models.signature import get_signature

__all__ = [
    "Column",
    "ModelPage",
    "ModelVersion",
    "RegisteredModel",
    "Registry",
    "Signature",
    "SignatureAnswer",
    "get_signature",
    "list_models",
    "list_versions",
]
