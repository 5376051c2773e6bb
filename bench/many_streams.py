"""Many streamed replies at once, read with as little work as Python allows: so that the server is what is measured."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TOKEN = b'"content"'


@dataclass
class Stream:
    """One streamed reply. `seen` is when each token arrived, on time.time()'s clock."""

    prompt: str
    status: int = 0
    seen: list[float] = field(default_factory=list)
    ended: bool = False


async def read_streams(url: str, path: str, token: str, bodies: list[dict], spread_seconds: float) -> list[Stream]:
    """Ask for all of `bodies` and read every reply to its end. They begin over `spread_seconds`, as visitors would."""
    streams = [Stream(body["messages"][-1]["content"]) for body in bodies]

    async def one(place: int) -> None:
        await asyncio.sleep(spread_seconds * place / len(bodies))
        await read_stream(url, path, token, bodies[place], streams[place])

    await asyncio.gather(*(one(place) for place in range(len(bodies))))
    return streams


async def read_stream(url: str, path: str, token: str, body: dict, stream: Stream) -> None:
    parts = urlsplit(url)
    content = json.dumps(body).encode()
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
    )
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        stream.status = int((await reader.readline()).split()[1])
        tail = b""
        while piece := await reader.read(1 << 16):
            now = time.time()
            text = tail + piece
            stream.seen += [now] * text.count(TOKEN)
            stream.ended = stream.ended or b"[DONE]" in text
            tail = text[max(0, len(text) - len(TOKEN) + 1) :]
    finally:
        writer.close()
