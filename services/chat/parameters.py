"""The parameters of a chat request, as data: the form, its checks and the body are all drawn from this table.

A parameter that is None, or an empty text or list, is not sent. Nothing is sent that the person did not set: endpoints differ
in what they refuse, and a default of ours would be refused in their name.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from services.errors import BadInput

Kind = Literal["number", "integer", "boolean", "choice", "texts", "json"]


@dataclass(frozen=True)
class Parameter:
    """One field of the request body."""

    name: str
    """As the API has it."""
    kind: Kind
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    advanced: bool = True


PARAMETERS = (
    Parameter(
        "temperature", "number", "How much chance there is in the choice of each token.", 0, 2, 0.1, advanced=False
    ),
    Parameter("max_tokens", "integer", "Most tokens of the answer.", 1, 1_000_000, 1, advanced=False),
    Parameter(
        "top_p", "number", "Only the likeliest tokens that together have this probability.", 0, 1, 0.05, advanced=False
    ),
    Parameter("stop", "texts", "The answer ends before any of these texts.", advanced=False),
    Parameter("n", "integer", "How many answers to one prompt.", 1, 5, 1),
    Parameter("seed", "integer", "The same seed asks for the same answer.", 0, 2**31 - 1, 1),
    Parameter("presence_penalty", "number", "Above 0: less of what was said already.", -2, 2, 0.1),
    Parameter("frequency_penalty", "number", "Above 0: less of what was said often.", -2, 2, 0.1),
    Parameter("logprobs", "boolean", "Ask for the log probability of each token; the inspector shows them."),
    Parameter("top_logprobs", "integer", "Alternatives to each token; needs logprobs.", 0, 20, 1),
    Parameter(
        "response_format",
        "choice",
        "The form of the answer. For json_schema, put the schema below.",
        choices=("text", "json_object", "json_schema"),
    ),
    Parameter("json_schema", "json", "The schema of a json_schema answer: a JSON object."),
    Parameter("tools", "json", "Functions the model may call: a JSON array in OpenAI's form."),
    Parameter("tool_choice", "choice", "Whether it must call one.", choices=("auto", "none", "required")),
    Parameter("extra", "json", "More fields of the body, for what is not above: a JSON object, merged in last."),
)


@dataclass(frozen=True)
class ChatParameters:
    """Values for PARAMETERS. None, or an empty text or tuple: not sent."""

    stream: bool = True
    """Sent as it is when true; not sent when false, which is the API's own default."""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: str | None = None
    json_schema: str = ""
    tools: str = ""
    tool_choice: str | None = None
    extra: str = ""

    def to_wire(self) -> dict[str, Any]:
        """The fields of the body, in the table's order. Raises BadInput, naming the parameter, for what cannot be sent."""
        fields = {p.name: value for p in PARAMETERS if (value := self._value(p)) is not None}
        schema = fields.pop("json_schema", None)
        form = fields.get("response_format")
        if form == "json_schema":
            if schema is None:
                raise BadInput("A json_schema answer needs a schema.", "Put a JSON schema into the field json_schema.")
            fields["response_format"] = {
                "type": form,
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        elif form is not None:
            fields["response_format"] = {"type": form}
        if schema is not None and form != "json_schema":
            raise BadInput(
                "A schema is set, but the answer's form is not json_schema.", "Choose json_schema, or empty the schema."
            )
        extra: dict[str, Any] = fields.pop("extra", {})
        if "messages" in extra:
            raise BadInput(
                "extra may not hold messages: they would replace the conversation.",
                "Take them out, and type what they say as the prompt or the system prompt.",
            )
        return {**fields, **({"stream": True} if self.stream else {}), **extra}

    def _value(self, parameter: Parameter) -> Any:
        value = getattr(self, parameter.name)
        if value is None or value in ("", ()):
            return None
        if parameter.kind == "json":
            return _json(parameter.name, value)
        if parameter.kind in ("number", "integer"):
            _check_bounds(parameter, value)
        return list(value) if parameter.kind == "texts" else value


def _check_bounds(parameter: Parameter, value: float) -> None:
    low, high = parameter.minimum, parameter.maximum
    if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
        raise BadInput(
            f"{parameter.name} must lie between {low:g} and {high:g}.", "Change it, or empty it to not send it."
        )


def _json(name: str, text: str) -> Any:
    wanted, kind = ("an array", list) if name == "tools" else ("an object", dict)
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise BadInput(f"{name} {_mistake(wrong)}.", "Mend it, or empty it to not send it.") from wrong
    if not isinstance(value, kind):
        raise BadInput(f"{name} must be {wanted}.", "Mend it, or empty it to not send it.")
    return value


def _mistake(wrong: Exception) -> str:
    if isinstance(wrong, json.JSONDecodeError):
        return f"is not JSON (line {wrong.lineno}, column {wrong.colno}): {wrong.msg}"
    return "is nested too deep" if isinstance(wrong, RecursionError) else f"is not JSON: {wrong}"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number there")
