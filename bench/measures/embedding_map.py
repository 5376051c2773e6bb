"""A map of a run's vectors beside st.plotly_chart: bytes, the time until it is drawn, the time a lasso takes."""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from bench.processes import MeasureFailed, free_port, running
from bench.report import OURS, Row, at_most, median, ratio_at_most
from bench.setup import Setup
from bench.subjects import PEERS, ROOT, streamlit_command

PLOTLY = "st.plotly_chart"
SECONDS = 1000
LONG_TASKS = """window.__long = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.__long += one.duration })
  .observe({ type: "longtask", buffered: true });"""
# What is drawn, as each says it; and then the browser has shown a frame.
DRAWN = {
    OURS: """count => document.querySelector(`.st-key-map-${count}`) && !document.querySelector('.st-key-map-10')
      && __shadow(`.st-key-map-${count}`, '[data-drawn]')""",
    PLOTLY: """count => document.querySelector(`.st-key-map-${count} .js-plotly-plot`)?._fullData?.[0]?._length === count""",
}
SHADOW = """window.__shadow = (host, css) => [...document.querySelectorAll(`${host} *`)]
  .some((one) => one.shadowRoot?.querySelector(css));"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SURFACE = {OURS: ".surface", PLOTLY: ".js-plotly-plot .nsewdrag"}


@dataclass
class Figures:
    drawn: float
    down: int
    lasso: float
    up: int
    blocked: float


@dataclass
class Wire:
    down: int = 0
    up: int = 0


def embedding_map(setup: Setup) -> list[Row]:
    pages = {PLOTLY: (PEERS / "plotly_map.py", None)}
    if not setup.peers_only:
        pages = {OURS: (ROOT / "bench" / "embedding_map_page.py", ROOT), **pages}
    found: dict[int, dict[str, list[Figures]]] = {count: {who: [] for who in pages} for count in setup.sizes.map_points}
    with contextlib.ExitStack() as stack:
        urls = {}
        for who, (script, folder) in pages.items():
            port = free_port()
            server = running(streamlit_command(script)(port), port, folder, "/_stcore/health", OMP_NUM_THREADS="1")
            urls[who] = stack.enter_context(server).url
        warming = setup.sizes.repetitions > 1
        for number in range(warming + setup.sizes.repetitions):
            for count in setup.sizes.map_points:
                for who, url in urls.items():
                    setup.keep_time()
                    figures = drawn_and_lassoed(setup, who, url, count)
                    if number >= warming:  # the first round makes the vectors
                        found[count][who].append(figures)
    return rows(found)


def drawn_and_lassoed(setup: Setup, who: str, url: str, count: int) -> Figures:
    """A small map first, so that no download is in the figures; then the large one, then a lasso around the middle half."""
    with visit(setup, f"{url}/?n={count}") as (page, wire):
        said(page, "done 10 ")
        page.wait_for_function(DRAWN[who], arg=10) if who == PLOTLY else page.locator("[data-drawn]").wait_for()
        page.wait_for_timeout(500)
        wire.down, began = 0, time.perf_counter()
        page.get_by_text("All", exact=True).click()
        page.wait_for_function(DRAWN[who], arg=count, timeout=90 * SECONDS)
        page.evaluate(TWO_FRAMES)
        drawn, down = time.perf_counter() - began, wire.down
        said(page, f"done {count} ")
        page.wait_for_timeout(1000)
        wire.up, blocked = 0, page.evaluate("__long")
        lasso = lassoed(page, who)
        return Figures(drawn, down, lasso, wire.up, page.evaluate("__long") - blocked)


@contextlib.contextmanager
def visit(setup: Setup, url: str) -> Iterator[tuple[Page, Wire]]:
    context = setup.browser.new_context(viewport={"width": 1280, "height": 900})
    page, wire = context.new_page(), Wire()

    def watch(websocket) -> None:
        def heard(payload) -> None:
            wire.down += len(payload)

        def told(payload) -> None:
            wire.up += len(payload)

        websocket.on("framereceived", heard)
        websocket.on("framesent", told)

    page.on("websocket", watch)
    page.add_init_script(LONG_TASKS + SHADOW)
    try:
        page.goto(url)
        yield page, wire
    finally:
        context.close()


def said(page: Page, start: str) -> str:
    found = page.get_by_test_id("stCode").filter(has_text=re.compile(f"^{start}"))
    found.wait_for(timeout=90 * SECONDS)
    return found.inner_text()


def lassoed(page: Page, who: str) -> float:
    """Seconds from letting the mouse go to the script's word of how many points there are inside."""
    box = page.locator(SURFACE[who]).last.bounding_box()
    if box is None:
        raise MeasureFailed(f"{who} shows no map")
    corners = [(0.3, 0.2), (0.7, 0.2), (0.7, 0.8), (0.3, 0.8), (0.3, 0.2)]
    line = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.keyboard.down("Shift") if who == OURS else None
    page.mouse.move(*line[0])
    page.mouse.down()
    for corner in line[1:]:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    began = time.perf_counter()
    page.keyboard.up("Shift") if who == OURS else None
    page.get_by_test_id("stCode").filter(has_text=re.compile(r"selected [1-9]")).wait_for(timeout=90 * SECONDS)
    return time.perf_counter() - began


def rows(found: dict[int, dict[str, list[Figures]]]) -> list[Row]:
    def row(name: str, unit: str, count: int, figure, **aim) -> Row:
        figures = {who: median([figure(one) for one in made]) for who, made in found[count].items()}
        return Row(f"Map, {count:,} points: {name}", unit, figures, PLOTLY, **aim)

    most = max(found)
    return [
        row("bytes a point", "B", most, lambda one: one.down / most, **at_most(6)),
        *(row("vectors there to drawn", "s", count, lambda one: one.drawn, **ratio_at_most(1)) for count in found),
        row("a lasso, sent", "B", most, lambda one: one.up, **at_most(4000)),
        row("lasso to rerun done", "s", most, lambda one: one.lasso, **ratio_at_most(0.25)),
        row("page blocked by it", "ms", most, lambda one: one.blocked, **at_most(200)),
    ]
