"""Transforms to begin with, each with a sample of what it is for. Plain data: only the sandbox runs their sources."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.transforms.envelope import Envelope


class Takes(StrEnum):
    """What kind of call a starter is written for."""

    PROMPT = "a prompt: custom models and driver apps"
    CHAT = "chat"
    ANY = "any call"


@dataclass(frozen=True)
class Starter:
    """One of them."""

    title: str
    does: str
    """What it does, as a sentence."""
    takes: Takes
    source: str
    asks: Takes = Takes.CHAT
    """What kind of endpoint it stands in front of: a custom model (PROMPT), a chat endpoint, or any."""
    envelope: Envelope = Envelope.BODY
    request: Any = None
    """A sample for its ``transform_input``; None where it has none."""
    response: Any = None
    """A sample for its ``transform_output``; None where it has none."""


_RECORD = (Takes.PROMPT, Envelope.RECORD)
_ASKED = {"prompt": "How are you?", "stop": ["."]}
_ANSWERED = "I am doing great, thank you."


def _completion(content: Any, **message: Any) -> dict[str, Any]:
    """A chat completion's reply with that answer."""
    answer = {"role": "assistant", "content": content, **message}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}]}


_BE_CONCISE = '''\
def transform_input(**request):
    full_prompt = f"""{request["prompt"]}
    Be Concise.
    """
    request["prompt"] = full_prompt
    return request
'''

_UPPER_CASE = """\
def transform_output(response):
    return response.upper()
"""

_CHAT_FROM_PROMPT = """\
# A chat endpoint, asked with a prompt: it takes messages, and its answer is in choices.
def transform_input(prompt, **others):
    return {"messages": [{"role": "user", "content": prompt}], **others}


def transform_output(response):
    return response["choices"][0]["message"]["content"]
"""

_DATAFRAME = """\
# An MLflow model: one record in, the first prediction out.
def transform_input(**request):
    return {"dataframe_records": [request]}


def transform_output(response):
    predictions = response["predictions"]
    return predictions[0] if isinstance(predictions, list) and predictions else predictions
"""

_UNWRAP = """\
# The texts of the answers, of chat and of completions; one of them alone is no list.
def text_of(choice):
    content = choice["message"]["content"] if "message" in choice else choice["text"]
    if isinstance(content, list):  # in parts, from a model that reasons
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return content


def transform_output(response):
    texts = [text_of(choice) for choice in response["choices"]]
    return texts[0] if len(texts) == 1 else texts
"""

_STRIP_REASONING = r"""
# What a model thought before it answered: between <think> and </think>, in parts of its own, or in a field of its own.
import re

THOUGHT = re.compile(r"<think>.*?(</think>|\Z)\s*", re.DOTALL)


def transform_output(response):
    for choice in response["choices"]:
        message = choice["message"]
        message.pop("reasoning_content", None)
        if isinstance(message["content"], list):
            message["content"] = [part for part in message["content"] if part.get("type") != "reasoning"]
        elif message["content"]:
            text = THOUGHT.sub("", message["content"])
            # Some models are made to think: their <think> is in the prompt, and only </think> in the answer.
            message["content"] = text.split("</think>", 1)[-1].lstrip() if "</think>" in text else text
    return response
""".lstrip()

_REDACT = r"""
# E-mail addresses, telephone numbers and keys, wherever they are: before a request leaves, and in what comes back.
import re

HIDDEN = {
    "[key]": r"\b(?:sk-|pk-|dapi|ghp_|github_pat_|hf_|xox[abp]-|AKIA|AIza)[\w-]{12,}|\bey[\w-]{10,}\.ey[\w-]{10,}\.[\w-]+",
    "[e-mail]": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "[phone]": r"(?<![\w+])(?:\+\d(?:[ ().-]{0,2}\d){7,14}|\(?0\d{1,4}\)?[ -]\d{3,4}[ -]?\d{3,4}"
    r"|\(?\d{3}\)?[ -]\d{3}-\d{4})(?!\w)",
}


def redacted(value):
    if isinstance(value, str):
        for name, pattern in HIDDEN.items():
            value = re.sub(pattern, name, value)
    elif isinstance(value, list):
        return [redacted(one) for one in value]
    elif isinstance(value, dict):
        return {name: redacted(one) for name, one in value.items()}
    return value


def transform_input(**request):
    return redacted(request)


def transform_output(response):
    return redacted(response)
""".lstrip()

_SYSTEM_MESSAGE = """\
SAY = "Answer in one sentence, in plain words."


def transform_input(**request):
    messages = list(request["messages"])
    if messages and messages[0]["role"] == "system":
        messages[0] = {**messages[0], "content": messages[0]["content"] + "\\n\\n" + SAY}
    else:
        messages.insert(0, {"role": "system", "content": SAY})
    return {**request, "messages": messages}
"""

_JSON = """\
# The first JSON object or array in the answer, with or without a fence around it.
import json


def transform_output(response):
    text = response["choices"][0]["message"]["content"]
    for place, sign in enumerate(text):
        if sign in "{[":
            try:
                return json.JSONDecoder().raw_decode(text, place)[0]
            except ValueError:
                pass  # a brace of its prose; go on looking
    raise ValueError("There is no JSON in the answer: " + text[:100])
"""

STARTERS = (
    Starter(
        "Be concise",
        "Puts a template around the prompt. The line break and the spaces in it are sent, too.",
        Takes.PROMPT,
        _BE_CONCISE,
        *_RECORD,
        _ASKED,
    ),
    Starter("Upper case", "Makes the answer loud.", Takes.PROMPT, _UPPER_CASE, *_RECORD, response=_ANSWERED),
    Starter(
        "Chat from a prompt",
        "Asks a chat endpoint with a prompt, and gives the answer as a text.",
        Takes.PROMPT,
        _CHAT_FROM_PROMPT,
        request=_ASKED,
        response=_completion(_ANSWERED),
    ),
    Starter(
        "Dataframe wrapper",
        "Sends the fields as one record, and gives the first prediction.",
        Takes.PROMPT,
        _DATAFRAME,
        Takes.PROMPT,
        request=_ASKED,
        response={"predictions": [_ANSWERED]},
    ),
    Starter(
        "Unwrap the answer",
        "Gives the text of the answer instead of the whole reply.",
        Takes.CHAT,
        _UNWRAP,
        response=_completion(_ANSWERED),
    ),
    Starter(
        "Strip reasoning",
        "Leaves out what the model thought before it answered.",
        Takes.CHAT,
        _STRIP_REASONING,
        response=_completion("<think>\nThey ask how I am.\n</think>\n\nFine.", reasoning_content="They ask how I am."),
    ),
    Starter(
        "Redact",
        "Hides e-mail addresses, telephone numbers and keys, on the way out and on the way back.",
        Takes.ANY,
        _REDACT,
        Takes.ANY,
        request={
            "messages": [
                {
                    "role": "user",
                    "content": "Write to ann@example.com or call +82 10-1234-5678 by 2026-11-22. Key: sk-abcdefghijklmnop",
                }
            ]
        },
        response=_completion("Ann's number is (02) 123-4567, and 3.14159265 is not one."),
    ),
    Starter(
        "Add a system message",
        "Says to the model how to answer, whatever the conversation says.",
        Takes.CHAT,
        _SYSTEM_MESSAGE,
        request={"messages": [{"role": "user", "content": "How are you?"}]},
    ),
    Starter(
        "JSON out of the answer",
        "Gives the JSON that is in the answer's text, as JSON.",
        Takes.CHAT,
        _JSON,
        response=_completion('Here {it} is:\n```json\n{"mood": "fine", "score": 9}\n```\nAnything else?'),
    ),
)
