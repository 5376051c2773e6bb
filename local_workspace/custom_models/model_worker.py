"""The process of one served entity: a registered MLflow model and its calls, each in a thread of its own.

Run by `served_model`. A call has an id under which the workspace can give it up. That is answered once the call's thread
has ended, which the thread of a model that hangs never does.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from local_workspace.workers.child import serve

if TYPE_CHECKING:
    from local_workspace.custom_models.scoring import Scored, Scoring

QUEUED_EVENTS = 8


def make_app(order: dict[str, Any]) -> ASGIApp:
    """The app that serves the model in the folder `order["path"]`, `order["slots"]` calls at a time.

    `order["environment"]` are the endpoint's variables. They are set here and not at the start of the process: whoever may
    create an endpoint would otherwise run code of their own, since PYTHONWARNINGS, LD_PRELOAD and others steer a start.
    """
    os.environ.update(order["environment"])
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # where it listens is of no interest
    # Before MLflow is imported: as its own scoring server does, for what behaves differently there.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    from local_workspace.custom_models.scoring import Scoring

    calls = Calls(Scoring(order["path"]), order["slots"])
    return Starlette(
        routes=[
            Route("/ping", _ping),
            Route("/invocations/{call}", calls.answer, methods=["POST"]),
            Route("/invocations/{call}", calls.give_up, methods=["DELETE"]),
        ]
    )


async def _ping(_: Request) -> Response:
    return Response()


class Call:
    """One call: the work of its thread, and the events of a stream that are still to be sent; None is the last."""

    def __init__(self) -> None:
        self.given_up = False
        self.work: Future[Any] = Future()
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_EVENTS)

    def give_up(self) -> None:
        """Nobody wants the answer: a stream ends at its next event."""
        self.given_up = True
        while not self.events.empty():  # its thread may be waiting for room
            self.events.get_nowait()

    async def ended(self) -> BaseException | None:
        """Wait until the thread is done; what it raised, if anything."""
        work = asyncio.wrap_future(self.work)
        await asyncio.wait([work])
        return work.exception()


class Calls:
    """The calls that run now, by id."""

    def __init__(self, scoring: "Scoring", slots: int) -> None:
        self._scoring = scoring
        self._threads = ThreadPoolExecutor(slots, "invocation")
        self._running: dict[str, Call] = {}

    async def answer(self, request: Request) -> Response:
        """The model's reply to the body, or MLflow's error."""
        body, content_type = await request.body(), request.headers.get("content-type", "")
        call = Call()
        if self._scoring.wants_stream(body, content_type):
            self._begin(request, call, _pump(self._scoring, body, call))
            return await self._stream(call)
        self._begin(request, call, lambda: self._scoring.answer(body, content_type))
        await call.ended()
        return _whole(call.work.result())

    async def give_up(self, request: Request) -> Response:
        """Answered when the call is over."""
        if call := self._running.get(request.path_params["call"]):
            call.give_up()
            await call.ended()
        return Response()

    def _begin(self, request: Request, call: Call, work: Callable[[], Any]) -> None:
        name, loop = request.path_params["call"], asyncio.get_running_loop()
        self._running[name] = call
        call.work = self._threads.submit(work)
        call.work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._running.pop, name))

    async def _stream(self, call: Call) -> Response:
        """What fails before the first event is an error as any other, with its status."""
        first = await call.events.get()
        if first is None:
            error = await call.ended()
            return _whole(self._scoring.failed(error or RuntimeError("The stream ended before it began.")))
        return StreamingResponse(self._events(call, first), media_type="text/event-stream")

    async def _events(self, call: Call, first: bytes) -> AsyncGenerator[bytes, None]:
        event: bytes | None = first
        try:
            while event is not None:
                yield event
                event = await call.events.get()
            if error := await call.ended():
                yield self._scoring.failed_event(error)
        finally:
            call.give_up()


def _pump(scoring: "Scoring", body: bytes, call: Call) -> Callable[[], None]:
    """The work of a stream. One thread takes every event: MLflow sets context variables around the model's generator."""
    loop = asyncio.get_running_loop()

    def put(event: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(call.events.put(event), loop).result()

    def pump() -> None:
        try:
            for event in scoring.events(body):
                if call.given_up:
                    return
                put(event)
        finally:
            put(None)

    return pump


def _whole(scored: "Scored") -> Response:
    return Response(scored.body, scored.status, media_type="application/json")


if __name__ == "__main__":
    serve(make_app)
