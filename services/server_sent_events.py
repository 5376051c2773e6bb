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
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
    rest, data = "", []
    for chunk in chunks:
        *lines, rest = _LINE_END.split(rest + decode(chunk))
        for line in lines:
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []
        if len(rest) + sum(map(len, data)) > MAX_EVENT:
            raise UnexpectedReply(
                "The endpoint sent an event that does not end.",
                "Read the start of it in the inspector, and tell the endpoint's owner.",
            )
    rest = (rest + decode(b"", final=True)).rstrip("\r")
    if rest.startswith("data:"):
        data.append(rest[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)
