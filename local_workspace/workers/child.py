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
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

import uvicorn
from starlette.types import ASGIApp

Made = TypeVar("Made")
Answer = Callable[[bytes], AsyncGenerator[bytes, None]]
MAX_QUESTION_BYTES = 64 * 1024 * 1024


def serve(make_app: Callable[[dict[str, Any]], ASGIApp]) -> NoReturn:
    """Make the app of the order that stdin brings, serve it, and end with stdin. `make_app` may raise: that is told."""
    _live(make_app, _serve_app)


def serve_lines(make_answer: Callable[[dict[str, Any]], Answer]) -> NoReturn:
    """The same without HTTP, for streams of small pieces: a connection brings one line, and gets those of the answer to it.

    A caller that hangs up cancels the answer.
    """
    _live(make_answer, _serve_lines)


def _live(
    make: Callable[[dict[str, Any]], Made], serve_made: Callable[[Made, str, TextIO], Awaitable[None]]
) -> NoReturn:
    word = _keep_stdout()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    order = json.loads(sys.stdin.buffer.readline())
    socket_path = str(order.pop("socket"))
    threading.Thread(target=_end_with_stdin, args=(socket_path,), daemon=True).start()
    try:
        made = make(order)
    except BaseException as error:  # a model may call sys.exit
        logging.getLogger(__name__).error("It cannot be loaded.", exc_info=True)
        _say(word, {"problem": f"{type(error).__name__}: {error}"[:2000]})
        os._exit(1)
    asyncio.run(_awaited(serve_made(made, socket_path, word)))
    os._exit(0)


async def _awaited(work: Awaitable[None]) -> None:
    await work


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


async def _serve_app(app: ASGIApp, socket_path: str, word: TextIO) -> None:
    server = uvicorn.Server(uvicorn.Config(app, uds=socket_path, log_config=None, access_log=False, ws="none"))

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.005)
        _say(word, {})

    telling = asyncio.create_task(tell())
    await server.serve()
    telling.cancel()


async def _serve_lines(answer: Answer, socket_path: str, word: TextIO) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readline()
        work = asyncio.ensure_future(_write_lines(answer(question), writer))
        hang_up = asyncio.ensure_future(reader.read(1))  # nothing more is sent, so this ends with the caller
        try:
            await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        except ConnectionError:
            pass  # the caller went while a line was written
        finally:
            for task in (work, hang_up):
                task.cancel()
            await asyncio.gather(work, hang_up, return_exceptions=True)
            writer.close()

    server = await asyncio.start_unix_server(connected, socket_path, limit=MAX_QUESTION_BYTES)
    _say(word, {})
    await server.serve_forever()


async def _write_lines(lines: AsyncGenerator[bytes, None], writer: asyncio.StreamWriter) -> None:
    async with aclosing(lines):
        async for line in lines:
            writer.write(line + b"\n")
            await writer.drain()


def _say(word: TextIO, value: dict[str, str]) -> None:
    word.write(json.dumps(value) + "\n")
    word.flush()
