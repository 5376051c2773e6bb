"""A call that was made, as a sample for the next one: what was asked, and the whole reply. Pure."""

from typing import Any

from services.foreign_json import read_json
from services.invocation.whole import whole_of_events
from services.wire_record import WireRecord

MOST_BYTES = 1_000_000
"""Of a reply."""


def exchanged(record: WireRecord) -> tuple[Any, Any] | None:
    """What was asked, before any transform, and the reply as it came; None where one of them is no JSON, or not kept."""
    if record.forgotten or record.reply_bytes > MOST_BYTES:
        return None
    try:
        asked = read_json(record.request_body)
        events = [event.data for event in record.events]
        reply = whole_of_events(events) if record.streamed else read_json(record.reply_body)
    except ValueError:
        return None
    shaped = record.trace.input if record.trace else None
    return (shaped.before if shaped else asked), reply
