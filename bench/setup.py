"""What every measure is given: the browser, the scripted workspace, the sizes of this run."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import requests
from playwright.sync_api import Browser
from playwright.sync_api import Error as BrowserError

from bench.brickyard import BRICKYARD
from bench.browser import ProbedPage
from bench.exchange import Conversation
from bench.processes import MeasureFailed, Server, free_port, running
from bench.subjects import ROOT, Subject


@dataclass(frozen=True)
class Sizes:
    tokens: int = 2_000
    long_tokens: int = 10_000
    side_by_side_tokens: int = 3_000
    repetitions: int = 3
    history: int = 200
    sessions: int = 50
    session_tokens: int = 400
    cold_starts: int = 5
    cold_seconds: int = 15
    hook_calls: int = 400
    large_hook_calls: int = 60
    layout_texts: tuple[int, ...] = (10_000, 50_000)
    map_points: tuple[int, ...] = (500, 10_000, 100_000)

    def names(self) -> list[str]:
        """Every endpoint the run will use, for the workspace to list."""
        return [self.stream, self.long_stream, *self.side_by_side, self.session, self.short, self.cold]

    @property
    def stream(self) -> str:
        return f"scripted-200-{self.tokens}"

    @property
    def long_stream(self) -> str:
        return f"scripted-200-{self.long_tokens}"

    @property
    def side_by_side(self) -> list[str]:
        return [f"scripted-200-{self.side_by_side_tokens}-{letter}" for letter in "abcd"]

    @property
    def session(self) -> str:
        return f"scripted-30-{self.session_tokens}"

    @property
    def cold(self) -> str:
        return f"scripted-cold-{self.cold_seconds}s"

    short = "scripted-1000-3"


FULL = Sizes()
QUICK = Sizes(
    tokens=300,
    long_tokens=1_500,
    side_by_side_tokens=500,
    repetitions=1,
    history=10,
    sessions=10,
    session_tokens=100,
    cold_starts=1,
    cold_seconds=6,
    hook_calls=40,
    large_hook_calls=10,
    layout_texts=(1_000,),
    map_points=(500, 20_000),
)


@dataclass(frozen=True)
class Setup:
    browser: Browser
    workspace: str
    sizes: Sizes
    deadline: float  # on time.monotonic()'s clock
    peers_only: bool = False
    notes: list[str] = field(default_factory=list)  # of the measure that is running

    def with_brickyard(self, *peers: Subject) -> list[Subject]:
        return [*([] if self.peers_only else [BRICKYARD]), *peers]

    def keep_time(self):
        if time.monotonic() > self.deadline:
            raise MeasureFailed("time was up")

    def names(self, *peers: Subject) -> list[str]:
        return [subject.name for subject in self.with_brickyard(*peers)]

    @contextlib.contextmanager
    def attempt(self, subject: Subject) -> Iterator[None]:
        """A subject that cannot be measured leaves a gap in the table and a note; the others are measured all the same."""
        try:
            self.keep_time()
            yield
        except (MeasureFailed, BrowserError, requests.RequestException) as problem:
            self.notes.append(f"{subject.name}: {str(problem).strip().splitlines()[0]}")

    @contextlib.contextmanager
    def conversation(self, subject: Subject, server: Server, endpoints: list[str]) -> Iterator[Conversation]:
        """A fresh page of a subject, as a new visitor with an empty cache gets it."""
        with ProbedPage(self.browser, server.url + subject.page(endpoints), subject.input) as page:
            yield Conversation(subject, server, page, self.workspace)


@contextlib.contextmanager
def scripted_workspace(sizes: Sizes) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "bench.scripted_endpoint", "--port", str(port), *sizes.names()]
    with running(command, port, ROOT, "/bench/log") as server:
        yield server.url
