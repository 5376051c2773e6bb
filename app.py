"""The server: ``streamlit run app.py`` finds ``app``. Headers, the visitor's cookie, what starts and ends with it."""

import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.local import embedded
from services.sandbox import sandbox
from services.settings import Settings, machine_token
from services.visitors import COOKIE, LOOPBACK, is_visitor, new_visitor
from services.warming import import_sdk_soon


def content_security_policy() -> str:
    """No code and no picture from elsewhere, no eval. Streamlit's page has one inline script: its hash is in the policy."""
    page = files("streamlit").joinpath("static", "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in inline)
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )


class SecurityHeaders:
    """Adds the security headers to every reply."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class VisitorCookie:
    """Gives a browser that loads the page a cookie by which a reload finds its conversation again.

    A session cookie that scripts cannot read. The websocket's handshake carries it, where ui/session.py reads it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_visitor(Headers(scope=scope).get("cookie", "")):
            await self.app(scope, receive, send)
            return
        forwarded = Headers(scope=scope).get("x-forwarded-proto", scope.get("scheme", "http"))
        secure = "; Secure" if forwarded == "https" else ""

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", f"{COOKIE}={new_visitor()}; Path=/; HttpOnly; SameSite=Lax{secure}")
                    headers["cache-control"] = "no-store"  # a shared cache must not hand out one visitor's cookie
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _has_visitor(cookies: str) -> bool:
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return False
    return morsel is not None and is_visitor(morsel.value)


class OriginGuard:
    """Lets in only what was opened from this app's own address.

    Streamlit compares a websocket's Origin with its Host, and asks an outside service for this machine's address when they
    differ. Behind a proxy that rewrites Host, the address the browser asked for is in X-Forwarded-Host. On loopback a Host that
    is not loopback is somebody's domain that was pointed here. BRICKYARD_ALLOWED_ORIGINS names more origins.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        settings = Settings.from_environment()
        self.forwarded = settings.trust_forwarded_identity
        self.allowed = {urlsplit(origin).netloc for origin in settings.allowed_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        host = (self.forwarded and headers.get("x-forwarded-host")) or headers.get("host", "")
        origin = _netloc(headers["origin"]) if "origin" in headers else host
        foreign = scope["type"] == "websocket" and origin != host and origin not in self.allowed
        if foreign or not self._serves(host):
            await _refuse(scope, receive, send)
            return
        headers["host"] = origin if origin in self.allowed else host
        await self.app(scope, receive, send)

    def _serves(self, host: str) -> bool:
        bound_to_loopback = st.get_option("server.address") in LOOPBACK
        return not bound_to_loopback or host in self.allowed or _netloc(f"//{host}").rsplit(":", 1)[0] in LOOPBACK


def _netloc(origin: str) -> str:
    """The host and port of an origin; for "null" and what is no address, something that is nobody's."""
    try:
        return urlsplit(origin).netloc or "null"
    except ValueError:
        return "null"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403})
    else:
        refusal = PlainTextResponse(
            "Brickyard does not answer to this address. BRICKYARD_ALLOWED_ORIGINS can name it.", 403
        )
        await refusal(scope, receive, send)


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Have ready what the first page needs, and leave nothing behind."""
    settings = Settings.from_environment()
    if not (settings.databricks_app or settings.machine_configured):
        embedded().start()
    elif settings.databricks_app or machine_token() is None:
        import_sdk_soon()
    sandbox().start_soon()
    try:
        yield
    finally:
        sandbox().close()
        embedded().stop()


app = st.App(
    "ui/main.py",
    lifespan=lifespan,
    middleware=[Middleware(SecurityHeaders), Middleware(OriginGuard), Middleware(VisitorCookie)],
)
