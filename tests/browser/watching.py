"""What a page must not do: print errors, raise, open dialogs, or ask anybody but the app for anything."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, WebSocket

# Below a page's own path Streamlit asks there first, then at the root.
KNOWN_404 = re.compile(r"/[^/]+/_stcore/(health|host-config)$")
WITHOUT_HOST = ("data", "blob", "about", "chrome")


@dataclass
class Watch:
    """Everything that one context's pages printed, raised, opened and asked for."""

    own_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    """Frames of websockets that came from the server."""
    expected: list[str] = field(default_factory=list)
    """Patterns of errors that the test provokes."""

    def begin(self, context: BrowserContext) -> None:
        """Watch every page of *context* from now on."""
        context.on("console", self._printed)
        context.on("weberror", lambda error: self.errors.append(f"page error: {error.error}"))
        context.on("request", self._asked)
        context.on("page", self._opened)

    def unexpected(self) -> list[str]:
        """What should not have been there."""
        errors = [error for error in self.errors if not any(re.search(known, error) for known in self.expected)]
        return [*errors, *self.outside, *self.dialogs]

    def _opened(self, page: Page) -> None:
        page.on("dialog", self._talked)
        page.on("websocket", self._connected)

    def _printed(self, message: ConsoleMessage) -> None:
        place = message.location["url"]
        self.console.append(f"{message.type}: {message.text} ({place})")
        if message.type == "error" and not KNOWN_404.search(urlsplit(place).path):
            self.errors.append(f"console: {message.text} ({place})")

    def _asked(self, request: Request) -> None:
        self._note(request.url)

    def _connected(self, websocket: WebSocket) -> None:
        self._note(websocket.url)
        websocket.on("framereceived", self._got)

    def _got(self, payload: str | bytes) -> None:
        self.received.append(payload.encode() if isinstance(payload, str) else payload)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in WITHOUT_HOST and parts.hostname not in self.own_hosts:
            self.outside.append(f"asked elsewhere: {url}")

    def _talked(self, dialog: Dialog) -> None:
        self.dialogs.append(f"dialog: {dialog.message}")
        dialog.dismiss()
