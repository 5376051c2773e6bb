"""A model behind the driver proxy: an HTTP app as it runs on the driver of a Databricks cluster.

This app has its text written by a serving endpoint, which it asks as the one whose DATABRICKS_HOST and DATABRICKS_TOKEN are in
its environment. Put your own model into `generate` and keep the rest.

In a notebook on that cluster, so that the cell ends and the app goes on (`app.terminate()` ends it):

    %pip install fastapi uvicorn requests

    import subprocess, sys
    app = subprocess.Popen([sys.executable, "driver_app.py", "--host", "0.0.0.0", "--port", "7777"])

It must listen on 0.0.0.0, since the proxy comes from outside to the driver's address, and on a port from 3000 to 8000. Then,
with CAN ATTACH TO on the cluster:

    curl -H "Authorization: Bearer $DATABRICKS_TOKEN" -H "Content-Type: application/json" \\
         $DATABRICKS_HOST/driver-proxy-api/o/0/<cluster_id>/7777 -d '{"prompt": "Bricks are", "stop": ["."]}'

What goes in and out is what LangChain's `Databricks` LLM expects: an object with `prompt` and maybe `stop`, and a JSON string.
The proxy has taken the caller's token off already, and lets in only those whom the cluster lets in. Who reaches the driver's
address in its network without the proxy is asked for nothing: that is for the network's rules to prevent.
"""

import argparse
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

HOST = os.environ.get("DATABRICKS_HOST", "").rstrip("/")
TOKEN = os.environ.get("DATABRICKS_TOKEN", "")
ENDPOINT = os.environ.get("DRIVER_APP_ENDPOINT", "local-smollm2-135m-instruct")
ANSWER_SECONDS = 120.0
MAX_BODY_BYTES = 1024 * 1024
MAX_PROMPT_CHARACTERS = 20_000
MAX_STOPS = 16
MAX_TOKENS = 128
SAMPLING = {"temperature": (int | float, 0, 2), "max_tokens": (int, 1, 1024)}  # kind, lowest, highest
MAX_WAITING = 24  # beside those that are being answered; more get 503 at once
QUEUE_SECONDS = 60.0  # those that wait longer get 503 too
MAX_AT_ONCE = 8


class Refused(Exception):
    """A question that is not answered: the status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Question:
    """What a caller asks: text to answer, texts at which to stop, and how to sample where the caller says so."""

    prompt: str
    stop: list[str]
    sampling: dict[str, float]


def parse(body: bytes) -> Question:
    """The question in a request's body. Raises Refused (400) with a sentence about what is wrong."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not valid JSON.") from error
    if not isinstance(given, dict):
        raise Refused(400, "The body must be a JSON object with a prompt.")
    if unknown := given.keys() - {"prompt", "stop", *SAMPLING}:
        raise Refused(400, f"Unknown key '{min(unknown)[:80]}'; there are prompt, stop, {', '.join(SAMPLING)}.")
    sampling = {name: _number(given, name) for name in SAMPLING if name in given}
    return Question(_prompt(given.get("prompt")), _stops(given.get("stop")), sampling)


def _prompt(prompt: Any) -> str:
    if not isinstance(prompt, str) or not prompt:
        raise Refused(400, "The key 'prompt' must be there, as a string that is not empty.")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise Refused(400, f"The prompt is longer than {MAX_PROMPT_CHARACTERS} characters.")
    if not _is_whole(prompt):
        raise Refused(400, "The prompt has half of a character in it, a lone surrogate.")
    return prompt


def _stops(stop: Any) -> list[str]:
    stop = [] if stop is None else stop  # LangChain's input may carry a null
    if not isinstance(stop, list) or not all(isinstance(text, str) and text and _is_whole(text) for text in stop):
        raise Refused(400, "The key 'stop' must be a list of strings that are not empty.")
    if len(stop) > MAX_STOPS:
        raise Refused(400, f"The key 'stop' may have {MAX_STOPS} texts at most.")
    return stop


def _number(given: dict[str, Any], name: str) -> float:
    kind, lowest, highest = SAMPLING[name]
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, kind) or not lowest <= value <= highest:
        raise Refused(400, f"The key '{name}' must be a number from {lowest} to {highest}.")
    return value


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def cut(text: str, stops: list[str]) -> str:
    """`text` up to the first of `stops` in it, without that.

    On texts, not on tokens: a stop text may be tokenised in another way where it stands. And on what was generated only: a
    prompt may well contain it.
    """
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(ends, default=len(text))]


def generate(question: Question) -> str:
    """What the model answers to the prompt. Raises Refused when the endpoint cannot answer."""
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
        raise Refused(502, f"The endpoint {ENDPOINT} did not answer: {error}") from error
    if not reply.ok:
        # Too many requests and not ready yet are worth another try, and the caller should know.
        status = reply.status_code if reply.status_code in {429, 503} else 502
        message = completion.get("message") if isinstance(completion, dict) else completion
        raise Refused(status, f"The endpoint {ENDPOINT} answered {reply.status_code}: {message}")
    try:
        text = completion["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise Refused(502, f"The endpoint {ENDPOINT} answered without a text.")
    return text


class Door:
    """Lets MAX_AT_ONCE questions in at once; MAX_WAITING more may wait, and the rest is turned away."""

    def __init__(self) -> None:
        self._inside = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._here = threading.BoundedSemaphore(MAX_AT_ONCE + MAX_WAITING)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside for the block. Raises Refused (503)."""
        if not self._here.acquire(blocking=False):
            raise Refused(503, "Too many questions at once; ask again in a moment.")
        try:
            if not self._inside.acquire(timeout=QUEUE_SECONDS):
                raise Refused(503, f"No answer could begin within {QUEUE_SECONDS:g} s; ask again in a moment.")
            try:
                yield
            finally:
                self._inside.release()
        finally:
            self._here.release()


door = Door()


def answer(body: bytes) -> str:
    """The text for a request's body. Raises Refused."""
    question = parse(body)
    with door.entered():
        return cut(generate(question), question.stop)


app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.post("/")
async def ask(request: Request) -> Response:
    """A JSON string: the text."""
    return reply(await run_in_threadpool(answer, await _body(request)))


@app.get("/health")
async def health() -> Response:
    """Whether the app is there, and what it answers with."""
    return reply({"status": "ok", "endpoint": ENDPOINT})


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return body


def reply(value: Any, status: int = 200) -> Response:
    """JSON, in ASCII: a text that was cut in the middle of a character is still valid."""
    return Response(json.dumps(value), status, media_type="application/json")


# Every refusal is JSON: the caller may be a program that reads nothing else.
@app.exception_handler(Refused)
async def _refuse(_: Request, error: Refused) -> Response:
    return reply({"error": error.message}, error.status)


@app.exception_handler(HTTPException)
async def _not_there(_: Request, error: HTTPException) -> Response:
    return reply({"error": error.detail}, error.status_code)


@app.exception_handler(Exception)
async def _fail(_: Request, __: Exception) -> Response:
    return reply({"error": "The app failed; its log on the driver says where."}, 500)


def serve(listener: socket.socket) -> None:
    """Serve on a listening socket until the process is told to end."""
    config = uvicorn.Config(app, access_log=False, log_level="warning", ws="none", lifespan="off")
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
