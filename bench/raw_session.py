"""A Streamlit session without a browser: the websocket and its protocol buffers, for many visitors at once."""

import re
import time
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

TOKEN = re.compile(rb"\bt(\d+)\b")
TAIL = 400  # the newest token of a message is in its last bytes
FINISHED = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}


@dataclass
class RawSession:
    """One visitor. `open` loads the page and finds its chat input; `ask` sends a prompt and reads to the script's end."""

    url: str  # http://host:port
    page: str = ""
    query: str = ""
    chat_input: str = ""
    page_hash: str = ""
    bytes: int = 0
    socket: websockets.ClientConnection | None = field(default=None, repr=False)

    async def open(self):
        address = self.url.replace("http://", "ws://") + "/_stcore/stream"
        self.socket = await websockets.connect(
            address, subprotocols=["streamlit"], origin=self.url, max_size=None, ping_interval=None, compression=None
        )
        await self.rerun()
        async for message in self.messages():
            if message.HasField("new_session"):
                self.page_hash = message.new_session.page_script_hash
            if message.HasField("navigation"):  # an app of several pages says here which one it shows
                self.page_hash = message.navigation.page_script_hash
            element = message.delta.new_element
            if message.HasField("delta") and element.HasField("chat_input"):
                self.chat_input = element.chat_input.id
            if is_end(message) and self.chat_input:
                return

    async def rerun(self, prompt: str | None = None):
        back = BackMsg()
        back.rerun_script.query_string = self.query
        back.rerun_script.page_name = self.page
        back.rerun_script.page_script_hash = self.page_hash
        back.rerun_script.context_info.url = f"{self.url}/{self.page}"
        if prompt is not None:
            state = back.rerun_script.widget_states.widgets.add(id=self.chat_input)
            state.chat_input_value.data = prompt
        await self.socket.send(back.SerializeToString())

    async def messages(self):
        async for raw in self.socket:
            self.bytes += len(raw)
            yield ForwardMsg.FromString(raw)

    async def ask(self, prompt: str, tokens: int) -> tuple[float, float]:
        """Seconds until the last token had arrived, and until the script had finished after it."""
        sent = time.perf_counter()
        await self.rerun(prompt)
        last_token = None
        async for raw in self.socket:
            self.bytes += len(raw)
            if last_token is None and newest_token(raw) == tokens - 1:
                last_token = time.perf_counter() - sent
            # Only the small messages are parsed: a client that is busy would make the server look slow.
            if last_token is not None and len(raw) < TAIL and is_end(ForwardMsg.FromString(raw)):
                return last_token, time.perf_counter() - sent
        raise ConnectionError("the server closed the session")

    async def close(self):
        if self.socket:
            await self.socket.close()


def newest_token(raw: bytes) -> int:
    return max((int(found) for found in TOKEN.findall(raw[-TAIL:])), default=-1)


def is_end(message: ForwardMsg) -> bool:
    return message.HasField("script_finished") and message.script_finished in FINISHED
