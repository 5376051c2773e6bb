"""A child process that serves one thing over HTTP on a private Unix socket: the child's side of it.

stdin brings one JSON line, the order, and then stays open until the workspace ends, however it ends. The first stdout gets
one JSON line, `{}` or `{"problem": "..."}`. Whatever the served code prints goes to stderr, which the workspace keeps as log.
"""

import asyncio
import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO

import uvicorn
from starlette.types import ASGIApp


def serve(make_app: Callable[[dict[str, Any]], ASGIApp]) -> NoReturn:
    """Make the app of the order that stdin brings, serve it, and end with stdin. `make_app` may raise: that is told."""
    word = _keep_stdout()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    order = json.loads(sys.stdin.buffer.readline())
    socket_path = str(order.pop("socket"))
    threading.Thread(target=_end_with_stdin, args=(socket_path,), daemon=True).start()
    try:
        app = make_app(order)
    except BaseException as error:  # a model may call sys.exit
        logging.getLogger(__name__).error("It cannot be loaded.", exc_info=True)
        _say(word, {"problem": f"{type(error).__name__}: {error}"[:2000]})
        os._exit(1)
    asyncio.run(_serve(app, socket_path, word))
    os._exit(0)


def _keep_stdout() -> TextIO:
    """Our own handle on stdout; file descriptor 1 is stderr from now on, also for native code."""
    word = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return word


def _end_with_stdin(socket_path: str) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    shutil.rmtree(Path(socket_path).parent, ignore_errors=True)  # the workspace may be gone without having done so
    os._exit(0)


async def _serve(app: ASGIApp, socket_path: str, word: TextIO) -> None:
    server = uvicorn.Server(uvicorn.Config(app, uds=socket_path, log_config=None, access_log=False, ws="none"))

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.005)
        _say(word, {})

    telling = asyncio.create_task(tell())
    await server.serve()
    telling.cancel()


def _say(word: TextIO, value: dict[str, str]) -> None:
    word.write(json.dumps(value) + "\n")
    word.flush()
