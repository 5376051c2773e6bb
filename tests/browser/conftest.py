"""Fixtures for tests that drive a real Chromium: apps in processes of their own, pages that are watched."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from services.transforms import Library
from services.visitors import THIS_MACHINE
from tests.browser import chromium
from tests.browser.apps import App, start_app
from tests.browser.proxies import Proxy
from tests.browser.watching import Watch
from tests.local_workspaces import LocalWorkspace

SECONDS = 1000
NAMES_OF_TESTS = "*.brickyard.test"
NO_OTHER_NAMES = f"MAP {NAMES_OF_TESTS} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
expect.set_options(timeout=15 * SECONDS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for the folder. Package-scoped: Playwright keeps an event loop in this thread until it ends."""
    path = chromium.find()
    if path is None:
        pytest.fail(f"{chromium.ADVICE} Or run: python -m tests.browser.chromium --install")
    with sync_playwright() as playwright:
        # The proxy's certificate is trusted by nobody. Told per context, Chromium restarts each request once a refused
        # connection, and gives up on one that met 32 of them (ERR_TOO_MANY_RETRIES); told at its start, it never refuses.
        trust = "--ignore-certificate-errors"
        arguments = [*chromium.ARGUMENTS, f"--host-resolver-rules={NO_OTHER_NAMES}", trust]
        launched = playwright.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def app(local_workspace: LocalWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a machine whose environment names the local workspace, as its admin."""
    environment = {"DATABRICKS_HOST": local_workspace.host, "DATABRICKS_TOKEN": local_workspace.token}
    started = start_app(tmp_path_factory.mktemp("app"), **environment)
    yield started
    started.stop()


@pytest.fixture
def save_transform(app: App) -> Iterator[Callable[[str, str], None]]:
    """``save_transform(name, source)``, as whoever sits at the app; gone again after the test."""
    library, saved = Library(app.home / ".local" / "state" / "brickyard"), []

    def save(name: str, source: str) -> None:
        saved.append(name)
        library.save(THIS_MACHINE, name, source)

    yield save
    for name in saved:
        library.delete(THIS_MACHINE, name)


@pytest.fixture
def make_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., App]]:
    """A factory of apps for one test; its arguments are the environment."""
    made: list[App] = []

    def make(**environment: str) -> App:
        made.append(start_app(tmp_path_factory.mktemp("app"), **environment))
        return made[-1]

    yield make
    for started in made:
        started.stop()


@pytest.fixture
def make_proxy() -> Iterator[Callable[..., Any]]:
    """A factory of proxies: `make_proxy(Proxy, app.port)`."""
    made: list[Proxy] = []

    def make(kind: type[Proxy], *arguments: Any) -> Proxy:
        made.append(kind(*arguments))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


class Pages:
    """A factory of pages, each in a browser context of its own, as if each were another person's browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[tuple[BrowserContext, Page, Watch]] = []

    def __call__(
        self,
        *,
        color_scheme: Any = "light",
        viewport: tuple[int, int] = (1280, 900),
        own_hosts: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        """A page. *own_hosts* are hosts beside loopback that it may ask; *options* are Playwright's for a context."""
        size: Any = dict(zip(("width", "height"), viewport, strict=True))
        context = self._browser.new_context(
            color_scheme=color_scheme, viewport=size, reduced_motion="reduce", locale="en-US", **options
        )
        context.set_default_timeout(20 * SECONDS)
        watch = Watch(own_hosts=(*Watch.own_hosts, *own_hosts))
        watch.begin(context)
        page = context.new_page()
        self._opened.append((context, page, watch))
        return page

    def watch(self, page: Page) -> Watch:
        """What is known of that page."""
        return next(watch for context, _, watch in self._opened if context is page.context)

    def close(self) -> None:
        """Close them all; fails where one did what it must not."""
        for context, _, _ in self._opened:
            context.close()
        unexpected = [found for _, _, watch in self._opened for found in watch.unexpected()]
        assert unexpected == []

    def describe(self) -> Iterator[tuple[str, str]]:
        """What each page shows now, for the report of a failure."""
        for number, (_, page, watch) in enumerate(self._opened):
            with contextlib.suppress(Exception):  # a page that is gone has nothing to say
                yield f"page {number}, {page.url}", page.locator("body").inner_text(timeout=2 * SECONDS)[-4000:]
            yield f"console of page {number}", "\n".join(watch.console[-20:])


@pytest.fixture
def make_page(browser: Browser) -> Iterator[Pages]:
    """Opens pages: `make_page(color_scheme="dark", viewport=(390, 844))`; `make_page.watch(page)` is what is known of one."""
    pages = Pages(browser)
    yield pages
    pages.close()


@pytest.fixture
def page(make_page: Pages) -> Page:
    """One page of a desktop's size."""
    return make_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Show beside a failed test what its pages showed and its app printed."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    if report.failed and report.when == "call":
        report.sections += list(arguments["make_page"].describe()) if "make_page" in arguments else []
        started: App | None = arguments.get("app")
        if started:
            report.sections.append(("app's log", started.log.read_text()[-4000:]))
    return report
