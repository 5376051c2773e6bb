"""A script in place of the model: the fault `scripted-RATE-COUNT`. It claims to be nothing else: its model is "scripted".

Tests of streams need words at a known pace and text that breaks naive readers, not a model's opinion.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Any

NAME = "scripted"
WORDS = ("Brick ", "벽돌 ", "**bold** ", "🧱🏽 ", "`code` ", "한국어 ", "café ", "👩‍👩‍👧‍👦 ", "- item\n", "end.\n\n")


class ScriptedModel:
    """`count` words at `rate` a second, in the shape of llama.cpp's chunks. Rate 0 means without a pause."""

    def __init__(self, rate: float, count: int) -> None:
        self._rate = rate
        self._count = count

    async def chunks(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """What `TextModel.chunks` would yield, had the model said the words of the script, for each of `n` choices."""
        is_chat = path.endswith("/chat/completions")
        prompt_tokens = len(str(body.get("messages") or body.get("prompt")).split())
        indexes = range(body.get("n", 1))
        if is_chat:
            for index in indexes:
                yield _chunk({"index": index, "delta": {"role": "assistant", "content": None}}, prompt_tokens, 0)
        began = asyncio.get_running_loop().time()
        words = itertools.islice(itertools.cycle(WORDS), self._count)
        for place, word in enumerate(words, start=1):
            # An absolute schedule: a late word does not delay those after it.
            due = began + place / self._rate if self._rate else 0.0
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            for index in indexes:
                said = {"delta": {"content": word}} if is_chat else {"text": word}
                yield _chunk({"index": index} | said, prompt_tokens, place)
        for index in indexes:
            ended: dict[str, Any] = {"delta": {}} if is_chat else {"text": ""}
            yield _chunk({"index": index, "finish_reason": "stop"} | ended, prompt_tokens, self._count)
            usage = {"prompt_tokens": prompt_tokens, "completion_tokens": self._count}
            yield {"choices": [], "usage": usage}


def _chunk(choice: dict[str, Any], prompt_tokens: int, predicted: int) -> dict[str, Any]:
    timings = {"cache_n": 0, "prompt_n": prompt_tokens, "predicted_n": predicted}
    return {"choices": [{"finish_reason": None} | choice], "timings": timings}
