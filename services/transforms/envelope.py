"""What a transform is given of a body, and what the endpoint gets. Pure.

LangChain's ``Databricks`` gave a transform one record, ``{"prompt": ..., "stop": ...}``, and wrapped what came back into
``dataframe_records`` itself, so that no transform could ask for another form; and it gave ``transform_output`` the first
prediction. Everywhere else a transform is given the whole body, and the whole reply.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

RECORDS = "dataframe_records"
SPLIT = "dataframe_split"
_BODIES = frozenset({RECORDS, SPLIT, "inputs", "instances", "messages", "input"})
"""Keys that a body has, and a record hardly."""


class Envelope(StrEnum):
    """What stands around the value that a transform is given."""

    BODY = "the whole body"
    RECORD = "one record"
    """Of ``dataframe_records``; the reply is the first of its ``predictions``."""

    def body_of(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The body that a *sample* of a person's stands for: where one record is meant, it may be typed alone.

        A ``dataframe_split`` of one row becomes that record, too.
        """
        if self is Envelope.BODY:
            return sample
        split = sample.get(SPLIT)
        if isinstance(split, dict):
            row = _only_row(split)
            rest = {name: value for name, value in sample.items() if name != SPLIT}
            return sample if row is None else {RECORDS: [row], **rest}
        return sample if sample.keys() & _BODIES else {RECORDS: [sample]}

    def open(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The request that ``transform_input`` is given. A body that has not exactly one record is given whole."""
        records = body.get(RECORDS)
        if self is Envelope.RECORD and isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict):
            return dict(records[0])
        return dict(body)

    def close(self, body: Mapping[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        """The body that is sent, when *request* came out of ``open(body)``. What stood beside the record stays."""
        if self is Envelope.RECORD and self.open(body) != dict(body):
            return {**body, RECORDS: [request]}
        return request

    def open_reply(self, reply: Any) -> Any:
        """The response that ``transform_output`` is given."""
        if self is Envelope.RECORD and isinstance(reply, dict) and "predictions" in reply:
            predictions = reply["predictions"]
            return predictions[0] if isinstance(predictions, list) and predictions else predictions
        return reply


def _only_row(split: Mapping[str, Any]) -> dict[str, Any] | None:
    columns, data = split.get("columns"), split.get("data")
    row = data[0] if isinstance(data, list) and len(data) == 1 else None
    if not isinstance(columns, list) or not isinstance(row, list) or len(row) != len(columns):
        return None
    return {str(name): value for name, value in zip(columns, row, strict=True)}
