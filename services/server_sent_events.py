"""Read server-sent events from chunks of bytes.

Our own and not a library's, because the wire record needs every event's text as it came, also the broken ones, and because
limits are needed against an endpoint that never ends a line. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import codecs
import re
from collections.abc import Iterable, Iterator

from services.errors import UnexpectedReply

MAX_EVENT = 4_000_000
"""Characters an event may have before its end is given up."""
_LINE_END = re.compile(r"\r\n|\n|\r(?!$)")


def event_data(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each event, in order, as soon as its end has arrived.

    A character or a line may be split across chunks anywhere. Comments, event names, ids and events without data are
    passed over. An event cut off by the end of the stream is yielded all the same: what arrived is not thrown away.
    Raises UnexpectedReply when an event grows beyond MAX_EVENT characters.
    """
    data: list[str] = []
    size = 0
    for line in _lines(chunks):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
            size += len(line) + 1
            if size > MAX_EVENT:
                raise _endless()
        elif not line and data:
            yield "\n".join(data)
            data, size = [], 0
    if data:
        yield "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines without their ends. A line that is still growing is searched once, however many chunks it comes in."""
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
    waiting: list[str] = []
    held = 0
    for chunk in chunks:
        text = decode(chunk)
        may_end = "\n" in text or "\r" in text or "\r" in "".join(waiting[-1:])
        if text:
            waiting.append(text)
            held += len(text)
        if may_end:
            *lines, rest = _LINE_END.split("".join(waiting))
            waiting, held = [rest], len(rest)
            yield from lines
        if held > MAX_EVENT:
            raise _endless()
    rest = ("".join(waiting) + decode(b"", final=True)).removesuffix("\r")
    if rest:
        yield rest


def _endless() -> UnexpectedReply:
    return UnexpectedReply(
        "The endpoint sent an event that does not end.",
        "Read the start of it in the inspector, and tell the endpoint's owner.",
    )
