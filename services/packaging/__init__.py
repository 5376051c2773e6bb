"""An endpoint, its parameters and a transform packed into one MLflow model: as a script, and served by the local workspace."""

from services.packaging.model_source import PackedSource, packed_snippet, packed_source
from services.packaging.packaging import Packaging, Step, default_name, why_not_here

__all__ = [
    "Packaging",
    "PackedSource",
    "Step",
    "default_name",
    "packed_snippet",
    "packed_source",
    "why_not_here",
]
