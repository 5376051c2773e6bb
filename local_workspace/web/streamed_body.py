"""A request's body passed on as it comes: for the paths whose requests may be of any size."""

import asyncio

from starlette.types import Message, Receive

from local_workspace.web.request_log import Entry

# Path prefixes whose request bodies are not read first, not limited, and logged up to the log's own limit.
STREAMED = ("/driver-proxy-api/", "/driver-proxy/", "/api/2.0/mlflow-artifacts/")
READ_AHEAD = 16  # messages of about 64 kB; a caller's end is noticed only while reading


class StreamedBody:
    """Both ends of one body: `read_ahead()` takes it from the caller, `receive()` is what the application is given."""

    def __init__(self, receive: Receive, entry: Entry) -> None:
        self._receive = receive
        self._entry = entry
        self._pieces: asyncio.Queue[Message] = asyncio.Queue(READ_AHEAD)

    async def read_ahead(self) -> None:
        """Read, at most READ_AHEAD messages ahead of the application. Returns when the caller hangs up."""
        complete = False
        while (message := await self._receive())["type"] != "http.disconnect":
            if not complete:
                self._entry.add_to_body(message.get("body", b""))
                await self._pieces.put(message)
                complete = not message.get("more_body", False)

    async def receive(self) -> Message:
        """The next piece. After the last it waits: the end of the caller arrives as a cancellation."""
        return await self._pieces.get()
