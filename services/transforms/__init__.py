"""Transforms: a person's own ``transform_input(**request)`` and ``transform_output(response)`` around any call.

They are plain source, run in the sandbox, saved with a name and versions, and never pickled.
"""

from services.transforms.envelope import Envelope
from services.transforms.hooks import RETURNED_NONE, Hooks, TransformFailed, failure, run_hook
from services.transforms.library import Library, SavedVersion, checked_name, library
from services.transforms.places import LOCAL, Place, PlaceKind
from services.transforms.records import DRAFT, HookRun, Transform, TransformTrace
from services.transforms.source_file import file_name, read_source
from services.transforms.starters import STARTERS, Starter, Takes

__all__ = [
    "DRAFT",
    "LOCAL",
    "RETURNED_NONE",
    "STARTERS",
    "Envelope",
    "HookRun",
    "Hooks",
    "Library",
    "Place",
    "PlaceKind",
    "SavedVersion",
    "Starter",
    "Takes",
    "Transform",
    "TransformFailed",
    "TransformTrace",
    "checked_name",
    "failure",
    "file_name",
    "library",
    "read_source",
    "run_hook",
]
