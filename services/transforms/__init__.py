"""Transforms: a person's own ``transform_input(**request)`` and ``transform_output(response)`` around any call.

They are plain source, run in the sandbox, and never pickled.
"""

from services.transforms.envelope import Envelope
from services.transforms.hooks import Hooks, TransformFailed, failure, run_hook
from services.transforms.records import DRAFT, HookRun, Transform, TransformTrace

__all__ = [
    "DRAFT",
    "Envelope",
    "HookRun",
    "Hooks",
    "Transform",
    "TransformFailed",
    "TransformTrace",
    "failure",
    "run_hook",
]
