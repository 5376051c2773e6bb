"""The process of one served entity: a registered MLflow model, called through MLflow's own scoring code.

Run by `served_model`. Each call runs in a thread of its own, and has an id under which the workspace can give it up: that
is answered when the thread has ended, which a model that hangs never does.
"""

import asyncio
import json
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from local_workspace.custom_models.scoring import Scoring
from local_workspace.workers.child import serve

NOT_FOUND = 404


def make_app(order: dict[str, Any]) -> ASGIApp:
    """The app that serves the model in the folder `order["path"]`, `order["slots"]` calls at a time."""
    # Before MLflow is imported: models and MLflow itself behave a little differently when they serve.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
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
    """One call: the thread that works on it, and whether anyone still wants its answer."""

    def __init__(self) -> None:
        self.given_up = False
        self.work: Future[Any] | None = None


class Calls:
    """The calls that run now, by id."""

    def __init__(self, scoring: Scoring, slots: int) -> None:
        self._scoring = scoring
        self._threads = ThreadPoolExecutor(slots, "invocation")
        self._running: dict[str, Call] = {}

    async def answer(self, request: Request) -> Response:
        """The model's reply to the body, or MLflow's error."""
        body, content_type = await request.body(), request.headers.get("content-type", "")
        name, call = request.path_params["call"], Call()
        self._running[name] = call
        if self._scoring.wants_stream(body, content_type):
            return await self._stream(name, call, body)
        call.work = self._submit(name, lambda: self._scoring.answer(body, content_type))
        scored = await asyncio.wrap_future(call.work)
        return Response(scored.body, scored.status, media_type="application/json")

    async def _stream(self, name: str, call: Call, body: bytes) -> Response:
        """Chunks come from one thread: a generator must not wander, since MLflow sets context variables around it."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=8)

        def pump() -> None:
            try:
                for chunk in self._scoring.chunks(body):
                    if call.given_up:
                        return
                    asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
            finally:
                asyncio.run_coroutine_threadsafe(chunks.put(None), loop).result()

        call.work = self._submit(name, pump)
        first = await chunks.get()
        if first is None:
            problem = self._scoring.failure(await asyncio.wrap_future(_outcome(call.work)))
            return Response(problem.body, problem.status, media_type="application/json")
        return StreamingResponse(self._events(call, first, chunks), media_type="text/event-stream")
