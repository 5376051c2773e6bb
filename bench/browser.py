"""A real Chromium with a probe in every page: what arrived, and which token could be seen when."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PROBE = Path(__file__).with_name("probe.js").read_text()
INSTALLED = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing outside this machine is looked up
]
PAGE_SECONDS = 60
STALL_SECONDS = 15  # an answer that does not grow for so long is dead
# Assets that are fetched once, whenever the page first needs them, are no part of an answer.
ASSETS = {"Script", "Stylesheet", "Font", "Image", "Document", "Media"}


@dataclass(frozen=True)
class Target:
    """Where one answer appears: the index-th element that the CSS selector finds."""

    css: str
    index: int = 0


@dataclass
class Sight:
    """What the browser saw of one run. Times are wall-clock seconds, as time.time() has them."""

    sent: float | None
    samples: list[list[tuple[float, int]]]  # for each answer: when, and the newest token shown by then
    shown: list[int]  # for each answer: how many different tokens are on the page at the end
    bytes: int


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, INSTALLED)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class ProbedPage:
    def __init__(self, browser: Browser, url: str, input_css: str):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.add_init_script(PROBE)
        self.input = self.page.locator(input_css).first
        self.input_css = input_css
        self.http_bytes = 0
        self.count_http()
        self.page.goto(url, wait_until="load", timeout=PAGE_SECONDS * 1000)
        self.input.wait_for(timeout=PAGE_SECONDS * 1000)
        self.watch([])
        self.wait_until_free()
        self.ready = time.time()
        self.offset = self.clock_offset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def count_http(self):
        """Lengths only: asking for bodies would make the browser's work part of the measurement."""
        devtools = self.context.new_cdp_session(self.page)
        devtools.send("Network.enable")
        assets = set()

        def note_kind(response: dict):
            if response["type"] in ASSETS:
                assets.add(response["requestId"])

        def count(data: dict):
            if data["requestId"] not in assets:
                self.http_bytes += data["dataLength"]

        devtools.on("Network.responseReceived", note_kind)
        devtools.on("Network.dataReceived", count)

    def clock_offset(self) -> float:
        """Seconds to add to the page's clock to get this process's, from the quickest of several exchanges."""
        exchanges = []
        for _ in range(10):
            before = time.time()
            page_time = self.page.evaluate("() => __probe.now()") / 1000
            after = time.time()
            exchanges.append((after - before, (before + after) / 2 - page_time))
        return min(exchanges)[1]

    def wait_until_free(self, seconds: float = PAGE_SECONDS) -> bool:
        """Wait until a prompt can be typed and sent; False if that did not come within the time given."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate("() => __probe.free()"):
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(20)
        return True

    def watch(self, targets: list[Target]):
        given = [[vars(target) for target in targets], self.input_css]
        self.page.evaluate("given => void __probe.watch(...given)", given)

    def send(self, prompt: str, targets: list[Target], sendable: str | None = None):
        self.input.fill(prompt)
        if sendable:
            self.page.locator(sendable).first.wait_for(timeout=PAGE_SECONDS * 1000)
        self.http_bytes = 0
        self.watch(targets)
        self.input.press("Enter")

    def wait_for_tokens(self, count: int, seconds: float, poll: float = 0.2):
        """Return when every answer shows its last token, when none has grown for a while, or when time is up."""
        deadline = time.monotonic() + seconds
        newest, grown_at = [], time.monotonic()
        while time.monotonic() < min(deadline, grown_at + STALL_SECONDS):
            progress = self.page.evaluate("() => __probe.progress()")
            if all(index >= count - 1 for index in progress):
                return
            if progress != newest:
                newest, grown_at = progress, time.monotonic()
            self.page.wait_for_timeout(poll * 1000)

    def sight(self, count: int) -> Sight:
        seen = self.page.evaluate(
            "count => ({ sent: __probe.sentAt, samples: __probe.samples, shown: __probe.shown(count), bytes: __probe.bytes })",
            count,
        )
        samples = [[(self.wall(at), newest) for at, newest in answer] for answer in seen["samples"]]
        sent = seen["sent"] and self.wall(seen["sent"])
        return Sight(sent, samples, seen["shown"], seen["bytes"] + self.http_bytes)

    def click(self, css: str, seconds: float) -> tuple[float, float | None]:
        """Click; when the page noticed, and when its input was free again (None: not within the time given)."""
        self.page.locator(css).first.click(timeout=PAGE_SECONDS * 1000)
        deadline = time.monotonic() + seconds
        free_at = None
        while free_at is None and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
            clicked_at, free_at = self.page.evaluate("() => [__probe.clickedAt, __probe.freeAt]")
        return self.wall(clicked_at), free_at and self.wall(free_at)

    def wall(self, page_milliseconds: float) -> float:
        return page_milliseconds / 1000 + self.offset
