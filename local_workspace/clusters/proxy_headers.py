"""What of a message's headers concerns its two ends, and what only one hop of it."""

from collections.abc import Iterable

from local_workspace.clusters.records import driver_ip

Header = tuple[bytes, bytes]

# RFC 9110, 7.6.1, and what is older than it.
HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    *(b"proxy-authenticate", b"proxy-authorization"),
}
# The proxy lets callers in, so the app never sees what they showed at the door; the fault is for the workspace.
CONSUMED = {b"authorization", b"x-forwarded-access-token", b"x-local-fault", b"host"}
# The platform's own cookie at its driver-proxy domains. Cookies of apps pass.
SESSION_COOKIES = {b"DATAPLANE_DOMAIN_SESSIONID"}


def without_hop_headers(headers: Iterable[Header]) -> list[Header]:
    """The headers that go on, in order, repeated ones too."""
    kept = [(name.lower(), value) for name, value in headers]
    named = {word.strip().lower() for name, value in kept if name == b"connection" for word in value.split(b",")}
    return [(name, value) for name, value in kept if name not in HOP_BY_HOP | named]


def to_app(headers: list[Header], port: int) -> list[Header]:
    """A caller's headers as the app on `port` gets them."""
    kept = [(b"host", f"{driver_ip()}:{port}".encode())]
    for name, value in without_hop_headers(headers):
        shown = _without_session(value) if name == b"cookie" else value
        if name not in CONSUMED and (shown or not value):
            kept.append((name, shown))
    return kept


def _without_session(cookie: bytes) -> bytes:
    pairs = [pair.strip() for pair in cookie.split(b";")]
    return b"; ".join(pair for pair in pairs if pair.partition(b"=")[0].strip() not in SESSION_COOKIES)
