"""A websocket as the request log sees it: its opening handshake, the messages that came, how many went, and its end."""

from starlette.types import Message, Receive, Send

from local_workspace.web.request_log import Entry

SWITCHED = 101
LOST = {1005, 1006}  # what uvicorn says when a connection ends without a closing frame


class WebsocketRecorder:
    """The `receive` and `send` of one websocket. `finished` is whether one side closed it properly."""

    def __init__(self, receive: Receive, send: Send, entry: Entry, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self._entry = entry
        self._id_header = (b"x-request-id", request_id.encode())
        self.finished = False

    async def receive(self) -> Message:
        """The next ASGI message from the caller."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._entry.add_to_body(message.get("bytes") or (message.get("text") or "").encode())
        elif message["type"] == "websocket.disconnect":
            self.finished = self.finished or message.get("code") not in LOST
        return message

    async def send(self, message: Message) -> None:
        """Pass one ASGI message to the caller."""
        kind = message["type"]
        if kind in {"websocket.accept", "websocket.http.response.start"}:
            self._entry.status = message.get("status", SWITCHED)
            message["headers"] = [*message.get("headers", []), self._id_header]
        await self._send(message)
        # Only what could be sent counts: the caller may be gone.
        if kind == "websocket.send":
            self._entry.sent_events += 1
        elif kind == "websocket.close" or (kind == "websocket.http.response.body" and not message.get("more_body")):
            self.finished = True
