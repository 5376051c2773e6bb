"""The gateway's process: `python -m local_workspace.external_models.gateway_worker`. mlflow lives here, out of the workspace.

`POST /ask` takes a Question as JSON and answers lines, each a letter and JSON: one `R` with the whole reply; or a `C` for
each chunk of a stream and a `D` at its end; or an `F` with a Failure, at first or after chunks. A caller that hangs up
cancels the call to the provider.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace.workers import child


def make_app(_: dict[str, Any]) -> ASGIApp:
    """The app, once mlflow is imported, which takes seconds."""
    from local_workspace.external_models import asking, upstream

    upstream.install()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        question = asking.Question(**json.loads(await _body(receive)))
        work = asyncio.ensure_future(_send_lines(asking.lines(question), send))
        hang_up = asyncio.ensure_future(_hang_up(receive))
        try:
            await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        finally:
            for task in (work, hang_up):
                task.cancel()
            await asyncio.gather(work, hang_up, return_exceptions=True)

    return app


async def _send_lines(lines: AsyncGenerator[bytes, None], send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    async with aclosing(lines):
        async for line in lines:
            await send({"type": "http.response.body", "body": line + b"\n", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Receive) -> bytes:
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


if __name__ == "__main__":
    child.serve(make_app)
