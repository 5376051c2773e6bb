"""What bodies of the platform's tasks have, as fields. Pure.

Nothing is sent that the person did not set: endpoints differ in what they refuse.
"""

from collections.abc import Mapping

from services.endpoints import CHAT_TASKS
from services.invocation.fields import Field, Kind

STREAM = Field("stream", Kind.SWITCH, help="Ask for the answer while it is written. Not every model can.")
_TEMPERATURE = Field(
    "temperature", Kind.NUMBER, help="How much chance there is in the choice of each token.", minimum=0
)
_MAX_TOKENS = Field("max_tokens", Kind.WHOLE, help="Most tokens of the answer.", minimum=1)
_STOP = Field("stop", Kind.TEXTS, one_or_many=True, help="The answer ends before any of these texts.")
_GENERATION = (
    _MAX_TOKENS,
    _TEMPERATURE,
    Field(
        "top_p",
        Kind.NUMBER,
        help="Only the likeliest tokens that together have this probability.",
        minimum=0,
        maximum=1,
    ),
    _STOP,
    Field("n", Kind.WHOLE, help="How many answers to one prompt.", minimum=1),
)
_CHAT = (
    Field("messages", Kind.JSON, required=True, outer="array"),
    *_GENERATION,
    STREAM,
)
_COMPLETIONS = (
    Field("prompt", Kind.LONG_TEXT, required=True, one_or_many=True),
    Field("suffix", Kind.TEXT, help="What comes after the text that is to be filled in. Few models know it."),
    *_GENERATION,
    Field("echo", Kind.SWITCH, help="Whether the answer begins with the prompt."),
    STREAM,
)
_EMBEDDINGS = (
    Field("input", Kind.LINES, required=True, one_or_many=True, help="Each line becomes a vector of its own."),
    Field("dimensions", Kind.WHOLE, help="How long the vectors are to be, where the model can choose.", minimum=1),
    Field("encoding_format", Kind.CHOICE, choices=("float", "base64")),
)
_RESPONSES = (
    Field("input", Kind.JSON, required=True, help="A text in quotes, or a list of messages."),
    Field("max_output_tokens", Kind.WHOLE, minimum=1),
    Field("temperature", Kind.NUMBER, minimum=0),
    STREAM,
)
OF_TASK: Mapping[str, tuple[Field, ...]] = {
    **dict.fromkeys(CHAT_TASKS, _CHAT),
    "llm/v1/completions": _COMPLETIONS,
    "llm/v1/embeddings": _EMBEDDINGS,
    "agent/v1/responses": _RESPONSES,
}
PROMPT_COLUMNS = (
    Field("prompt", Kind.LONG_TEXT, required=True, says="string"),
    Field("stop", Kind.TEXTS, says="array of string", help="The answer ends before any of these texts."),
)
"""What LangChain's Databricks expects of a model of one's own."""
PROMPT_EXTRAS = (_TEMPERATURE, _MAX_TOKENS)
