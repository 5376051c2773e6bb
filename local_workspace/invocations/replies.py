"""From llama.cpp's chunks to the platform's: names, usage once at the end, nothing of this machine.

A reply that is not streamed is the sum of its chunks. llama.cpp's own sum counts the tokens of one choice only.
"""

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

Chunk = dict[str, Any]
Chunks = AsyncGenerator[Chunk, None]


class Reply:
    """One answer in the making.

    `prompts` is how many prompts were sent: several choices share the tokens of one. `alternatives` is how many tokens
    to show beside each one said, where log probabilities were asked for.
    """

    def __init__(self, model: str, *, is_chat: bool, prompts: int = 1, alternatives: int = 0) -> None:
        self._is_chat = is_chat
        self._prompts = prompts
        self._alternatives = alternatives
        self._prompt_tokens: list[int] = []
        self._completion_tokens = 0
        self._characters: dict[int, int] = {}
        kind, prefix = ("chat.completion", "chatcmpl") if is_chat else ("text_completion", "cmpl")
        self._head = {"id": f"{prefix}-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}

    async def stream(self, chunks: Chunks, *, with_usage: bool) -> Chunks:
        """The chunks of a streamed reply; `with_usage` adds a last one that has usage and no choices."""
        async with aclosing(self._choices(chunks)) as choices:
            async for choice, _ in choices:
                yield self._stream_head() | {"choices": [choice]}
        if with_usage:
            yield self._stream_head() | {"choices": [], "usage": self._usage()}

    async def stream_counting(self, chunks: Chunks) -> Chunks:
        """The chunks with the usage so far on each that has a count, as the Foundation Model API does it; none at the end."""
        counts: dict[int, tuple[int, int]] = {}
        async with aclosing(self._choices(chunks)) as choices:
            async for choice, timings in choices:
                if timings:
                    counts[choice["index"]] = (timings["cache_n"] + timings["prompt_n"], timings["predicted_n"])
                chunk = self._stream_head() | {"choices": [choice]}
                prompt = max((prompt for prompt, _ in counts.values()), default=0)
                said = sum(completion for _, completion in counts.values())
                yield chunk | ({"usage": _usage(prompt, said)} if counts else {})

    async def whole(self, chunks: Chunks) -> Chunk:
        """The reply in one piece, once the model has ended."""
        sums: dict[int, Chunk] = {}
        async with aclosing(self._choices(chunks)) as choices:
            async for choice, _ in choices:
                _add(sums.setdefault(choice["index"], self._empty(choice["index"])), choice)
        return self._head | {"choices": [sums[index] for index in sorted(sums)], "usage": self._usage()}

    def _stream_head(self) -> Chunk:
        return self._head | {"object": "chat.completion.chunk"} if self._is_chat else self._head

    def _usage(self) -> dict[str, int]:
        prompt = sum(self._prompt_tokens) if self._prompts > 1 else max(self._prompt_tokens, default=0)
        return _usage(prompt, self._completion_tokens)

    async def _choices(self, chunks: Chunks) -> AsyncGenerator[tuple[Chunk, dict[str, int] | None], None]:
        begun: set[int] = set()
        async with aclosing(chunks):
            async for chunk in chunks:
                self._count(chunk)
                for choice in chunk["choices"]:
                    if self._is_chat and choice["index"] not in begun and "role" not in choice["delta"]:
                        # llama.cpp forgets the role when its first token is half a character.
                        yield _first(choice["index"]), None
                    begun.add(choice["index"])
                    yield self._clean(choice), chunk.get("timings")

    def _count(self, chunk: Chunk) -> None:
        if usage := chunk.get("usage"):
            self._prompt_tokens.append(usage["prompt_tokens"])
            self._completion_tokens += usage["completion_tokens"]

    def _clean(self, choice: Chunk) -> Chunk:
        cleaned: Chunk = {"index": choice["index"]}
        if self._is_chat:
            delta = choice["delta"]
            cleaned["delta"] = delta | {"content": ""} if delta.get("content", "") is None else delta
        else:
            cleaned["text"] = choice["text"]
        cleaned["finish_reason"] = choice["finish_reason"]
        if choice.get("logprobs"):
            entries = [_token(entry, self._alternatives) for entry in choice["logprobs"]["content"]]
            cleaned["logprobs"] = {"content": entries} if self._is_chat else self._legacy(choice["index"], entries)
        return cleaned

    def _legacy(self, index: int, entries: list[Chunk]) -> Chunk:
        """Log probabilities as completions have them: four lists, one item a token."""
        offsets = []
        for entry in entries:
            offsets.append(self._characters.get(index, 0))
            self._characters[index] = offsets[-1] + len(entry["token"])
        return {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [{top["token"]: top["logprob"] for top in entry["top_logprobs"]} for entry in entries],
            "text_offset": offsets,
        }

    def _empty(self, index: int) -> Chunk:
        said: Chunk = {"message": {"role": "assistant", "content": ""}} if self._is_chat else {"text": ""}
        return {"index": index} | said | {"finish_reason": None}


def _add(total: Chunk, choice: Chunk) -> None:
    if "message" in total:
        total["message"]["content"] += choice["delta"].get("content", "")
    else:
        total["text"] += choice["text"]
    total["finish_reason"] = choice["finish_reason"] or total["finish_reason"]
    for name, items in choice.get("logprobs", {}).items():
        total.setdefault("logprobs", {}).setdefault(name, []).extend(items)


def _first(index: int) -> Chunk:
    return {"index": index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}


def _token(entry: Chunk, alternatives: int) -> Chunk:
    """A token's log probability, and its alternatives', without llama.cpp's token ids."""
    kept: Chunk = {name: entry[name] for name in ("token", "bytes", "logprob")}
    if "top_logprobs" in entry:
        kept["top_logprobs"] = [_token(top, 0) for top in entry["top_logprobs"][:alternatives]]
    return kept


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
