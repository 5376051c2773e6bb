"""One loaded MLflow model, and how it is asked: MLflow's own scoring code, with streaming and the platform's statuses."""

import json
import logging
import traceback
from collections.abc import Iterator
from io import StringIO
from typing import Any, NamedTuple

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import load_model
from mlflow.pyfunc import scoring_server as untyped_scoring_server

from local_workspace.refusals import RefusalError, error_event

log = logging.getLogger(__name__)

scoring_server: Any = untyped_scoring_server

DONE = b"data: [DONE]\n\n"
JSON = "application/json"
# The sentence of MLflow's scoring server, for what that server lets through: errors before and after the model's own code.
UNEXPECTED = "Encountered an unexpected error while evaluating the model."


class Scored(NamedTuple):
    """A reply: JSON text and its HTTP status."""

    body: str
    status: int


class Scoring:
    """The model in a folder. Making one raises whatever loading the model raises."""

    def __init__(self, path: str) -> None:
        self._model = load_model(path)
        metadata: Any = self._model.metadata
        self._input_schema = metadata.get_input_schema()

    def wants_stream(self, body: bytes, content_type: str) -> bool:
        """Whether the body is a JSON object with `"stream": true`, which is how a stream is asked for."""
        if not content_type.startswith(JSON) or b'"stream"' not in body:
            return False
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):  # `answer` says what is wrong with it
            return False
        return isinstance(asked, dict) and asked.get("stream") is True

    def answer(self, body: bytes, content_type: str) -> Scored:
        """The model's predictions, or the error."""
        try:
            reply = scoring_server.invocations(body, content_type, self._model, self._input_schema)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a model may raise anything; `failed` logs it
            return self.failed(error)
        if reply.mimetype != JSON:  # MLflow refuses content types in plain text, the platform everything in JSON
            return Scored(json.dumps({"error_code": "BAD_REQUEST", "message": reply.response}), reply.status)
        return Scored(reply.response, reply.status)

    def events(self, body: bytes) -> Iterator[bytes]:
        """What the model's `predict_stream` yields, as server-sent events up to `[DONE]`. Raises what the model raises."""
        asked = scoring_server._parse_json_data(body, self._model.metadata, self._input_schema)
        for chunk in self._model.predict_stream(asked.data, params=asked.params):
            text = StringIO()
            if asked.is_unified_llm_input:
                scoring_server.unwrapped_predictions_to_json(chunk, text)
            else:
                scoring_server.predictions_to_json(chunk, text)
            yield f"data: {text.getvalue()}\n\n".encode()
        yield DONE

    def failed(self, error: BaseException) -> Scored:
        """MLflow's reply to an error. What goes wrong in a model is the model's: 5xx stays for faults of the platform."""
        told: Any = error
        if isinstance(error, MlflowException):
            # What the model's own code raised is only in the trace that MLflow put into its own error.
            log.warning("A call failed: %s\n%s", str(error)[:1000], error.json_kwargs.get("stack_trace", ""))
        else:
            log.error("A call failed.", exc_info=error)
            trace = "".join(traceback.format_exception(error))
            told = MlflowException(UNEXPECTED, BAD_REQUEST, stack_trace=trace)
        status, body = int(told.get_http_status_code()), json.loads(told.serialize_as_json())
        if raised := _raised_by_the_model(error):
            # A model's exception may have a `__str__` that fails.
            said = traceback.TracebackException(type(raised), raised, None)
            body["message"] += f" Error '{str(said)[:1000]}'"
        if status >= 500:
            status, body = 400, body | {"error_code": "BAD_REQUEST"}
        return Scored(json.dumps(body), status)

    def failed_event(self, error: BaseException) -> bytes:
        """The same as a stream's last event."""
        scored = self.failed(error)
        body = json.loads(scored.body)
        return error_event(RefusalError(scored.status, body["error_code"], body["message"]))


def _raised_by_the_model(error: BaseException) -> BaseException | None:
    """What MLflow's sentence does not say, and Databricks' does: clients that show only a message would show no reason.

    The wording is one report's: github.com/databricks-industry-solutions/fraud-orchestration/issues/2.
    """
    if not isinstance(error, MlflowException):
        return error
    return error.__context__ if "stack_trace" in error.json_kwargs else None
