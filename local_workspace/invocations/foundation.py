"""The backend of foundation models: the workspace's own chat and embedding models."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from starlette.responses import JSONResponse, Response

from local_workspace.engines.catalog import FOUNDATION_MODELS
from local_workspace.engines.embedding_engine import EmbeddingEngine
from local_workspace.faults import scripted
from local_workspace.faults.words import Fault
from local_workspace.invocations.replies import Reply
from local_workspace.invocations.request_bodies import (
    ChatBody,
    CompletionsBody,
    EmbeddingsBody,
    check_chat,
    refuse_tools,
)
from local_workspace.invocations.schemas import schemas_of
from local_workspace.refusals import bad_request, invalid_parameter
from local_workspace.serving.backends import Deployment, Invocation
from local_workspace.serving.records import COMPLETIONS, EMBEDDINGS
from local_workspace.web.bodies import checked
from local_workspace.web.event_stream import EventStream

MAX_INPUTS = 150
DEFAULT_TEMPERATURE = 0.2  # with top_p 0.9, what SmolLM2's authors recommend
DEFAULT_TOP_P = 0.9


class TextSource(Protocol):
    """Whatever answers with llama.cpp's chunks: the model, or a script."""

    def chunks(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of one answer."""


class FoundationModels:
    """Reads the body for the task, asks the engine, shapes the reply. Its models are there for the whole workspace."""

    def __init__(self, text_model: TextSource, embeddings: EmbeddingEngine) -> None:
        self._text_model = text_model
        self._embeddings = embeddings

    async def check(self, deployment: Deployment) -> str | None:
        """The model's main task. Raises RefusalError (400) for a version that there is not."""
        entity = deployment.entity
        model = FOUNDATION_MODELS[entity.entity_name]
        if entity.entity_version != model.entity_version:
            raise invalid_parameter(
                f"'{entity.entity_name}' has the version {model.entity_version} only, not '{entity.entity_version}'."
            )
        return model.tasks[0]

    async def deploy(self, deployment: Deployment, log: Callable[[str], None]) -> None:
        """Nothing to do: the engines load with the workspace, and calls wait for them."""
        log(f"{deployment.entity.entity_name} runs in the workspace itself; nothing is to be built.")

    async def retire(self, deployment: Deployment) -> None:
        """Nothing to do: other endpoints share the engines."""

    def state_message(self, deployment: Deployment) -> str:
        """Empty: these models are always there."""
        return ""

    def logs(self, deployment: Deployment) -> str:
        """Empty: the engines write to the workspace's own log."""
        return ""

    async def schemas(self, deployment: Deployment) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON schemas of body and reply, for the model's main task."""
        return schemas_of(FOUNDATION_MODELS[deployment.entity.entity_name].tasks[0])

    async def close(self) -> None:
        """Nothing to do: the app ends the engines."""

    async def answer(self, deployment: Deployment, invocation: Invocation) -> Response:
        """The reply. Raises RefusalError."""
        body = invocation.body
        if body is None:
            raise bad_request("This endpoint takes JSON: send content type application/json.")
        if invocation.task == EMBEDDINGS:
            return await self._embed(deployment, checked(EmbeddingsBody, body))
        model = deployment.entity.name
        if invocation.task == COMPLETIONS:
            return await self._complete(model, checked(CompletionsBody, body), invocation.faults)
        refuse_tools(body)
        return await self._chat(model, checked(ChatBody, body), invocation.faults)

    async def _chat(self, model: str, body: ChatBody, faults: list[Fault]) -> Response:
        check_chat(body)
        asked: dict[str, Any] = {"messages": [message.to_engine() for message in body.messages]}
        if body.response_format and body.response_format.type != "text":
            asked["response_format"] = body.response_format.model_dump(by_alias=True, exclude_none=True)
        if body.logprobs:
            asked |= {"logprobs": True, "top_logprobs": max(1, body.top_logprobs or 0)}
        return await self._generate(model, "/v1/chat/completions", body, asked, faults)

    async def _complete(self, model: str, body: CompletionsBody, faults: list[Fault]) -> Response:
        if isinstance(body.prompt, list) and (body.n or 1) > 1:
            raise bad_request("Send one prompt with 'n', or several prompts with n = 1.")
        asked: dict[str, Any] = {"prompt": body.prompt}
        if body.logprobs is not None:
            asked["logprobs"] = max(1, body.logprobs)
        return await self._generate(model, "/v1/completions", body, asked, faults)

    async def _generate(
        self, model: str, path: str, body: ChatBody | CompletionsBody, asked: dict[str, Any], faults: list[Fault]
    ) -> Response:
        kinds = {fault.kind: fault for fault in faults}
        source = self._text_model
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

    async def _embed(self, deployment: Deployment, body: EmbeddingsBody) -> Response:
        texts = [body.input] if isinstance(body.input, str) else body.input
        if len(texts) > MAX_INPUTS:
            name = deployment.endpoint
            raise bad_request(f"Input embeddings size is too large, exceeding {MAX_INPUTS} limit for {name}")
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
        model = deployment.entity.name
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        reply = {"object": "list", "model": model, "data": data, "usage": usage}
        return JSONResponse(reply, headers={"served-model-name": model})


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
