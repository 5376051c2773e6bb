"""The map in a real Chromium, under the app's own Content-Security-Policy: drawn, clicked, lassoed, walked, saved."""

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.apps import App, start_app
from tests.browser.conftest import Pages
from tests.browser.screens import settled
from tests.local_workspaces import eventually
from ui.components.embedding_map import HIDDEN, PALETTE, UNKNOWN, LegendEntry, MapPoints, render_html

pytestmark = pytest.mark.browser
NO_WEBGL = """const given = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : given.call(this, kind, ...more);
};"""
LOSE_CONTEXT = """() => {
  const find = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    [...(one.matches(".plot canvas") ? [one] : []), ...(one.shadowRoot ? find(one.shadowRoot) : [])]);
  const context = find(document)[0].getContext("webgl2").getExtension("WEBGL_lose_context");
  context.loseContext();
  return new Promise((done) => setTimeout(() => { context.restoreContext(); done(); }, 50));
}"""
NOTE_WORDS = """const given = CanvasRenderingContext2D.prototype.fillText;
window.words = [];
CanvasRenderingContext2D.prototype.fillText = function (word, ...more) {
  window.words.push(word);
  return given.call(this, word, ...more);
};"""
MIDDLE = (0.0, 0.0)
UNLIT = "#11161d"
"""The dark theme's background."""


@pytest.fixture(scope="module")
def map_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page with a map, behind the app's security headers."""
    started = start_app(tmp_path_factory.mktemp("map"), "tests/browser/embedding_map_app.py")
    yield started
    started.stop()


def open_map(page: Page, app: App, query: str) -> Locator:
    """The surface of the map, once it is drawn."""
    page.goto(f"{app.url}/?{query}")
    page.locator("[data-drawn]").wait_for()
    settled(page)
    return page.get_by_role("application", name="Map of the texts")


def told(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until the script says it."""
    expect(page.get_by_test_id("stCode").filter(has_text=text)).to_have_count(1)
    settled(page)


def place(surface: Locator, *places: tuple[float, float]) -> list[tuple[float, float]]:
    """Where places of the ring's page are on the screen: the ring, radius 1, fits the shorter side but for the margins."""
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    assert box
    radius = min(box["width"] - 104, box["height"] - 56) / 2
    return [(box["x"] + box["width"] / 2 + radius * x, box["y"] + box["height"] / 2 - radius * y) for x, y in places]


def draw_around(page: Page, surface: Locator, x: float, y: float, *, radius: float = 0.2, corners: int = 16) -> None:
    """The lasso, with Shift held."""
    turns = [2 * math.pi * step / corners for step in range(corners + 1)]
    line = place(surface, *((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns))
    page.keyboard.down("Shift")
    page.mouse.move(*line[0])
    page.mouse.down()
    for corner in line[1:]:
        page.mouse.move(*corner)
    page.mouse.up()
    page.keyboard.up("Shift")


def shown(drawn: bytes, *sought: str) -> list[bool]:
    """Of each colour, whether the picture has it, or nearly: points let a little of the background through."""
    image = Image.open(io.BytesIO(drawn)).convert("RGB")
    present = np.unique(np.asarray(image).reshape(-1, 3), axis=0).astype(int)
    wanted = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in sought]
    return [bool((np.abs(present - colour).max(axis=1) <= 16).any()) for colour in wanted]


def test_what_is_clicked_lassoed_and_walked_to_is_what_python_is_told(page: Page, map_app: App) -> None:
    surface = open_map(page, map_app, "n=505&frame=1")
    assert page.locator("[data-drawn]").get_attribute("data-named") == "0"  # all groups stand everywhere on the ring

    page.mouse.click(*place(surface, MIDDLE)[0])
    told(page, "picked 0 told [0]")
    page.mouse.click(*place(surface, (0.25, 0.1))[0])
    told(page, "picked None told [0, None]")
    page.mouse.move(*place(surface, (0.5, 0.5))[0])
    expect(page.locator(".tip")).to_contain_text("Text 1 </script><b>bold</b>")

    draw_around(page, surface, -0.5, 0.5)
    told(page, "inside 1: [2]")
    expect(page.locator(".below button")).to_have_text("1 selected · Clear")
    draw_around(page, surface, 0, 0, radius=0.85)
    told(page, "inside 5: [0, 1, 2, 3, 4]")
    surface.press("Escape")
    told(page, "inside 0: []")

    surface.press("0")
    for key in ("n", "n", "p", "Enter"):
        surface.press(key)
    told(page, "picked 0 told [0, None, 0]")
    expect(page.locator(".said[role=status]")).to_contain_text("Picked: Text 0")
    surface.press("s")
    told(page, "inside 505: ")


def test_the_keyboard_is_told_what_it_can_do_until_it_does_it(page: Page, map_app: App) -> None:
    surface = open_map(page, map_app, "n=20")
    table = page.locator(".keys")
    expect(table).to_be_hidden()
    page.mouse.click(*place(surface, (0.9, 0.9))[0])
    expect(table).to_be_hidden()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(table).to_contain_text("walk from point to point")
    page.keyboard.press("n")
    expect(table).to_be_hidden()
    page.keyboard.press("?")
    expect(table).to_be_visible()


def test_two_fingers_zoom_and_one_moves_and_taps(make_page: Pages, map_app: App) -> None:
    page = make_page(has_touch=True)
    surface = open_map(page, map_app, "n=505&frame=1")
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    [(x, y)] = place(surface, MIDDLE)
    touch("touchStart", (x - 30, y), (x + 30, y))
    for apart in (40, 60, 90, 120):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    radius = place(surface, (1, 0))[0][0] - x
    page.touchscreen.tap(x + 0.5 * radius * 4, y)  # where nothing was before: four times as far from the middle
    told(page, "told []")
    page.touchscreen.tap(x, y)
    told(page, "picked 0 told [0]")
    touch("touchStart", (x, y))
    touch("touchMove", (x + 40, y))
    touch("touchMove", (x + 80, y))
    touch("touchEnd")
    page.touchscreen.tap(x + 80, y)
    told(page, "picked 0 told [0, 0]")
    surface.press("s")
    expect(page.get_by_text(re.compile(r"inside [1-9]\d?: "))).to_have_count(1)


def test_points_that_are_left_out_leave_the_others_the_room(page: Page, map_app: App) -> None:
    surface = open_map(page, map_app, "n=505&frame=1")
    page.get_by_text("Only the middle").click()
    expect(page.get_by_text("501 not drawn")).to_be_visible()
    settled(page)
    page.mouse.click(*place(surface, (1, 1))[0])  # of what is left, the corner
    told(page, "picked 1 told [1]")


def test_a_rerun_sends_nothing_again_and_other_colours_one_byte_a_point(make_page: Pages, map_app: App) -> None:
    page = make_page()
    watch = make_page.watch(page)

    def received(act: Any) -> int:
        before = sum(map(len, watch.received))
        act()
        settled(page)
        return sum(map(len, watch.received)) - before

    count = 100_000
    assert received(lambda: open_map(page, map_app, f"n={count}")) < 6 * count
    surface = page.get_by_role("application")
    assert (
        received(lambda: (draw_around(page, surface, 0, 0, radius=0.5, corners=200), told(page, "selections 1")))
        < 20_000
    )
    corners = int(re.findall(r"corners (\d+)", page.inner_text("body"))[0])
    assert 10 < corners <= 120
    again = received(lambda: (page.get_by_text("Recolour").click(), page.wait_for_timeout(300)))
    assert count <= again < count + 30_000


def test_three_dimensions_turn_and_their_lasso_holds_what_was_seen(page: Page, map_app: App) -> None:
    surface = open_map(page, map_app, "n=505&frame=1&dims=3")
    surface.press("ArrowLeft")
    page.mouse.click(*place(surface, MIDDLE)[0])
    told(page, "picked 0 told [0]")
    draw_around(page, surface, *MIDDLE, radius=0.06)
    told(page, "inside 1: [0]")
    surface.press("s")
    told(page, "inside 505: ")


def test_in_the_dark_every_class_has_its_colour_and_the_legend_and_the_saved_picture_have_them_too(
    make_page: Pages, map_app: App
) -> None:
    page = make_page(color_scheme="dark")
    surface = open_map(page, map_app, "n=500&gaps=1&kinds=20")
    expect(page.get_by_text("498 points, 2 not drawn")).to_be_visible()
    entries = page.locator(".legend").get_by_role("button")
    expect(entries).to_have_count(21)  # twenty, and what has no class
    assert shown(surface.screenshot(), *PALETTE, UNLIT, "#ffffff") == [True] * 21 + [False]
    assert page.locator("[data-drawn]").get_attribute("data-named") == "16"  # four stand among others

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as a picture").click()
    box = surface.bounding_box()
    picture = Path(saving.value.path()).read_bytes()
    assert saving.value.suggested_filename == "map.png"
    assert box
    assert Image.open(io.BytesIO(picture)).width > box["width"] + 200  # the legend is beside it
    assert all(shown(picture, *PALETTE, UNLIT))

    ships = entries.filter(has_text="Ships")
    ships.focus()
    page.keyboard.press("Enter")
    expect(ships).to_have_attribute("aria-pressed", "true")
    eventually(lambda: shown(surface.screenshot(), PALETTE[1], PALETTE[2]) == [True, False])


def test_without_webgl_there_is_a_density_picture_that_can_be_clicked_and_lassoed(page: Page, map_app: App) -> None:
    page.add_init_script(NO_WEBGL)
    surface = open_map(page, map_app, "n=505&frame=1")
    expect(page.get_by_text("No WebGL here")).to_be_visible()
    page.mouse.click(*place(surface, MIDDLE)[0])
    told(page, "picked 0 told [0]")
    draw_around(page, surface, 0.5, -0.5)
    told(page, "inside 1: [4]")


def test_no_point_at_all_is_said_so(page: Page, map_app: App) -> None:
    open_map(page, map_app, "n=0")
    expect(page.get_by_text("No point to draw")).to_be_visible()


def test_a_lost_context_comes_back_and_points_that_move_keep_what_is_picked(page: Page, map_app: App) -> None:
    surface = open_map(page, map_app, "n=500")
    page.evaluate(f"({LOSE_CONTEXT})()")
    eventually(lambda: all(shown(surface.screenshot(), *PALETTE[:12])), 10)
    surface.press("n")
    surface.press("Enter")
    told(page, re.compile(r"picked \d+ told"))
    picked = re.findall(r"picked (\d+)", page.inner_text("body"))[0]
    drawn = page.locator("[data-drawn]").get_attribute("data-drawn")
    page.emulate_media(reduced_motion="no-preference")  # they glide there, and then what is picked has its ring again
    ring = str(surface.evaluate("one => getComputedStyle(one).getPropertyValue('--st-primary-color')")).strip()
    page.get_by_label("Seed").fill("3")
    page.get_by_label("Seed").press("Enter")
    expect(page.locator("[data-drawn]")).not_to_have_attribute("data-drawn", str(drawn))
    told(page, f"picked {picked} told")
    eventually(lambda: all(shown(surface.screenshot(), ring, *PALETTE[:12])))


def test_the_page_of_its_own_needs_nothing_but_itself(page: Page) -> None:
    texts = ["</script><script>alert(1)</script>", "<!-- <script>", "한국어 \u2028 text"]
    points = MapPoints(np.array([[0, 0], [1, 1], [2, 0]], dtype=np.float32), np.array([0, 1, UNKNOWN], dtype=np.uint8))
    legend = [LegendEntry("</script>", 1), LegendEntry("b", 1)]
    written = render_html(points, texts, title="A <b>map</b>", caption="{braces} </title>", legend=legend)
    page.route("**/map.html", lambda route: route.fulfill(body=written, content_type="text/html; charset=utf-8"))
    page.goto("http://127.0.0.1:1/map.html")
    page.locator("[data-drawn]").wait_for()
    expect(page.get_by_role("heading")).to_have_text("A <b>map</b>")
    surface = page.get_by_role("application")
    surface.press("n")
    expect(page.locator(".tip")).to_contain_text(re.compile("|".join(re.escape(text[:8]) for text in texts)))
    eventually(lambda: all(shown(surface.screenshot(), *PALETTE[:2])))


def test_heaps_have_their_names_at_the_edge_too_whole_letters_of_them_and_what_shares_a_colour_has_none(
    page: Page,
) -> None:
    # 6554 is one of the edges that rounding puts outside of the frame; the first point makes the numbers stay as they are.
    places = [(0, 0), (10_000, 35_000), (60_000, 35_000), *[(35_000, 6_554)] * 4, *[(35_000, 65_535)] * 4]
    places += [(35_000, 35_000)] * 4
    classes = np.array([HIDDEN, UNKNOWN, UNKNOWN, *[0] * 4, *[1] * 4, *[2] * 4], dtype=np.uint8)
    legend = [LegendEntry("x" * 26 + "🚢" * 5, 4), LegendEntry("Ships", 4), LegendEntry("37 others", 4, rest=True)]
    written = render_html(MapPoints(np.array(places, dtype=np.float32), classes), title="Names", legend=legend)
    page.add_init_script(NOTE_WORDS)
    page.route("**/map.html", lambda route: route.fulfill(body=written, content_type="text/html; charset=utf-8"))
    page.goto("http://127.0.0.1:1/map.html")
    page.locator('[data-drawn][data-named="2"]').wait_for()
    expect(page.locator(".legend")).to_contain_text("37 others")
    eventually(lambda: set(page.evaluate("words")) == {"x" * 26 + "🚢…", "Ships"})
