"""Many visitors at once, each reading one answer: does the server keep up with the endpoint?"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.processes import MeasureFailed, Server
from bench.raw_session import RawSession
from bench.report import Row, at_most
from bench.scripted_endpoint import WARM_UP, WARM_UP_SCRIPT, Script, script_of
from bench.setup import Setup
from bench.subjects import WRITE_STREAM, Subject

OPEN_SECONDS = 120
SLOWEST = 1.08


def sessions(setup: Setup) -> list[Row]:
    names = setup.names(WRITE_STREAM)
    slowest, cpu, megabytes = dict.fromkeys(names), dict.fromkeys(names), dict.fromkeys(names)
    script = script_of(setup.sizes.session)
    for subject in setup.with_brickyard(WRITE_STREAM):
        with setup.attempt(subject), subject.started(setup.workspace) as server:
            first = Visitors(setup.sizes.session, subject, server, 1, WARM_UP, WARM_UP_SCRIPT)
            in_own_loop(first.together())  # pays for the imports
            cpu_before = server.cpu_seconds()
            visitors = Visitors(setup.sizes.session, subject, server, setup.sizes.sessions, "visitor", script)
            seconds, received = in_own_loop(visitors.together())
            cpu[subject.name] = server.cpu_seconds() - cpu_before
            slowest[subject.name] = seconds / visitors.ideal
            megabytes[subject.name] = received / 1e6
    size = f"{setup.sizes.sessions} sessions"
    return [
        Row(f"slowest of {size} / ideal", "x", slowest, **at_most(SLOWEST)),
        Row(f"server CPU, {size}", "s", cpu),
        Row(f"sent to {size}, page included", "MB", megabytes),
    ]


def in_own_loop(work):
    """The browser driver keeps this thread's event loop running, so asyncio needs another thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass(frozen=True)
class Visitors:
    endpoint: str
    subject: Subject
    server: Server
    count: int
    purpose: str
    script: Script

    @property
    def ideal(self) -> float:
        return self.script.tokens / self.script.rate

    async def together(self) -> tuple[float, int]:
        """Open all sessions, then send all prompts at once: seconds to the slowest script's end, and bytes received."""
        page = urlsplit(self.subject.page([self.endpoint]))
        visits = [RawSession(self.server.url, page.path.strip("/"), page.query) for _ in range(self.count)]
        try:
            await bounded(asyncio.gather(*(visit.open() for visit in visits)), OPEN_SECONDS, "open")
            prompts = [self.subject.prompt([self.endpoint], f"{self.purpose}-{number}") for number in range(self.count)]
            asked = [visit.ask(prompt, self.script.tokens) for visit, prompt in zip(visits, prompts, strict=True)]
            before = time.perf_counter()
            await bounded(asyncio.gather(*asked), 4 * self.ideal + 30, "finish")
            return time.perf_counter() - before, sum(visit.bytes for visit in visits)
        finally:
            await asyncio.gather(*(visit.close() for visit in visits), return_exceptions=True)


async def bounded(work, seconds: float, what: str):
    try:
        await asyncio.wait_for(work, seconds)
    except (TimeoutError, OSError) as problem:
        raise MeasureFailed(f"sessions did not {what}: {str(problem) or 'time was up'}") from problem
