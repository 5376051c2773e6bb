"""What an invocation may say: one record per task, and the sentence for each way to get it wrong."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from local_workspace.engines.chat_engine import CONTEXT_TOKENS
from local_workspace.refusals import bad_request
from local_workspace.web.bodies import Body, Integer, Switch, Text

MAX_SCHEMA_CHARACTERS = 20_000
MAX_STOPS = 16
MAX_PROMPTS = 16

Stop = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]


def _not_stored(value: bool) -> bool:
    if value:
        raise ValueError("The field 'store' can only be false: the workspace keeps no replies.")
    return value


class Invocation(Body):
    """What every task takes and none uses. `model` is only read on the OpenAI-shaped routes."""

    model: Text | None = None
    user: Text | None = None
    metadata: dict[str, Any] | None = None
    client_request_id: Text | None = None
    usage_context: dict[str, Any] | None = None
    store: Annotated[bool, Field(strict=True), AfterValidator(_not_stored)] | None = None


class StreamOptions(Body):
    """`include_usage: false` leaves the usage chunk out of a stream; it is sent otherwise."""

    include_usage: Switch | None = None


class Generation(Invocation):
    """How to sample. Fields left out, or null, take the workspace's defaults."""

    n: Annotated[Integer, Field(ge=1, le=5)] | None = None
    temperature: Annotated[float, Field(strict=True, ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    top_k: Annotated[Integer, Field(ge=0, le=2**31 - 1)] | None = None
    max_tokens: Annotated[Integer, Field(ge=1)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] | None = None
    seed: Annotated[Integer, Field(ge=-(2**63), lt=2**63)] | None = None
    frequency_penalty: Annotated[float, Field(strict=True, ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(strict=True, ge=-2, le=2)] | None = None
    stream: Switch | None = None
    stream_options: StreamOptions | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with its usage."""
        return self.stream_options is None or self.stream_options.include_usage is not False

    def sampling(self) -> dict[str, Any]:
        """The sampling fields that were sent."""
        names = {"n", "temperature", "top_p", "top_k", "max_tokens", "stop", "frequency_penalty", "presence_penalty"}
        sent = self.model_dump(include=names, exclude_none=True)
        if self.max_tokens is not None:
            sent["max_tokens"] = min(self.max_tokens, CONTEXT_TOKENS)
        if self.seed is not None:
            sent["seed"] = self.seed % (2**32 - 1)  # llama.cpp's seeds are 32 bits, and the highest means "any"
        return sent


class TextPart(Body):
    """A piece of a message's content. The seeded chat model reads text only."""

    type: Literal["text"]
    text: Text


class Message(Body):
    """One message. `content` may be null for the assistant only."""

    role: Literal["system", "user", "assistant"]
    content: Text | list[TextPart] | None = None
    name: Text | None = None

    def to_engine(self) -> dict[str, str]:
        """The message as the chat template takes it: role and one string."""
        parts = self.content if isinstance(self.content, list) else []
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in parts)
        return {"role": self.role, "content": text}


class JsonSchema(Body):
    """A named JSON schema, as OpenAI's `response_format` carries it."""

    name: Text
    schema_: dict[str, Any] = Field(alias="schema")
    description: Text | None = None
    strict: Switch | None = None


class ResponseFormat(Body):
    """`text`, `json_object`, or `json_schema` with its schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatBody(Generation):
    """The body of a chat invocation."""

    messages: Annotated[list[Message], Field(min_length=1)]
    response_format: ResponseFormat | None = None
    logprobs: Switch | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=20)] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None


class CompletionsBody(Generation):
    """The body of a completions invocation: `logprobs` is a number here."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_PROMPTS)]
    logprobs: Annotated[Integer, Field(ge=0, le=5)] | None = None


class EmbeddingsBody(Invocation):
    """The body of an embeddings invocation."""

    input: Text | Annotated[list[Text], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Any = None

    @field_validator("dimensions")
    @classmethod
    def _no_dimensions(cls, value: object) -> object:
        if value is not None:
            raise ValueError("The field 'dimensions' is not supported: this model's vectors have one size.")
        return value


def refuse_tools(body: dict[str, Any]) -> None:
    """Raise RefusalError (400) for anything about tools: llama.cpp would leave it out of the prompt without a word."""
    messages = body.get("messages")
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    if (
        body.get("tools")
        or body.get("tool_choice") not in (None, "none", "auto")
        or any(turn.get("tool_calls") or turn.get("role") in ("tool", "function") for turn in turns)
    ):
        raise bad_request("This endpoint's model cannot call tools: its chat template has no place for them.")


def check_chat(body: ChatBody) -> None:
    """Rules that span fields. Raises RefusalError (400)."""
    for place, message in enumerate(body.messages):
        if message.content is None and message.role != "assistant":
            raise bad_request(f"messages[{place}].content must be a string or a list of text parts.")
    if body.top_logprobs is not None and not body.logprobs:
        raise bad_request("The field 'top_logprobs' needs 'logprobs': true.")
    _check_response_format(body.response_format)


def _check_response_format(wanted: ResponseFormat | None) -> None:
    if wanted is None:
        return
    if (wanted.type == "json_schema") != (wanted.json_schema is not None):
        raise bad_request("The field 'response_format' needs 'json_schema' exactly when its type is 'json_schema'.")
    if wanted.json_schema and len(str(wanted.json_schema.schema_)) > MAX_SCHEMA_CHARACTERS:
        raise bad_request(f"The JSON schema is longer than {MAX_SCHEMA_CHARACTERS} characters.")
