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


async def cancelled_calls(where: dict[str, str], uds: str | None) -> int:
    """How many calls ended by themselves, of one cancelled after each number of steps."""
    complete = 0
    async with httpx.AsyncClient(transport=FreshConnections(uds), trust_env=False) as client:
        for steps in range(STEPS):
            calling = asyncio.ensure_future(client.get(where["url"]))
            for _ in range(steps):
                await asyncio.sleep(0)
            calling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                complete += (await calling).text == "hi"
        complete += (await client.get(where["url"])).text == "hi"
    return complete


@pytest.mark.parametrize("is_unix", [False, True])
def test_a_call_cancelled_after_any_step_closes_its_connection(tmp_path, is_unix):
    async def run() -> tuple[int, int]:
        path = str(tmp_path / "socket")
        server = await (asyncio.start_unix_server(answer, path) if is_unix else asyncio.start_server(answer, "::1"))
        port = 0 if is_unix else server.sockets[0].getsockname()[1]
        async with server:
            before = psutil.Process().num_fds()
            complete = await cancelled_calls({"url": f"http://[::1]:{port}/"}, path if is_unix else None)
            for _ in range(1000):  # the server's side closes a little later
                if psutil.Process().num_fds() <= before:
                    break
                await asyncio.sleep(0.01)
            return complete, psutil.Process().num_fds() - before

    complete, left = asyncio.run(run())
    assert complete >= 1
    assert left <= 0
