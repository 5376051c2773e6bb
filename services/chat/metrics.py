"""Speed and size of a reply, from its wire record. What was not measured or reported is None, never a guess."""

from dataclasses import dataclass

from services.chat.reply import ChatReply
from services.wire_record import WireRecord


@dataclass(frozen=True)
class ChatMetrics:
    """Seconds and tokens of one exchange."""

    first_token_seconds: float | None
    """From the call's begin to the first piece of the answer: text, or reasoning where that came first."""
    total_seconds: float | None
    """From the call's begin to the last event or byte of the reply."""
    tokens_per_second: float | None
    """Completion tokens after the first, over the time after the first: None without usage or without streaming."""
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None
    finish_reasons: tuple[str, ...]


def measured(reply: ChatReply, record: WireRecord) -> ChatMetrics:
    """The metrics of what has arrived so far."""
    usage = reply.usage
    completion = usage.completion_tokens if usage else None
    first, total = reply.first_piece_after, record.finished_after
    rate = None
    if record.streamed and completion and completion > 1 and first is not None and total is not None and total > first:
        rate = (completion - 1) / (total - first)
    return ChatMetrics(
        first_token_seconds=first if record.streamed else None,
        total_seconds=total,
        tokens_per_second=rate,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=completion,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        finish_reasons=tuple(
            answer.finish_reason for _, answer in sorted(reply.answers.items()) if answer.finish_reason
        ),
    )
