"""What can go wrong between the gateway's process and a provider, as it travels back to the workspace."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["provider", "parameter"]
MAX_DEPTH = 64


@dataclass(frozen=True)
class Failure:
    """Why there is no answer.

    `kind` "provider" is the provider's doing, or the way's to it: `status` is its HTTP status, or one that says what
    happened instead, and `error` its JSON or a text. "parameter" is a body that cannot be said in the provider's terms.
    """

    kind: Kind
    status: int
    error: Any
    retry_after: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The failure as JSON; `Failure(**wire)` reads it."""
        return asdict(self)


class FailedError(Exception):
    """A call that ended in `failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.kind)  # not its text, which may hold what the provider echoes
        self.failure = failure


def provider_failed(status: int, error: Any, retry_after: str | None = None) -> FailedError:
    """The provider refused, broke off, or could not be reached."""
    error = "What the provider says is nested too deep to be shown." if _is_deep(error) else error
    return FailedError(Failure("provider", status, error, retry_after))


def bad_answer(sentence: str) -> FailedError:
    """The provider answered with something that is no answer."""
    return provider_failed(502, sentence)


def bad_parameter(sentence: str) -> FailedError:
    """The body holds something that this provider has no word for."""
    return FailedError(Failure("parameter", 400, sentence))


def parsed(text: bytes | str) -> Any:
    """What a provider's JSON says. Raises ValueError for what is none, or is nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deep.") from error


def _is_deep(value: Any) -> bool:
    """Whether `value` is nested deeper than every reader on the way can follow. Without recursion."""
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [inner for item in layer for inner in _inside(item)]
    return bool(layer)


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []
