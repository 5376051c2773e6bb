"""What the server answers, to whom, and under which headers."""

import socket
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
import requests
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.browser.apps import App

pytestmark = pytest.mark.browser

STREAM = "/_stcore/stream"


@pytest.mark.parametrize("path", ["/", "/chat", "/connection", "/_stcore/health", "/no-such-page"])
def test_every_reply_forbids_code_and_pictures_from_elsewhere(app: App, path: str) -> None:
    reply = requests.get(app.url + path, timeout=20)
    policy = {
        words[0]: words[1:] for part in reply.headers["Content-Security-Policy"].split(";") if (words := part.split())
    }
    assert policy["default-src"] == ["'self'"]
    assert policy["object-src"] == ["'none'"]
    assert {"base-uri", "form-action", "frame-ancestors"} <= policy.keys()
    allowed = {source for sources in policy.values() for source in sources}
    assert "'unsafe-eval'" not in allowed
    assert "'unsafe-inline'" not in policy["script-src"]
    assert [
        source for source in allowed if source == "*" or "//" in source or source in ("http:", "https:", "ws:")
    ] == []
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] in ("same-origin", "no-referrer")


def test_the_visitor_s_cookie_is_out_of_reach_of_scripts_and_of_other_sites(app: App) -> None:
    reply = requests.get(app.url, timeout=20)
    cookies = SimpleCookie(reply.headers["Set-Cookie"])
    (visitor,) = (morsel for name, morsel in cookies.items() if name.startswith("brickyard"))
    assert visitor["httponly"]
    assert visitor["samesite"].lower() in ("lax", "strict")
    assert not visitor["max-age"]
    assert not visitor["expires"]
    assert reply.headers["Cache-Control"] == "no-store"
    again = requests.get(app.url, cookies={visitor.key: visitor.value}, timeout=20)
    assert visitor.key not in again.headers.get("Set-Cookie", "")
    another = SimpleCookie(requests.get(app.url, timeout=20).headers["Set-Cookie"])
    assert another[visitor.key].value != visitor.value


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1.evil.example", "http://127.0.0.1:1", "null"]
)
def test_a_page_of_another_origin_cannot_open_the_websocket(app: App, origin: str) -> None:
    assert not opens(app, origin=origin)


def test_the_app_s_own_page_can_open_the_websocket(app: App) -> None:
    assert opens(app, origin=app.url)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example"])
def test_a_domain_that_was_pointed_to_this_machine_is_refused(app: App, host: str) -> None:
    named = host.format(port=app.port)
    reply = requests.get(app.url, headers={"Host": named}, timeout=20)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers
    assert not opens(app, origin=f"http://{named}", host=named)


def test_forwarded_headers_are_nobody_s_identity_outside_databricks_apps(app: App) -> None:
    """Where no proxy strips them, anybody can send them."""
    reply = requests.get(
        app.url, headers={"Host": "evil.example", "X-Forwarded-Host": f"127.0.0.1:{app.port}"}, timeout=20
    )
    assert reply.status_code == 403


def opens(app: App, *, origin: str, host: str | None = None) -> bool:
    """Whether a browser on a page of that origin gets a websocket."""
    connected = socket.create_connection(("127.0.0.1", app.port), timeout=20)
    address = f"ws://{host or urlsplit(app.url).netloc}{STREAM}"
    try:
        with connect(address, sock=connected, origin=Origin(origin), subprotocols=[Subprotocol("streamlit")]):
            return True
    except (InvalidHandshake, EOFError):
        return False
