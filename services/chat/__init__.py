"""Chat with a serving endpoint: a typed request in, deltas out, folded into a reply that a page can watch.

``stream_chat`` is the exchange, ``send_chat`` the same at once; ``ChatJob`` runs it in a thread of its own, and ``ChatReply`` is
what has arrived so far.
"""

from services.chat.exchange import send_chat, stream_chat
from services.chat.job import ChatJob
from services.chat.metrics import ChatMetrics, measured
from services.chat.parameters import PARAMETERS, ChatParameters, Parameter
from services.chat.preview import preview
from services.chat.reply import ChatReply
from services.chat.request import ChatRequest, Message, check
from services.chat.wire import ChatDelta, Usage, chat_to_wire
from services.jobs import Bell, Outcome

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
    "preview",
    "send_chat",
    "stream_chat",
]
