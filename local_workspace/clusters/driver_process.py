"""The example app on the running cluster's driver: a process of its own, there whenever the cluster's driver is."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from itertools import chain
from pathlib import Path

from local_workspace.clusters.records import Cluster, driver_ip
from local_workspace.identity.users import ADMIN, Identities
from local_workspace.options import Options
from local_workspace.workers.worker import end_process

log = logging.getLogger(__name__)

FIRST_PORT, LAST_PORT = 3000, 8000  # what the driver proxy reaches
USUAL_PORT = 7777
ROOT = Path(__file__).parents[2]
RESTART_SECONDS = 0.2
# So many ends within that many seconds after a start, one after the other, and it is not started again.
MAX_EARLY_ENDS = 3
EARLY_SECONDS = 2.0
SERVING_SCOPE = "serving.serving-endpoints"
TOKEN_SECONDS = 366 * 86_400.0


def listen_on_driver_port(besides: int) -> socket.socket | None:
    """A socket that listens on the app's port: 7777 or the next free one, never `besides`; None when none is free.

    Calls wait in its queue until the app accepts them, so the app may start after its port is known.
    """
    for port in chain(range(USUAL_PORT, LAST_PORT), range(FIRST_PORT, USUAL_PORT)):
        if port != besides and (listener := _listen(port)):
            return listener
    log.warning("No port from %s to %s is free, so there is no example driver app.", FIRST_PORT, LAST_PORT)
    return None


def _listen(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((driver_ip(), port))
        listener.listen(128)
    except OSError:
        listener.close()
        return None
    return listener


def driver_environment(identities: Identities, options: Options) -> dict[str, str]:
    """What a notebook on the driver would set for the app: the workspace, and a token that is good for its endpoints only."""
    token = identities.issue_access_token(ADMIN, (SERVING_SCOPE,), TOKEN_SECONDS)
    environment = {"DATABRICKS_HOST": options.host, "DATABRICKS_TOKEN": token}
    return environment | ({"REQUESTS_CA_BUNDLE": options.ca_bundle} if options.ca_bundle else {})


class DriverProcess:
    """The app's process, there while the cluster has a driver. Its port stays the workspace's own: without a process, whoever
    connects is hung up on, and the next process finds its port free.

    `environment` is what the app sees of the workspace: its host, a token, and the file to trust.
    """

    def __init__(self, listener: socket.socket | None, cluster: Cluster, environment: dict[str, str]) -> None:
        self._listener = listener
        self._environment = environment
        self._wanted = cluster
        self._changed = asyncio.Event()

    def watch(self, cluster: Cluster) -> None:
        """Follow a start, restart or termination of the cluster; those of others do not matter."""
        if cluster.cluster_id == self._wanted.cluster_id:
            self._wanted = cluster
            self._changed.set()

    async def run(self) -> None:
        """Keep the app running while the cluster has a driver, until cancelled."""
        if self._listener is None:
            return
        with self._listener as listener:
            while True:
                self._changed.clear()
                await (self._live(listener) if self._wanted.has_driver else self._stay_dead(listener))

    async def _stay_dead(self, listener: socket.socket) -> None:
        """Hang up on whoever connects, until the cluster changes."""
        async with await asyncio.start_server(_hang_up, sock=listener.dup()):
            await self._changed.wait()

    async def _live(self, listener: socket.socket) -> None:
        """One driver's life, until the cluster changes: the app, started again whenever it ends."""
        early_ends = 0
        while not self._changed.is_set():
            began = asyncio.get_running_loop().time()
            await self._live_once(listener)
            lived = asyncio.get_running_loop().time() - began
            early_ends = early_ends + 1 if lived < EARLY_SECONDS else 0
            if early_ends >= MAX_EARLY_ENDS and not self._changed.is_set():
                log.error("The example driver app ended %s times at once; it is not started again.", early_ends)
                await self._stay_dead(listener)  # callers see a dead port instead of waiting for ever

    async def _live_once(self, listener: socket.socket) -> None:
        """The app from its start until it ends or the cluster changes."""
        process = await self._start(listener)
        ended, changed = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({ended, changed}, return_when=asyncio.FIRST_COMPLETED)
            if not changed.done():
                log.warning("The example driver app ended with exit status %s; starting it again.", process.returncode)
                await asyncio.wait({changed}, timeout=RESTART_SECONDS)
        finally:
            for task in (ended, changed):
                task.cancel()
            await end_process(process)

    async def _start(self, listener: socket.socket) -> Process:
        descriptor = listener.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local_workspace.clusters.driver_child"),
            stdin=PIPE,
            stdout=2,  # what it prints belongs to the log
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL") if name in os.environ},
            pass_fds=(descriptor,),
            start_new_session=True,  # Ctrl-C is for the workspace, which ends the app in its own time
        )
        order = {"descriptor": descriptor, "environment": self._environment}
        if process.stdin:
            with contextlib.suppress(ConnectionError):  # it ended at once, which is seen by its exit status
                process.stdin.write(json.dumps(order).encode() + b"\n")
                await process.stdin.drain()
        return process


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
