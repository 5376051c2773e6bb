"""What a transform is given of a body, and what the endpoint gets. Pure.

LangChain's ``Databricks`` gave a transform one record, ``{"prompt": ..., "stop": ...}``, and wrapped what came back into
``dataframe_records`` itself, so that no transform could ask for another form; and it gave ``transform_output`` the first
prediction. Everywhere else a transform is given the whole body, and the whole reply.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

RECORDS = "dataframe_records"


class Envelope(StrEnum):
    """What stands around the value that a transform is given."""

    BODY = "the whole body"
    RECORD = "one record"
    """Of ``dataframe_records``; the reply is the first of its ``predictions``."""

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
