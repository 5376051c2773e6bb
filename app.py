"""The server: ``streamlit run app.py`` finds ``app``. Headers, the visitor's cookie, the local workspace's start and end."""

import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.local import embedded
from services.settings import Settings
from services.visitors import COOKIE, is_visitor, new_visitor
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


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Have ready what the first page needs, and leave nothing behind."""
    settings = Settings.from_environment()
    if not (settings.databricks_app or settings.machine_configured):
        embedded().start()
    import_sdk_soon()
    try:
        yield
    finally:
        embedded().stop()


app = st.App("ui/main.py", lifespan=lifespan, middleware=[Middleware(SecurityHeaders), Middleware(VisitorCookie)])
