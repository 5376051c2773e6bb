"""What leaves: one request's body in each form, which texts can be in one, and how texts are divided into requests. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.embeddings.limits import check_text
from services.embeddings.records import MAX_BATCH, Asking, BodyForm, Purpose
from services.errors import BadInput, PlaygroundError

MOST_AT_ONCE = 16
BATCH_BYTES = 1_000_000
"""Of the texts of one request, in UTF-8: far below the platform's 4 and 16 MB, so that escapes and a transform have room."""
_ENVELOPE = 24
"""Bytes that a text's quotes, brackets and column name may take beside it."""
_CUSTOM = {BodyForm.DATAFRAME_SPLIT, BodyForm.DATAFRAME_RECORDS, BodyForm.INPUTS, BodyForm.INSTANCES}


def params_of(asking: Asking, purpose: Purpose) -> Mapping[str, Any]:
    """What is sent beside the texts."""
    return asking.query_params if purpose is Purpose.QUERY else asking.document_params


def body_of(asking: Asking, purpose: Purpose, texts: Sequence[str]) -> dict[str, Any]:
    """The request's body, before any transform."""
    body = dict(params_of(asking, purpose))
    if asking.dimensions is not None:
        # A custom model takes no field of its own beside its rows: what is not data goes into MLflow's params.
        if asking.form in _CUSTOM:
            body["params"] = {**body.get("params", {}), "dimensions": asking.dimensions}
        else:
            body["dimensions"] = asking.dimensions
    body[asking.form.value] = _texts_in(asking.form, asking.column, texts)
    return body


def _texts_in(form: BodyForm, column: str, texts: Sequence[str]) -> Any:
    if form is BodyForm.DATAFRAME_SPLIT:
        return {"columns": [column], "data": [[text] for text in texts]}
    if form is BodyForm.DATAFRAME_RECORDS or (form is BodyForm.INSTANCES and column):
        return [{column: text} for text in texts]
    if form is BodyForm.INPUTS and column:
        return {column: list(texts)}
    return list(texts)


def check_asking(asking: Asking) -> None:
    """Raise BadInput for what can never be sent."""
    if not asking.endpoint:
        raise BadInput("No endpoint is chosen.", "Choose one in the list.")
    if not 1 <= asking.batch <= MAX_BATCH:
        raise BadInput(f"{asking.batch} texts in one request cannot be.", f"Choose 1 to {MAX_BATCH}.")
    if not 1 <= asking.at_once <= MOST_AT_ONCE:
        raise BadInput(f"{asking.at_once} requests at once cannot be.", f"Choose 1 to {MOST_AT_ONCE}.")
    if asking.dimensions is not None and asking.dimensions < 1:
        raise BadInput(f"There is no vector of {asking.dimensions} dimensions.", "Ask for 1 or more, or leave it out.")
    if asking.form in (BodyForm.DATAFRAME_SPLIT, BodyForm.DATAFRAME_RECORDS) and not asking.column:
        raise BadInput(f"{asking.form.value} needs the name of the model's column.", "Say what its column is called.")
    for purpose in Purpose:
        _check_params(asking, params_of(asking, purpose))


def _check_params(asking: Asking, params: Mapping[str, Any]) -> None:
    for name in (asking.form.value, *(["dimensions"] if asking.dimensions is not None else [])):
        if name in params:
            raise BadInput(f"The parameters hold “{name}”, which has a place of its own.", "Take it out of them.")
    inner = params.get("params", {})
    if asking.dimensions is not None and asking.form in _CUSTOM:
        if not isinstance(inner, dict):
            raise BadInput("“params” is no JSON object.", "Make it one, or take the dimensions out.")
        if "dimensions" in inner:
            raise BadInput("“params” holds “dimensions”, which has a place of its own.", "Take it out of one of them.")


def why_not_sendable(text: str) -> PlaygroundError | None:
    """Why this text is not sent at all; None where it can be."""
    if not text.strip():
        return BadInput("An empty text has no embedding.", "Take it out, or write what belongs there. It was not sent.")
    try:
        check_text(text, "The text")
    except BadInput as unfit:
        return unfit
    return None


def divided(texts: Iterable[str], batch: int) -> Iterator[list[str]]:
    """The texts in requests, the shortest first: texts of like length together, for which a model pads the least.

    Shortest first also has what is too long for a model stand together at the end, where it can be told from a request that is
    wrong as a whole.
    """
    held: list[str] = []
    size = 0
    for text in sorted(texts, key=len):
        more = weight(text)
        if held and (len(held) >= batch or size + more > BATCH_BYTES):
            yield held
            held, size = [], 0
        held.append(text)
        size += more
    if held:
        yield held


def weight(text: str) -> int:
    """Bytes of a request that it takes."""
    return (len(text) if text.isascii() else len(text.encode())) + _ENVELOPE
