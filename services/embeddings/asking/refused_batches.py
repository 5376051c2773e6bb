"""What the failure of a request means for its texts and for the rest. Pure."""

import re
from enum import Enum, auto

from services.embeddings.asking.reply_vectors import NotForEmbeddings
from services.errors import (
    BadInput,
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    PlaygroundError,
    Rejected,
    TooManyRequests,
    Unauthenticated,
)
from services.transforms import TransformFailed


class Meaning(Enum):
    """What is to be done."""

    WAIT = auto()
    """It was not looked at: ask again, later."""
    TOO_MANY = auto()
    """So many texts are not taken at once: fewer, from now on."""
    TOO_MUCH = auto()
    """So long a request is not taken: shorter ones, from now on."""
    REFUSED = auto()
    """One of the texts is, or more: the others are good."""
    LOST = auto()
    """Nobody knows what came of it: it is not sent again, the rest goes on."""
    NO_FIELD = auto()
    """Something beside the texts is refused, and so no request is good; unless one was already: then it is as REFUSED."""
    NO_VECTORS = auto()
    """The endpoint has none to give; unless it gave some already: then it is as LOST."""
    END = auto()
    """No other request is good now."""


_ENDING = (Unauthenticated, PermissionDenied, NotFound, Conflict)
_GATEWAY_REFUSED = (400, 401, 403, 404)
"""Statuses with which an endpoint itself failed: a provider's key, a secret that is not there."""
_CONTENT_TOO_LARGE, _UNAVAILABLE = 413, 503
_LENGTH = re.compile(r"context|token|length|too long|characters", re.IGNORECASE)
_MANY = re.compile(r"too many|too large|exceed|maximum|at most|batch|\blimit", re.IGNORECASE)
# A chat endpoint says that it wants messages.
_FIELD = re.compile(
    r"unknown field|unexpected (field|keyword|argument|parameter)|unrecognized (request )?(field|argument|key|parameter)"
    r"|extra (inputs|fields)|is not permitted|\bfield\b.*\bnot (supported|known|allowed)|\bdimensions\b|\bmessages\b",
    re.IGNORECASE,
)


_PLACE = re.compile(r"\b(?:inputs?|instances|data|dataframe_records|texts?)(?:\.|\[|\s+)(\d{1,3})\b")
_ONCE_TAKEN = {Meaning.NO_FIELD: Meaning.REFUSED, Meaning.NO_VECTORS: Meaning.LOST}


def meaning_of(error: PlaygroundError, *, succeeded: bool) -> Meaning:
    """What *error*, which a request ended with, is a sign of. *succeeded*: whether the endpoint took another one."""
    meaning = _first_meaning(error)
    return _ONCE_TAKEN.get(meaning, meaning) if succeeded else meaning


def _first_meaning(error: PlaygroundError) -> Meaning:
    status = error.raw.status if error.raw is not None else None
    if isinstance(error, TooManyRequests) or status == _UNAVAILABLE:
        return Meaning.WAIT
    if isinstance(error, _ENDING) or (isinstance(error, EndpointFailed) and status in _GATEWAY_REFUSED):
        return Meaning.END
    if isinstance(error, Rejected | BadInput):
        return _of_refusal(error, status)
    return Meaning.NO_VECTORS if isinstance(error, NotForEmbeddings) else Meaning.LOST


def _of_refusal(error: PlaygroundError, status: int | None) -> Meaning:
    said = error.raw.body if error.raw is not None else ""
    if _FIELD.search(said):
        return Meaning.NO_FIELD
    if _MANY.search(said) and not _LENGTH.search(said):
        return Meaning.TOO_MANY
    if status == _CONTENT_TOO_LARGE or _LENGTH.search(said):
        return Meaning.TOO_MUCH
    return Meaning.REFUSED


def named_in(error: PlaygroundError, count: int) -> int | None:
    """The place of the one text that a refusal names, as “input.3” or “input[3]” does; None where it names none, or several."""
    said = error.raw.body if error.raw is not None else ""
    places = {int(place) for place in _PLACE.findall(said)}
    place = places.pop() if len(places) == 1 else count
    return place if place < count else None


def alike(error: PlaygroundError) -> str:
    """The same for two refusals of the same kind, whichever text they name."""
    return re.sub(r"\d+", "", error.message)[:200]


def refused_alone(error: PlaygroundError) -> PlaygroundError:
    """The failure of the one text that was refused."""
    hint = "Change that text, or take it out; then embed again. The other texts are not concerned."
    return Rejected(error.message, hint, side=error.side, raw=error.raw)


def refused_together(error: PlaygroundError) -> PlaygroundError:
    """The failure of each text of a request that was refused, where halving it was given up."""
    hint = (
        "Many texts before were refused alone in the same way, so this one was not asked for on its own. Take those out that "
        "the endpoint does not take; then embed again."
    )
    return Rejected(error.message, hint, side=error.side, raw=error.raw)


def ending(error: PlaygroundError, kept: str) -> PlaygroundError:
    """The error with which everything ends, of the same kind. *kept* tells what is not lost."""
    kind = PlaygroundError if isinstance(error, TransformFailed) else type(error)
    hint = f"{error.hint.replace('Nothing was retried for you.', '').strip()} {kept}".strip()
    return kind(error.message, hint, side=error.side, raw=error.raw, retry_after=error.retry_after)
