"""One loaded MLflow model, and how it is asked: MLflow's scoring code, with the platform's statuses and streaming."""

import json
import logging
import traceback
from collections.abc import Iterator
from io import StringIO
from typing import Any, NamedTuple

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import load_model, scoring_server

log = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"
JSON = "application/json"
UNEXPECTED = "Encountered an unexpected error while evaluating the model."


class Scored(NamedTuple):
    """A reply: JSON text and its HTTP status."""

    body: str
    status: int


class Scoring:
    """The model in a folder. Raises whatever loading it raises."""

    def __init__(self, path: str) -> None:
        self._model = load_model(path)
        self._input_schema = self._model.metadata.get_input_schema()

    def wants_stream(self, body: bytes, content_type: str) -> bool:
        """Whether the body is a JSON object with `"stream": true`, which is how a stream is asked for."""
        if not content_type.startswith(JSON) or b'"stream"' not in body:
            return False
        try:
            asked = json.loads(body)
        except ValueError:  # MLflow says what is wrong with it
            return False
        return isinstance(asked, dict) and asked.get("stream") is True

    def answer(self, body: bytes, content_type: str) -> Scored:
        """The model's predictions, or the error."""
        try:
            reply = scoring_server.invocations(body, content_type, self._model, self._input_schema)
        except (Exception, SystemExit) as error:  # a model may raise anything, and call sys.exit
            return failure(error)
        if reply.mimetype != JSON:  # MLflow refuses content types in plain text, the platform everything in JSON
            return Scored(json.dumps({"error_code": "BAD_REQUEST", "message": reply.response}), reply.status)
        return Scored(reply.response, reply.status)

    def events(self, body: bytes) -> Iterator[bytes]:
        """The chunks of the model's `predict_stream` as server-sent events, up to `[DONE]`. Raises what the model raises."""
        asked = scoring_server._parse_json_data(body, self._model.metadata, self._input_schema)
        for chunk in self._model.predict_stream(asked.data, params=asked.params):
            yield _event(chunk, wrapped=not asked.is_unified_llm_input)
        yield DONE


def failure(error: BaseException) -> Scored:
    """MLflow's body for an error. Whatever goes wrong in a model is the model's: 5xx is for faults of the platform."""
    if not isinstance(error, MlflowException):
        log.error("The model failed.", exc_info=error)
        trace = "".join(traceback.format_exception(error))
        error = MlflowException(UNEXPECTED, BAD_REQUEST, stack_trace=trace)
    status = error.get_http_status_code()
    if status < 500:
        return Scored(error.serialize_as_json(), status)
    body = json.loads(error.serialize_as_json()) | {"error_code": "BAD_REQUEST"}
    return Scored(json.dumps(body), 400)


def _event(chunk: Any, *, wrapped: bool) -> bytes:
    text = StringIO()
    write = scoring_server.predictions_to_json if wrapped else scoring_server.unwrapped_predictions_to_json
    write(chunk, text)
    return f"data: {text.getvalue()}\n\n".encode()
