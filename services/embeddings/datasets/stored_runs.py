"""A run as JSON and back, so that one that was interrupted goes on with the very same asking.

What another version of Brickyard wrote is read as far as it is known: what is new there is passed over, what is missing here
is as if it were not said.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from services.embeddings.records import Asking, BodyForm, Progress, Run, RunState
from services.transforms import Transform

Named = TypeVar("Named", bound=StrEnum)


def asking_to_json(asking: Asking) -> dict[str, Any]:
    """JSON values that *asking_from_json* makes an equal asking of, its transform's source among them."""
    said = {name: getattr(asking, name) for name in _names(Asking)}
    said["document_params"], said["query_params"] = dict(asking.document_params), dict(asking.query_params)
    said["transform"] = None if asking.transform is None else asdict(asking.transform)
    return said


def asking_from_json(said: Mapping[str, Any]) -> Asking:
    """The asking. Raises TypeError for what never was one."""
    known = _known(Asking, said)
    known["form"] = _named(BodyForm, known.get("form"), BodyForm.INPUT)
    shaping = known.get("transform")
    known["transform"] = Transform(**_known(Transform, shaping)) if isinstance(shaping, dict) else None
    return Asking(**known)


def run_to_json(run: Run) -> str:
    """All of the run but its dataset and key, which it is kept under."""
    return json.dumps(
        {
            "host": run.host,
            "asking": asking_to_json(run.asking),
            "state": run.state,
            "made": run.made.timestamp(),
            "progress": asdict(run.progress),
            "failures": run.failures,
            "error": run.error,
            "writer": run.writer,
            "seen": run.seen,
        }
    )


def run_from_json(dataset: str, key: str, dimensions: int, written: str) -> Run:
    """The run. Raises ValueError, KeyError and TypeError for what never was one."""
    said = json.loads(written)
    return Run(
        key=key,
        dataset=dataset,
        host=said["host"],
        asking=asking_from_json(said["asking"]),
        state=_named(RunState, said.get("state"), RunState.STOPPED),
        made=datetime.fromtimestamp(said["made"], UTC),
        dimensions=dimensions,
        progress=Progress(**_known(Progress, said["progress"])),
        failures=tuple((place, message, hint) for place, message, hint in said.get("failures") or ()),
        error=None if not said.get("error") else (said["error"][0], said["error"][1]),
        writer=str(said.get("writer", "")),
        seen=float(said.get("seen", 0.0)),
    )


def _names(record: type) -> list[str]:
    return [field.name for field in fields(record)]


def _known(record: type, said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in _names(record) if name in said}


def _named(kind: type[Named], said: object, otherwise: Named) -> Named:
    return kind(said) if said in [one.value for one in kind] else otherwise
