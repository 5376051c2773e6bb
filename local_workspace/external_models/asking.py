"""Asking a provider, in the gateway's process: which of mlflow's classes speaks to it, and what it is asked.

Providers that speak OpenAI's language get the caller's body and their answer goes back as it is, through mlflow's
passthrough: its typed replies know neither log probabilities nor refusals nor reasoning. The others are translated, both
ways, by mlflow.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mlflow.gateway.providers.base import BaseProvider, PassthroughAction

from local_workspace.external_models import classes, entra, translated, upstream
from local_workspace.external_models.events import events
from local_workspace.external_models.failures import FailedError, bad_answer, parsed

log = logging.getLogger(__name__)

PATHS = {"llm/v1/chat": "chat/completions", "llm/v1/completions": "completions", "llm/v1/embeddings": "embeddings"}


@dataclass(frozen=True)
class Question:
    """One call. `config` is the provider's block with every credential in it, which is why `repr` leaves it out."""

    provider: str
    model: str
    task: str
    body: dict[str, Any]
    config: dict[str, Any] = field(repr=False)
    origins: dict[str, str] = field(default_factory=dict)
    connect_seconds: float = 10.0
    read_seconds: float = 297.0

    @property
    def streams(self) -> bool:
        """Whether the caller wants events."""
        return self.body.get("stream") is True


Answered = dict[str, Any] | AsyncGenerator[str, None]


async def lines(question: Question) -> AsyncGenerator[bytes, None]:
    """The answer as the gateway's process sends it: `R` and the whole reply, or a `C` a chunk and a `D`, or an `F` and why."""
    try:
        reply = await ask(question)
        if isinstance(reply, dict):
            if reply.keys() & {"choices", "data"}:
                reply.setdefault("model", question.model)
            yield _line(b"R", json.dumps(reply, ensure_ascii=False))
            return
        async with aclosing(reply) as chunks:
            async for chunk in chunks:
                yield _line(b"C", chunk)
        yield b"D"
    except FailedError as error:
        yield _failed(error)
    except (ValueError, RecursionError) as error:  # a line without an end, or JSON that nobody can write again
        log.warning("What a provider sent cannot be read.", exc_info=error)
        yield _failed(bad_answer(f"The provider's answer cannot be read ({type(error).__name__})."))


def _line(kind: bytes, text: str) -> bytes:
    return kind + text.encode(errors="replace")  # a provider may send half of a character


def _failed(error: FailedError) -> bytes:
    return _line(b"F", json.dumps(error.failure.to_wire(), ensure_ascii=False))


async def ask(question: Question) -> Answered:
    """The provider's reply: an object, or the events of a stream as JSON texts. Raises FailedError, also from the stream."""
    upstream.way.set(
        upstream.Way(question.connect_seconds, question.read_seconds, question.origins.get(question.provider))
    )
    if question.provider == "custom":
        return await _ask_custom(question)
    if question.provider in {"openai", "databricks-model-serving"}:
        return await _ask_openai(question)
    return await translated.ask(question)


async def _ask_openai(question: Question) -> Answered:
    api_type = str(question.config.get("openai_api_type", "openai")).lower()
    config = question.config
    if api_type == "azuread":
        token = await entra.access_token(config, question.origins.get("microsoft-entra"))
        config = config | {"openai_api_key": token}
    body = dict(question.body)
    # Azure's older API versions refuse stream_options, and its address names the model.
    if api_type == "openai":
        body["model"] = question.model
        if question.streams and body.get("stream_options") is None:
            body["stream_options"] = {"include_usage": True}
    if question.provider == "openai":
        provider, base = classes.openai(question.model, question.task, config)
    else:
        provider, base = classes.databricks(question.model, question.task, config)
    with translated.explained():
        reply = await _send(provider, base, question.task, body)
    return _whole_or_events(question, reply)


async def _send(provider: BaseProvider, base: str, task: str, body: dict[str, Any]) -> Any:
    if task == "llm/v1/chat":
        return await provider.passthrough(PassthroughAction.OPENAI_CHAT, body)
    if task == "llm/v1/embeddings":
        return await provider.passthrough(PassthroughAction.OPENAI_EMBEDDINGS, body)
    # mlflow has no passthrough for completions; its proxy is one, and takes the last part of the base URL off.
    return await provider.proxy(f"{urlsplit(base).path.rstrip('/').rpartition('/')[2]}/{PATHS[task]}", body)


def _whole_or_events(question: Question, reply: Any) -> Answered:
    if isinstance(reply, AsyncGenerator):
        return events(reply)
    if not isinstance(reply, dict):
        raise bad_answer("The provider's answer is not a JSON object.")
    if question.streams and question.task != "llm/v1/embeddings":
        raise bad_answer("The provider answered a request to stream with one JSON object.")
    return reply


async def _ask_custom(question: Question) -> Answered:
    """mlflow has no class for a provider of which only the address is known: the body goes there as it is."""
    calling = upstream.post(
        question.config["custom_provider_url"],
        _custom_headers(question.config),
        question.body | {"model": question.model},
    )
    answered = _custom_answer(calling)
    kind = await anext(answered)
    if kind == b"text/event-stream":
        return events(answered)
    try:
        reply = parsed(await anext(answered))
    except ValueError as error:
        raise bad_answer("The provider's answer is not valid JSON.") from error
    finally:
        await answered.aclose()
    if not isinstance(reply, dict):
        raise bad_answer("The provider's answer is not a JSON object.")
    return reply


async def _custom_answer(calling: Any) -> AsyncGenerator[bytes, None]:
    """First the content type, then the lines of a stream, or else the whole body."""
    async with calling as answer:
        kind = str(answer.headers.get("content-type", "")).partition(";")[0].strip().lower()
        yield kind.encode()
        if kind == "text/event-stream":
            async for line in answer.content:
                yield line
        else:
            yield await answer.read()


def _custom_headers(config: dict[str, Any]) -> dict[str, str]:
    if "api_key_auth" in config:
        return {config["api_key_auth"]["key"]: config["api_key_auth"]["value"]}
    return {"Authorization": f"Bearer {config['bearer_token_auth']['token']}"}
