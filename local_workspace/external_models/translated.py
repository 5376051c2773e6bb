"""Providers of another language than OpenAI's: mlflow says the body in theirs, and their answer in the platform's."""

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from mlflow.exceptions import MlflowException
from mlflow.gateway.exceptions import AIGatewayException
from mlflow.gateway.providers.base import BaseProvider
from mlflow.gateway.providers.vertex_ai import VertexAIProvider
from mlflow.gateway.schemas import chat, completions, embeddings
from pydantic import BaseModel, ValidationError

from local_workspace.external_models import classes
from local_workspace.external_models.events import BROKEN_OFF
from local_workspace.external_models.failures import FailedError, bad_answer, bad_parameter, provider_failed

if TYPE_CHECKING:
    from local_workspace.external_models.asking import Question

# What mlflow's adapters raise when an answer lacks what they look for.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_PAYLOADS: dict[str, type[BaseModel]] = {
    "llm/v1/chat": chat.RequestPayload,
    "llm/v1/completions": completions.RequestPayload,
    "llm/v1/embeddings": embeddings.RequestPayload,
}
_REASONS = {"COMPLETE": "stop", "MAX_TOKENS": "length", "STOP_SEQUENCE": "stop", "endoftext": "stop"}


async def ask(question: "Question") -> dict[str, Any] | AsyncGenerator[str, None]:
    """The reply, or the chunks of a stream as JSON texts. Raises FailedError, also from the stream."""
    payload = _payload(question)
    with explained():
        provider = classes.translated(question.provider, question.model, question.task, question.config)
        if isinstance(provider, VertexAIProvider):
            await asyncio.to_thread(provider._get_credentials)  # which waits for Google; mlflow calls it on the loop
    if question.streams and question.task != "llm/v1/embeddings":
        is_chat = question.task == "llm/v1/chat"
        # mlflow's stand-in where a provider does not stream is no generator.
        if not inspect.isasyncgenfunction(provider._chat_stream if is_chat else provider._completions_stream):
            raise bad_parameter(f"Provider {question.provider} cannot stream {question.task}; leave 'stream' out.")
        stream: Any = provider.chat_stream(payload) if is_chat else provider.completions_stream(payload)
        return _chunks(stream)
    if question.provider == "amazon-bedrock":
        return await asyncio.to_thread(asyncio.run, _whole(provider, question.task, payload))  # boto3 waits
    return await _whole(provider, question.task, payload)


def _payload(question: "Question") -> Any:
    body = dict(question.body)
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    try:
        return _PAYLOADS[question.task].model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise bad_parameter(f"The field '{place[:200]}' cannot be said to this provider: {first['msg']}.") from error


async def _whole(provider: BaseProvider, task: str, payload: Any) -> dict[str, Any]:
    with explained():
        if task == "llm/v1/chat":
            return _chat_reply(_wire(await provider.chat(payload)))
        if task == "llm/v1/completions":
            return _wire(await provider.completions(payload))
        return _wire(await provider.embeddings(payload))


async def _chunks(stream: AsyncGenerator[BaseModel, None]) -> AsyncGenerator[str, None]:
    """Each chunk, and usage in one last chunk without choices, where the provider counts."""
    usage: dict[str, Any] | None = None
    chunk: dict[str, Any] = {}
    begun = finished = False
    with explained():
        async with aclosing(stream) as parts:
            async for part in parts:
                chunk = _wire(part)
                usage = chunk.pop("usage", None) or usage
                for choice in chunk["choices"]:
                    _complete(choice, is_first=not begun)
                    finished = finished or bool(choice["finish_reason"])
                begun = True
                yield json.dumps(chunk, ensure_ascii=False)
    if not finished:
        raise provider_failed(502, BROKEN_OFF)
    if usage:
        yield json.dumps(chunk | {"choices": [], "usage": usage}, ensure_ascii=False)


def _wire(reply: BaseModel) -> dict[str, Any]:
    """mlflow's record as JSON: without nulls, mlflow's own field, or counts that nobody made."""
    wire = reply.model_dump(mode="json", exclude_none=True)
    wire.pop("provider", None)
    if not wire.get("usage"):
        wire.pop("usage", None)
    for choice in wire.get("choices", []):
        choice["finish_reason"] = _REASONS.get(choice.get("finish_reason"), choice.get("finish_reason"))
    return wire


def _complete(choice: dict[str, Any], *, is_first: bool) -> None:
    if is_first and "delta" in choice:
        choice["delta"] = {"role": "assistant", "content": ""} | choice["delta"]


def _chat_reply(wire: dict[str, Any]) -> dict[str, Any]:
    for choice in wire["choices"]:
        choice["message"] = {"role": "assistant", "content": None} | choice["message"]
    return wire


@contextmanager
def explained() -> Iterator[None]:
    """mlflow's errors as ours: what it cannot say to the provider, and what it cannot read of the answer."""
    try:
        yield
    except FailedError:
        raise
    except AIGatewayException as error:
        raise bad_parameter(str(error.detail)) from error
    except MlflowException as error:  # such as a model name that mlflow does not know of this provider
        raise bad_parameter(error.message) from error
    except HTTPException as error:
        raise provider_failed(error.status_code, error.detail) from error
    except _OF_SDKS as error:
        raise _refused_by_sdk(error) from error
    except _UNREADABLE as error:
        raise bad_answer(
            f"The provider's answer is not of the kind that was expected ({type(error).__name__})."
        ) from error


def _sdk_errors() -> tuple[type[Exception], ...]:
    """The errors of AWS's and Google's packages, of those that are installed."""
    found: list[type[Exception]] = []
    try:
        from google.auth.exceptions import GoogleAuthError

        found.append(GoogleAuthError)
    except ImportError:
        pass
    try:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-not-found]  # optional

        found += [BotoCoreError, ClientError]
    except ImportError:
        pass
    return tuple(found)


_OF_SDKS = _sdk_errors()


def _refused_by_sdk(error: Exception) -> FailedError:
    response = getattr(error, "response", None)  # botocore's ClientError has AWS's answer
    if isinstance(response, dict):
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 502))
        return provider_failed(status, response.get("Error", {}))
    return provider_failed(502, f"{type(error).__name__}: {str(error)[:1000]}")
