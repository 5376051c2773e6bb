"""One request: texts out, one vector for each back."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from services.call import Call
from services.embeddings.asking.bodies import body_of
from services.embeddings.asking.reply_vectors import Found, NotForEmbeddings, tokens_in, vectors_in
from services.embeddings.records import Asking, Purpose
from services.errors import Side
from services.invocation.request import invocation_path
from services.refusals import failure_in, refused_in_stream
from services.replies import EventStream
from services.sandbox import Status
from services.transforms import RETURNED_NONE, Hooks, TransformFailed
from services.wire_body import MAX_CUSTOM_BODY, encoded
from services.workspace import Workspace

_BUSY_TRIES = 20
_BUSY_SECONDS = 0.5


class Cancel:
    """Ends an embedding, with its requests under way. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._calls: set[Call] = set()

    @property
    def cancelled(self) -> bool:
        """Whether cancel() was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """End it now. A second time does nothing."""
        with self._lock:
            self._event.set()
        self.end_calls()

    def end_calls(self) -> None:
        """End what is under way, without being cancelled."""
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    def wait(self, seconds: float) -> bool:
        """Return after *seconds*, or when it is cancelled, which is what it says."""
        return self._event.wait(seconds)

    def begin(self) -> Call:
        """A call that ends with it."""
        call = Call()
        with self._lock:
            self._calls.add(call)
            late = self._event.is_set()
        if late:
            call.cancel()
        return call

    def end(self, call: Call) -> None:
        """It is over."""
        call.ends()
        with self._lock:
            self._calls.discard(call)


class Sender:
    """Asks one endpoint for vectors. From any thread."""

    def __init__(
        self, workspace: Workspace, asking: Asking, purpose: Purpose, hooks: Callable[[], Hooks] | None, cancel: Cancel
    ) -> None:
        self._workspace = workspace
        self._asking = asking
        self._purpose = purpose
        self._hooks = hooks
        self._cancel = cancel
        self._path = invocation_path(asking.endpoint)

    def ask(self, texts: Sequence[str], call: Call) -> tuple[list[Found], int]:
        """What came for each text, and the tokens that were counted. Sends once, or nothing.

        Raises PlaygroundError where none of the texts has anything, and CallCancelled.
        """
        name = self._asking.endpoint
        body = body_of(self._asking, self._purpose, texts)
        hooks = self._hooks() if self._hooks is not None else None
        if hooks is not None:
            body = self._patiently(hooks.shape_request, body)
        content = encoded(body, most=MAX_CUSTOM_BODY, shorter="Make the text shorter, or what the transform adds.")
        reply = self._workspace.invoke(self._path, content, call, name=name)
        if isinstance(reply, EventStream):
            call.cancel()  # nobody reads it to its end
            raise NotForEmbeddings(
                f"{name} is not an endpoint for embeddings: it answers with a stream.",
                "Choose an endpoint whose task is llm/v1/embeddings.",
            )
        if failure_in(reply.body):
            raise refused_in_stream(name, reply.body)
        return self._vectors(reply.body, hooks, len(texts)), tokens_in(reply.body)

    def _vectors(self, body: dict[str, Any], hooks: Hooks | None, count: int) -> list[Found]:
        name = self._asking.endpoint
        if hooks is None:
            return vectors_in(body, count, name)
        shaped = self._patiently(hooks.shape_reply, body)
        try:
            return vectors_in(shaped, count, name)
        except NotForEmbeddings as unfit:
            if hooks.trace.output is None:
                raise
            said = RETURNED_NONE if shaped is None else "What transform_output made of the reply has no vectors."
            hint = "Let it return a list with one list of numbers for each text; the Transforms page has a dry run."
            raise NotForEmbeddings(said, hint, side=Side.TRANSFORM) from unfit

    def _patiently(self, shape: Callable[[Any], Any], value: Any) -> Any:
        """Shape it; several requests at once want more runs than one person has in the sandbox."""
        for _ in range(_BUSY_TRIES):
            try:
                return shape(value)
            except TransformFailed as failed:
                if failed.run.result.status is not Status.BUSY or self._cancel.wait(_BUSY_SECONDS):
                    raise
        return shape(value)
