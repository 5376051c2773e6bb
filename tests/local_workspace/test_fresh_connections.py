"""Calls that are cancelled at any moment leave no connection behind."""

import asyncio
import contextlib

import httpx
import psutil
import pytest

from local_workspace.web.fresh_connections import FreshConnections

STEPS = 40  # of the event loop; a whole call takes fewer
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, EOFError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read(1)
    writer.close()


async def cancel_after_each_step(client: httpx.AsyncClient, url: str) -> None:
    for steps in range(STEPS):
        calling = asyncio.ensure_future(client.get(url))
        for _ in range(steps):
            await asyncio.sleep(0)
        calling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await calling


@pytest.mark.parametrize("is_unix", [False, True])
def test_a_call_cancelled_after_any_step_closes_its_connection(tmp_path, is_unix):
    async def run() -> tuple[str, int]:
        path = str(tmp_path / "socket")
        server = await (asyncio.start_unix_server(answer, path) if is_unix else asyncio.start_server(answer, "::1"))
        port = 0 if is_unix else server.sockets[0].getsockname()[1]
        transport = FreshConnections(path if is_unix else None)
        async with server, httpx.AsyncClient(transport=transport, trust_env=False) as client:
            before = psutil.Process().num_fds()
            await cancel_after_each_step(client, f"http://[::1]:{port}/")
            text = (await client.get(f"http://[::1]:{port}/")).text
            for _ in range(200):  # the server's side closes a little later
                if psutil.Process().num_fds() <= before:
                    break
                await asyncio.sleep(0.01)
            return text, psutil.Process().num_fds() - before

    text, left = asyncio.run(run())
    assert text == "hi"
    assert left <= 0
