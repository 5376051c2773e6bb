"""Chat with a serving endpoint: a typed request in, deltas out, folded into a reply that a page can watch.

``stream_chat`` is the exchange, ``ChatJob`` runs it in a thread of its own, ``ChatReply`` is what has arrived so far.
"""

from services.chat.exchange import stream_chat
from services.chat.job import Bell, ChatJob
from services.chat.metrics import ChatMetrics, measured
from services.chat.parameters import PARAMETERS, ChatParameters, Parameter
from services.chat.reply import ChatReply, Outcome
from services.chat.request import ChatRequest, Message, check
from services.chat.wire import ChatDelta, Usage, chat_to_wire

__all__ = [
    "PARAMETERS",
    "Bell",
    "ChatDelta",
    "ChatJob",
    "ChatMetrics",
    "ChatParameters",
    "ChatReply",
    "ChatRequest",
    "Message",
    "Outcome",
    "Parameter",
    "Usage",
    "chat_to_wire",
    "check",
    "measured",
    "stream_chat",
]
