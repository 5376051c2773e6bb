"""Invocations: the routes that ask a model, in the platform's form and in OpenAI's."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from local_workspace.engines.embedding_engine import EmbeddingEngine
from local_workspace.faults import scripted
from local_workspace.faults.injection import Fault
from local_workspace.invocations.replies import Reply
from local_workspace.invocations.request_bodies import (
    ChatBody,
    CompletionsBody,
    EmbeddingsBody,
    check_chat,
    refuse_tools,
)
from local_workspace.refusals import bad_request, no_such_served_entity
from local_workspace.serving.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, Endpoint, EndpointStore
from local_workspace.web.bodies import checked
from local_workspace.web.event_stream import EventStream
from local_workspace.web.json_bodies import parse_object

MAX_INPUTS = 150
DEFAULT_TEMPERATURE = 0.2  # with top_p 0.9, what SmolLM2's authors recommend
DEFAULT_TOP_P = 0.9
WANTED = {CHAT: "messages", COMPLETIONS: "prompt", EMBEDDINGS: "input"}


class TextSource(Protocol):
    """Whatever answers with llama.cpp's chunks: the model, or a script."""

    def chunks(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of one answer."""


class Invocations:
    """Answers one invocation: reads the body for the task, asks the engine, shapes the reply."""

    def __init__(self, store: EndpointStore, text_model: TextSource, embeddings: EmbeddingEngine) -> None:
        self._store = store
        self._text_model = text_model
        self._embeddings = embeddings

    async def by_path(self, name: str, entity: str | None, request: Request) -> Response:
        """Answer `/serving-endpoints/{name}/[served-models/{entity}/]invocations`, for the endpoint's own task."""
        endpoint = self._store.get(name)
        if entity is not None and entity != endpoint.served_entity.name:
            raise no_such_served_entity(name, entity)
        body = await _body(request)
        if "model" in body:
            raise bad_request("Unknown field 'model' in the request body: the path names the endpoint already.")
        return await self._answer(endpoint, endpoint.task, body, request)

    async def by_model(self, task: str, request: Request) -> Response:
        """Answer `/serving-endpoints/chat/completions` and its like, for the endpoint that `model` names."""
        body = await _body(request)
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise bad_request("The field 'model' must be the name of a serving endpoint.")
        return await self._answer(self._store.get(name), task, body, request)

    async def _answer(self, endpoint: Endpoint, task: str, body: dict[str, Any], request: Request) -> Response:
        _check_task(endpoint, task, body)
        faults: list[Fault] = request.scope.get("faults", [])
        if task == EMBEDDINGS:
            return await self._embed(endpoint, checked(EmbeddingsBody, body))
        if task == COMPLETIONS:
            return await self._complete(endpoint, checked(CompletionsBody, body), faults)
        refuse_tools(body)
        return await self._chat(endpoint, checked(ChatBody, body), faults)

    async def _chat(self, endpoint: Endpoint, body: ChatBody, faults: list[Fault]) -> Response:
        check_chat(body)
        asked: dict[str, Any] = {"messages": [message.to_engine() for message in body.messages]}
        if body.response_format and body.response_format.type != "text":
            asked["response_format"] = body.response_format.model_dump(by_alias=True, exclude_none=True)
        if body.logprobs:
            asked |= {"logprobs": True, "top_logprobs": max(1, body.top_logprobs or 0)}
        return await self._generate(endpoint, "/v1/chat/completions", body, asked, faults)

    async def _complete(self, endpoint: Endpoint, body: CompletionsBody, faults: list[Fault]) -> Response:
        if isinstance(body.prompt, list) and (body.n or 1) > 1:
            raise bad_request("Send one prompt with 'n', or several prompts with n = 1.")
        asked: dict[str, Any] = {"prompt": body.prompt}
        if body.logprobs is not None:
            asked["logprobs"] = max(1, body.logprobs)
        return await self._generate(endpoint, "/v1/completions", body, asked, faults)

    async def _generate(
        self,
        endpoint: Endpoint,
        path: str,
        body: ChatBody | CompletionsBody,
        asked: dict[str, Any],
        faults: list[Fault],
    ) -> Response:
        kinds = {fault.kind: fault for fault in faults}
        source, model = self._text_model, endpoint.served_entity.name
        if script := kinds.get("scripted"):
            source, model = scripted.ScriptedModel(script.rate, script.count), scripted.NAME
        counted = "usage-on-every-chunk" in kinds
        prompts = len(asked["prompt"]) if isinstance(asked.get("prompt"), list) else 1
        alternatives = body.top_logprobs if isinstance(body, ChatBody) else body.logprobs
        reply = Reply(model, is_chat="messages" in asked, prompts=prompts, alternatives=alternatives or 0)
        chunks = source.chunks(path, _defaults(timings=counted) | body.sampling() | asked)
        headers = {"served-model-name": model}
        if not body.stream:
            return JSONResponse(await reply.whole(chunks), headers=headers)
        # The model's first chunk comes before the reply's first byte, so that what it refuses is still an HTTP status.
        stream = reply.stream_counting(chunks) if counted else reply.stream(chunks, with_usage=body.wants_usage)
        return EventStream(await _begun(stream), headers)

    async def _embed(self, endpoint: Endpoint, body: EmbeddingsBody) -> Response:
        texts = [body.input] if isinstance(body.input, str) else body.input
        if len(texts) > MAX_INPUTS:
            raise bad_request(f"Input embeddings size is too large, exceeding {MAX_INPUTS} limit for {endpoint.name}")
        for place, text in enumerate(texts):
            if not text:
                where = "input" if isinstance(body.input, str) else f"input[{place}]"
                raise bad_request(f"The field '{where}' is an empty string, which has no embedding.")
        found = await self._embeddings.embed(texts)
        tokens = sum(embedding.tokens for embedding in found)
        data = [
            {"object": "embedding", "index": index, "embedding": embedding.to_wire(body.encoding_format)}
            for index, embedding in enumerate(found)
        ]
        model = endpoint.served_entity.name
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        reply = {"object": "list", "model": model, "data": data, "usage": usage}
        return JSONResponse(reply, headers={"served-model-name": model})


def invocation_routes(invocations: Invocations) -> APIRouter:
    """The routes. OpenAI's come first; an endpoint called `chat` still has `/serving-endpoints/chat/invocations`."""
    router = APIRouter()

    @router.post("/serving-endpoints/chat/completions")
    async def chat_completions(request: Request) -> Response:
        return await invocations.by_model(CHAT, request)

    @router.post("/serving-endpoints/completions")
    async def completions(request: Request) -> Response:
        return await invocations.by_model(COMPLETIONS, request)

    @router.post("/serving-endpoints/embeddings")
    async def embeddings(request: Request) -> Response:
        return await invocations.by_model(EMBEDDINGS, request)

    @router.post("/serving-endpoints/{name}/invocations")
    async def invoke(name: str, request: Request) -> Response:
        return await invocations.by_path(name, None, request)

    @router.post("/serving-endpoints/{name}/served-models/{entity}/invocations")
    async def invoke_entity(name: str, entity: str, request: Request) -> Response:
        return await invocations.by_path(name, entity, request)

    return router


async def _body(request: Request) -> dict[str, Any]:
    return parse_object(await request.body(), request.headers.get("content-type", ""))


def _check_task(endpoint: Endpoint, task: str, body: dict[str, Any]) -> None:
    """Raise RefusalError (400), naming the endpoint's task and its field, when route or body are another task's."""
    offered = endpoint.served_entity.tasks
    shown = task if task in offered else endpoint.task
    wanted = WANTED[shown]
    other = next((field for field in WANTED.values() if field in body and field != wanted), None)
    if task not in offered or (other and wanted not in body):
        instead = f", not '{other}'" if other else ""
        raise bad_request(f"Endpoint '{endpoint.name}' has the task {shown}: send '{wanted}'{instead}.")


def _defaults(*, timings: bool) -> dict[str, Any]:
    return {
        "temperature": DEFAULT_TEMPERATURE,
        "top_p": DEFAULT_TOP_P,
        "stream": True,
        "stream_options": {"include_usage": True},
        "timings_per_token": timings,
    }


async def _begun(chunks: AsyncGenerator[dict[str, Any], None]) -> AsyncGenerator[dict[str, Any], None]:
    """The same chunks, once the first is here. Raises what the model refuses before it."""
    first = await anext(chunks)

    async def all_chunks() -> AsyncGenerator[dict[str, Any], None]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    return all_chunks()
