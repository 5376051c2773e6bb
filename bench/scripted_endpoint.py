"""A workspace of scripted serving endpoints: each endpoint's name says how fast and how long it answers.

`scripted-200-2000` sends 200 tokens a second, 2,000 in all; `scripted-cold-15s` keeps its caller waiting 15 seconds for
the reply's headers, as an endpoint that was scaled to zero does. A trailing `-a`, `-b`... makes another of the same kind.
"""

import argparse
import asyncio
import contextlib
import json
import re
import time
import uuid
from dataclasses import asdict, dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.scripted_text import token

NAME = re.compile(r"scripted-(?:cold-(?P<wait>\d+)s|(?P<rate>\d+)-(?P<tokens>\d+))(?:-[a-z])?")
COLD_RATE, COLD_TOKENS = 200, 200


@dataclass(frozen=True)
class Script:
    rate: int
    tokens: int
    wait: int = 0


# A prompt with this word gets a short answer from any endpoint. It is long enough to hold a code block.
WARM_UP, WARM_UP_SCRIPT = "warm-up", Script(500, 300)


@dataclass
class Invocation:
    """What the endpoint saw of one request; every time is time.time()."""

    endpoint: str
    prompt: str
    messages: int
    arrived: float
    emitted: list[float] = field(default_factory=list)  # one time for each token
    finished: float | None = None
    abandoned: float | None = None  # when the caller hung up before the end


invocations: list[Invocation] = []
lists: list[float] = []  # when each list of endpoints left, as time.time() has it


def script_of(name: str) -> Script | None:
    match = NAME.fullmatch(name)
    if not match:
        return None
    if match["wait"]:
        return Script(COLD_RATE, COLD_TOKENS, int(match["wait"]))
    return Script(int(match["rate"]), int(match["tokens"]))


def endpoint_to_wire(name: str) -> dict:
    """The endpoint as the platform describes an external model."""
    return {
        "name": name,
        "id": uuid.uuid5(uuid.NAMESPACE_DNS, name).hex,
        "creator": "bench@local",
        "creation_timestamp": 1_760_000_000_000,
        "last_updated_timestamp": 1_760_000_000_000,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
        "config": {
            "served_entities": [
                {
                    "name": name,
                    "external_model": {"name": "scripted", "provider": "openai", "task": "llm/v1/chat"},
                    "state": {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""},
                }
            ],
            "traffic_config": {"routes": [{"served_model_name": name, "traffic_percentage": 100}]},
            "config_version": 1,
        },
        "task": "llm/v1/chat",
        "permission_level": "CAN_QUERY",
        "endpoint_type": "EXTERNAL_MODEL",
        "tags": [],
        "route_optimized": False,
    }


def event(fields: dict) -> bytes:
    shape = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "scripted"}
    return f"data: {json.dumps(shape | fields)}\n\n".encode()


def choice(delta: dict, finish_reason: str | None = None) -> dict:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


# Made once for each index: with fifty streams at a time the endpoint must not be what is measured.
events: dict[int, bytes] = {}


def token_event(index: int) -> bytes:
    if index not in events:
        role = {"role": "assistant"} if index == 0 else {}
        events[index] = event(choice(role | {"content": token(index)}))
    return events[index]


def usage_of(tokens: int) -> dict:
    return {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}


class ScriptedStream(Response):
    """Sends tokens on an absolute schedule: a slow reader delays what it reads, never what is due next."""

    def __init__(self, script: Script, invocation: Invocation):
        self.script, self.invocation = script, invocation

    async def __call__(self, _scope, receive, send):
        watcher = asyncio.create_task(self.watch(receive))
        try:
            await asyncio.wait([watcher], timeout=self.script.wait or 0)
            if not watcher.done():
                await self.emit(send, watcher)
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def watch(self, receive):
        while (await receive())["type"] != "http.disconnect":
            pass
        if self.invocation.finished is None:
            self.invocation.abandoned = time.time()

    async def emit(self, send, watcher):
        headers = [(b"content-type", b"text/event-stream"), (b"served-model-name", b"scripted")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        emitted, count = self.invocation.emitted, self.script.tokens
        began = time.perf_counter()
        while len(emitted) < count and not watcher.done():
            elapsed = time.perf_counter() - began
            due = min(count, int(elapsed * self.script.rate) + 1)
            if due > len(emitted):
                body = b"".join(token_event(index) for index in range(len(emitted), due))
                emitted.extend([time.time()] * (due - len(emitted)))
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.sleep(max(0.0, due / self.script.rate - (time.perf_counter() - began)))
        if not watcher.done():
            self.invocation.finished = time.time()
            end = event(choice({}, "stop")) + event({"choices": [], "usage": usage_of(count)}) + b"data: [DONE]\n\n"
            await send({"type": "http.response.body", "body": end, "more_body": False})


async def invoke(request: Request) -> Response:
    body = await request.json()
    name = request.path_params.get("name") or body.get("model", "")
    script = script_of(name)
    if script is None:
        return not_found(name)
    messages = body.get("messages") or [{}]
    invocation = Invocation(name, str(messages[-1].get("content", "")), len(messages), time.time())
    invocations.append(invocation)
    if WARM_UP in invocation.prompt:
        script = WARM_UP_SCRIPT
    if body.get("stream"):
        return ScriptedStream(script, invocation)
    await asyncio.sleep(script.wait + script.tokens / script.rate)
    invocation.emitted = [time.time()] * script.tokens
    invocation.finished = time.time()
    text = "".join(token(index) for index in range(script.tokens))
    reply = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return JSONResponse(
        {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_760_000_000, "model": "scripted"}
        | {"choices": [reply], "usage": usage_of(script.tokens)}
    )


def not_found(name: str) -> Response:
    message = f"Endpoint with name '{name}' does not exist."
    return JSONResponse({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message}, status_code=404)


async def get_endpoint(request: Request) -> Response:
    name = request.path_params["name"]
    return JSONResponse(endpoint_to_wire(name)) if script_of(name) else not_found(name)


async def get_log(request: Request) -> Response:
    """Every invocation whose prompt contains the run's mark."""
    mark = request.query_params.get("mark", "")
    return JSONResponse([asdict(invocation) for invocation in invocations if mark in invocation.prompt])


def workspace(host: str, names: list[str]) -> Starlette:
    async def list_endpoints(_: Request) -> Response:
        reply = JSONResponse({"endpoints": [endpoint_to_wire(name) for name in names]})
        lists.append(time.time())
        return reply

    async def get_lists(_: Request) -> Response:
        return JSONResponse(lists)

    async def get_me(_: Request) -> Response:
        return JSONResponse({"userName": "bench@local", "id": "1"}, headers={"x-databricks-org-id": "1"})

    async def get_config(_: Request) -> Response:
        return JSONResponse({"oidc_endpoint": f"{host}/oidc", "workspace_id": "1"})

    return Starlette(
        routes=[
            Route("/.well-known/databricks-config", get_config),
            Route("/api/2.0/preview/scim/v2/Me", get_me),
            Route("/api/2.0/serving-endpoints", list_endpoints),
            Route("/api/2.0/serving-endpoints/", list_endpoints),
            Route("/api/2.0/serving-endpoints/{name}", get_endpoint),
            Route("/serving-endpoints/chat/completions", invoke, methods=["POST"]),
            Route("/serving-endpoints/{name}/invocations", invoke, methods=["POST"]),
            Route("/bench/log", get_log),
            Route("/bench/lists", get_lists),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("names", nargs="+", help="the endpoints that are listed")
    given = parser.parse_args()
    app = workspace(f"http://127.0.0.1:{given.port}", given.names)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)
