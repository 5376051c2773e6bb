"""A model behind the driver proxy: an HTTP app as it runs on the driver of a Databricks cluster.

    pip install starlette uvicorn requests
    export DATABRICKS_HOST=... DATABRICKS_TOKEN=...
    python driver_app.py --host 0.0.0.0 --port 7777

On a driver it must listen on 0.0.0.0, since the proxy comes from outside to the driver's address, and on a port from 3000 to
8000. Then, with CAN ATTACH TO on the cluster:

    curl -H "Authorization: Bearer $DATABRICKS_TOKEN" -H "Content-Type: application/json" \\
         $DATABRICKS_HOST/driver-proxy-api/o/0/<cluster_id>/7777 -d '{"prompt": "Bricks are", "stop": ["."]}'

What goes in and out is what LangChain's `Databricks` LLM expects: an object with `prompt` and maybe `stop`, and a JSON string.
The proxy has taken the caller's token off already, and lets in only those whom the cluster lets in.

This app has its text written by a serving endpoint. Put your own model into `generate` and keep the rest.
"""

import argparse
import asyncio
import json
import os
import socket
from dataclasses import dataclass
from typing import Any

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

HOST = os.environ.get("DATABRICKS_HOST", "").rstrip("/")
TOKEN = os.environ.get("DATABRICKS_TOKEN", "")
ENDPOINT = os.environ.get("DRIVER_APP_ENDPOINT", "local-smollm2-135m-instruct")
MAX_BODY_BYTES = 1024 * 1024
MAX_PROMPT_CHARACTERS = 20_000
MAX_STOPS = 16
MAX_TOKENS = 128
SAMPLING = {"temperature": (int | float, 0, 2), "max_tokens": (int, 1, 1024)}  # kind, lowest, highest
MAX_AT_ONCE = 8  # generations; further callers wait up to QUEUE_SECONDS, then get 503
QUEUE_SECONDS = 60.0
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Question:
    """What a caller asks: text to answer, texts at which to stop, and how to sample where the caller says so."""

    prompt: str
    stop: list[str]
    sampling: dict[str, float]


def parse(body: bytes) -> Question:
    """The question in a request's body. Raises HTTPException (400) with a sentence about what is wrong."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is not valid JSON.") from error
    if not isinstance(given, dict):
        raise HTTPException(400, "The body must be a JSON object with a prompt.")
    if unknown := given.keys() - {"prompt", "stop", *SAMPLING}:
        raise HTTPException(400, f"Unknown key '{min(unknown)[:80]}'; there are prompt, stop, {', '.join(SAMPLING)}.")
    prompt, stop = given.get("prompt"), given.get("stop")
    if not isinstance(prompt, str) or not prompt:
        raise HTTPException(400, "The key 'prompt' must be there, as a string that is not empty.")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise HTTPException(400, f"The prompt is longer than {MAX_PROMPT_CHARACTERS} characters.")
    return Question(prompt, _stops(stop), {name: _number(given, name) for name in SAMPLING if name in given})


def _number(given: dict[str, Any], name: str) -> float:
    kind, lowest, highest = SAMPLING[name]
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, kind) or not lowest <= value <= highest:
        raise HTTPException(400, f"The key '{name}' must be a number from {lowest} to {highest}.")
    return value


def _stops(stop: Any) -> list[str]:
    stop = [] if stop is None else stop  # LangChain's input may carry a null
    if not isinstance(stop, list) or not all(isinstance(text, str) and text for text in stop):
        raise HTTPException(400, "The key 'stop' must be a list of strings that are not empty.")
    if len(stop) > MAX_STOPS:
        raise HTTPException(400, f"The key 'stop' may have {MAX_STOPS} texts at most.")
    return stop


def cut(text: str, stops: list[str]) -> str:
    """`text` up to the first of `stops` in it, without that.

    On texts, not on tokens: a stop text may be tokenised in another way where it stands. And on what was generated only: a
    prompt may well contain it.
    """
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(ends, default=len(text))]


def generate(question: Question) -> str:
    """What the model answers to the prompt. Raises HTTPException when the endpoint cannot answer."""
    # As a chat: an instruction model has nothing to add to a prompt that ends, such as a question.
    said = [{"role": "user", "content": question.prompt}]
    wanted = {"model": ENDPOINT, "messages": said, "max_tokens": MAX_TOKENS, "stop": question.stop} | question.sampling
    headers = {"authorization": f"Bearer {TOKEN}"}
    try:
        reply = requests.post(
            f"{HOST}/serving-endpoints/chat/completions", json=wanted, headers=headers, timeout=ANSWER_SECONDS
        )
        completion = reply.json()
    except requests.RequestException as error:
        raise HTTPException(502, f"The endpoint {ENDPOINT} did not answer: {error}") from error
    if not reply.ok:
        # Too many requests and not ready yet are worth another try, and the caller should know.
        status = reply.status_code if reply.status_code in {429, 503} else 502
        raise HTTPException(
            status, f"The endpoint {ENDPOINT} answered {reply.status_code}: {completion.get('message')}"
        )
    return cut(completion["choices"][0]["message"]["content"], question.stop)


class App:
    """The routes, and how many questions are answered at once."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MAX_AT_ONCE)

    async def answer(self, request: Request) -> JSONResponse:
        """`POST /`: a JSON string."""
        question = parse(await _body(request))
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise HTTPException(503, "Too many questions at once; ask again in a moment.") from error
        try:
            return JSONResponse(await asyncio.to_thread(generate, question))
        finally:
            self._free.release()

    async def health(self, _: Request) -> JSONResponse:
        """`GET /health`: whether the app is there, and what it answers with."""
        return JSONResponse({"status": "ok", "endpoint": ENDPOINT})


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return body


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    """Every refusal is JSON: the caller may be a program that reads nothing else."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fail(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": "The app failed; its log on the driver says where."}, 500)


def make_app() -> Starlette:
    """The app, for any ASGI server."""
    app = App()
    routes = [Route("/", app.answer, methods=["POST"]), Route("/health", app.health)]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refuse, Exception: _fail})


def serve(listener: socket.socket) -> None:
    """Serve on a listening socket until the process is told to end."""
    config = uvicorn.Config(make_app(), access_log=False, log_level="warning", ws="none", lifespan="off")
    uvicorn.Server(config).run([listener])


def main() -> None:
    """Serve on the address and port of the command line."""
    parser = argparse.ArgumentParser(description="A model behind the driver proxy.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; on a cluster's driver: 0.0.0.0")
    parser.add_argument("--port", type=int, default=7777, help="port, from 3000 to 8000 (default 7777)")
    arguments = parser.parse_args()
    serve(socket.create_server((arguments.host, arguments.port)))


if __name__ == "__main__":
    main()
