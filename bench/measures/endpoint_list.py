"""A list of hundreds of endpoints: from the workspace's reply to rows on the page, and how often it is asked."""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import requests
from playwright.sync_api import Page, expect

from bench.brickyard import BRICKYARD
from bench.processes import free_port, running
from bench.report import Row, at_most, median
from bench.setup import Setup
from bench.subjects import ENDPOINT_TABLE, ROOT, Subject

ENDPOINTS, SAMPLES = 500, 5
NARROWED = "scripted-7-49"
"""A search that fits eleven of the names."""


@dataclass(frozen=True)
class ListPage:
    """Where a subject lists endpoints, and what shows that it did."""

    subject: Subject
    path: str
    rows: str


LISTS = (
    ListPage(BRICKYARD, "/endpoints", "[class*='st-key-endpoint-row-'] a"),
    ListPage(ENDPOINT_TABLE, "/", '[data-testid="stDataFrame"] canvas'),
)


def endpoint_list(setup: Setup) -> list[Row]:
    shown: dict[str, list[float]] = {}
    narrowed: dict[str, list[float]] = {}
    asked: dict[str, list[float]] = {}
    with many_endpoints() as workspace:
        for listed in LISTS:
            name = listed.subject.name
            if listed.subject is BRICKYARD and setup.peers_only:
                continue
            with setup.attempt(listed.subject), listed.subject.started(workspace) as server:
                samples = [visit(setup, listed, server.url, workspace) for _ in range(SAMPLES + 1)][1:]
                shown[name], narrowed[name], asked[name] = (list(column) for column in zip(*samples, strict=True))
    against = ENDPOINT_TABLE.name
    return [
        Row(f"{ENDPOINTS} endpoints: reply to rows", "s", medians(shown), against=against, **at_most(1.0)),
        Row(f"{ENDPOINTS} endpoints: search to narrowed list", "s", medians(narrowed), against=against),
        Row("list calls of a visit with a search and a second look", "", medians(asked), against=against, **at_most(1)),
    ]


def medians(figures: dict[str, list[float]]) -> dict[str, float | None]:
    return {name: median([*values]) for name, values in figures.items()}


@contextlib.contextmanager
def many_endpoints() -> Iterator[str]:
    port = free_port()
    names = [f"scripted-7-{number + 1}" for number in range(ENDPOINTS)]
    command = [sys.executable, "-m", "bench.scripted_endpoint", "--port", str(port), *names]
    with running(command, port, ROOT, "/bench/log") as server:
        yield server.url


def visit(setup: Setup, listed: ListPage, url: str, workspace: str) -> tuple[float, float, float]:
    """Seconds from the reply to rows, from a search to what is left, and the number of lists asked for."""
    setup.keep_time()
    before = len(list_times(workspace))
    context = setup.browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.goto(url + listed.path)
        expect(page.locator(listed.rows).first).to_be_visible(timeout=30_000)
        drawn = time.time()
        replied = list_times(workspace)[before]
        seconds = search(page)
        page.locator('input[aria-label="Search"]').fill("")
        page.locator('input[aria-label="Search"]').press("Enter")
        expect(page.get_by_text(f"{ENDPOINTS} endpoints", exact=True)).to_be_visible(timeout=30_000)
    finally:
        context.close()
    return drawn - replied, seconds, float(len(list_times(workspace)) - before)


def search(page: Page) -> float:
    field = page.locator('input[aria-label="Search"]')
    field.fill(NARROWED)
    began = time.time()
    field.press("Enter")
    expect(page.get_by_text("11 endpoints").or_(page.get_by_text(f"11 of {ENDPOINTS} endpoints")).first).to_be_visible(
        timeout=30_000
    )
    return time.time() - began


def list_times(workspace: str) -> list[float]:
    """When each list left, as time.time() has it."""
    times: list[float] = requests.get(f"{workspace}/bench/lists", timeout=10).json()
    return times
