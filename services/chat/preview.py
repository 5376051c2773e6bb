"""What a request will send, for people: its body with the messages left out."""

import json

from services.chat.request import ChatRequest
from services.chat.wire import chat_to_wire


def preview(request: ChatRequest) -> str:
    """The body as indented JSON, the messages only counted. Raises BadInput for a parameter that cannot be sent."""
    body = chat_to_wire(request)
    count = len(request.messages)
    body["messages"] = ["…"] if count == 1 else [f"… {count} messages"]
    return json.dumps(body, indent=2, ensure_ascii=False)
