"""Websockets through the driver proxy."""

import socket
import threading
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

from tests.local_workspace.driver_apps import driver_address, listener_on_driver, raw_app, saying
from tests.local_workspaces import eventually, start_local_workspace

RUNNING = "0101-000000-local001"
SHARED = "0101-000000-local002"


@contextmanager
def app_on_driver(handler, **options):
    """A websocket server on a port of the driver's range."""
    listener = listener_on_driver()
    server = serve(handler, sock=listener, **options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.shutdown()
        thread.join(10)


def at(port, rest="/", cluster=RUNNING):
    return f"/driver-proxy-api/o/0/{cluster}/{port}{rest}"


def opened(workspace, path, *, token=None, headers=None, **options):
    sent = {"Authorization": f"Bearer {token or workspace.token}"} if token != "" else {}
    url = "ws" + workspace.host.removeprefix("http") + path
    return connect(url, additional_headers=sent | (headers or {}), proxy=None, open_timeout=20, **options)


def refusal(workspace, path, **options):
    with pytest.raises(InvalidStatus) as refused, opened(workspace, path, **options):
        pass
    return refused.value.response


def echo(connection):
    for message in connection:
        connection.send(message)


def test_texts_and_bytes_pass_both_ways(local_workspace):
    messages = ["벽돌 🧱", "", b"\x00\xff", b"", "x" * 3_000_000, b"y" * 3_000_000]
    with app_on_driver(echo, max_size=None) as port, opened(local_workspace, at(port), max_size=None) as connection:
        for message in messages:
            connection.send(message)
            assert connection.recv(10) == message
    entry = local_workspace.settled(f"/{port}/")
    assert (entry.method, entry.status, entry.outcome, entry.user) == ("GET", 101, "complete", "admin")
    assert entry.sent_events == len(messages)
    assert entry.body.startswith("벽돌 🧱".encode() + b"\x00\xff" + b"xxx")


def test_the_app_sees_path_and_query_and_no_credentials(local_workspace):
    seen = []

    def note(connection):
        seen.append((connection.request.path, dict(connection.request.headers.raw_items())))

    with app_on_driver(note) as port:
        headers = {"X-Own": "kept", "Origin": "https://somewhere", "Cookie": "DATAPLANE_DOMAIN_SESSIONID=1; a=b"}
        path = at(port, "//ssh/%2e%2e/?id=%20x")
        with opened(local_workspace, path, headers=headers) as connection, pytest.raises(ConnectionClosedOK):
            connection.recv(10)
    [(path, headers)] = seen
    headers = {name.lower(): value for name, value in headers.items()}
    assert path == "//ssh/%2e%2e/?id=%20x"
    assert (headers["x-own"], headers["origin"], headers["cookie"]) == ("kept", "https://somewhere", "a=b")
    assert headers["host"] == f"{driver_address(local_workspace)}:{port}"
    assert local_workspace.token not in str(headers)
    assert "authorization" not in headers


def test_the_subprotocol_is_agreed_with_the_app(local_workspace):
    spoken = ["brick.v2", "brick.v1"]
    asked = ["other", "brick.v1"]
    with (
        app_on_driver(echo, subprotocols=spoken) as port,
        opened(local_workspace, at(port), subprotocols=asked) as connection,
    ):
        assert connection.subprotocol == "brick.v1"


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "벽돌"), (3999, "the end"), (4000, "x" * 100)])
def test_the_apps_closing_code_reaches_the_caller(local_workspace, code, reason):
    ending = app_on_driver(lambda connection: connection.close(code, reason))
    with ending as port, opened(local_workspace, at(port)) as connection:
        with pytest.raises(ConnectionClosed):
            connection.recv(10)
        assert (connection.close_code, connection.close_reason) == (code, reason)


def test_the_callers_closing_code_reaches_the_app(local_workspace):
    ended, codes = threading.Event(), []

    def note(connection):
        with pytest.raises(ConnectionClosed):
            connection.recv()
        codes.append((connection.close_code, connection.close_reason))
        ended.set()

    with app_on_driver(note) as port:
        with opened(local_workspace, at(port)) as connection:
            connection.close(4321, "enough")
        assert ended.wait(10)
    assert codes == [(4321, "enough")]


def test_a_caller_who_vanishes_ends_the_apps_side(local_workspace):
    ended = threading.Event()

    def note(connection):
        with pytest.raises(ConnectionClosed):
            connection.recv()
        ended.set()

    with app_on_driver(note) as port:
        with opened(local_workspace, at(port)) as connection:
            connection.socket.shutdown(2)
        assert ended.wait(10)
        eventually(lambda: local_workspace.last_request(f"/{port}/").outcome == "client_closed")


def test_an_app_that_vanishes_drops_the_caller(local_workspace):
    vanishing = app_on_driver(lambda connection: connection.socket.shutdown(2))
    with vanishing as port, opened(local_workspace, at(port)) as connection:
        with pytest.raises(ConnectionClosed):
            connection.recv(10)
        assert connection.close_code == 1006


def test_what_the_app_says_in_place_of_a_websocket_reaches_the_caller(local_workspace):
    reply = b"HTTP/1.1 403 Forbidden\r\nX-Own: yes\r\nSet-Cookie: a=1\r\nContent-Length: 6\r\n\r\nno way"
    with raw_app(saying(reply)) as app:
        response = refusal(local_workspace, at(app.port))
    assert (response.status_code, response.body) == (403, b"no way")
    assert (response.headers["x-own"], response.headers["set-cookie"]) == ("yes", "a=1")


def test_a_redirect_is_not_followed(local_workspace):
    with raw_app(saying(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as app:
        sent = {"Authorization": f"Bearer {local_workspace.token}"}
        url = "ws" + local_workspace.host.removeprefix("http") + at(app.port)
        with pytest.raises((InvalidStatus, OSError)), connect(url, additional_headers=sent, proxy=None):
            pass
    assert len(app.heads) == 1
    assert local_workspace.settled(f"/{app.port}/").status == 302


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
def test_an_app_that_breaks_off_in_the_handshake_is_502(local_workspace, reply):
    with raw_app(saying(reply)) as app:
        response = refusal(local_workspace, at(app.port))
    assert response.status_code == 502
    assert b"502 Bad Gateway" in response.body


def test_a_port_where_nothing_listens_is_502(local_workspace):
    with raw_app(saying(b"")) as app:
        pass
    assert refusal(local_workspace, at(app.port)).status_code == 502


@pytest.mark.parametrize(
    ("path", "token", "status", "part"),
    [
        (at(7777), "", 401, b"Credential was not sent"),
        (at(7777), "dapi0", 403, b"Invalid access token"),
        (at(7777), "analyst", 403, b"Single-user check failed"),
        (at(7777, cluster=SHARED), None, 400, b"INVALID_STATE: Cluster"),
        (at(7777, cluster="0000-000000-nowhere"), None, 400, b"does not exist"),
        (at(80), None, 400, b"The port must be a number"),
        ("/driver-proxy-api/", None, 404, b"ENDPOINT_NOT_FOUND"),
        ("/api/2.1/clusters/list", None, 404, b"No API found for 'GET /api/2.1/clusters/list'"),
        ("/_local/requests", None, 404, b"ENDPOINT_NOT_FOUND"),
        ("/nowhere", "", 401, b"Credential was not sent"),
    ],
)
def test_a_websocket_is_refused_like_any_call(local_workspace, path, token, status, part):
    response = refusal(local_workspace, path, token=local_workspace.users.get(token, token))
    assert response.status_code == status
    assert part in response.body
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(("words", "status"), [("return-503", 503), ("return-429", 429), ("html-502", 502)])
def test_a_fault_can_refuse_the_handshake(local_workspace, words, status):
    with app_on_driver(echo) as port:
        assert refusal(local_workspace, at(port), headers={"X-Local-Fault": words}).status_code == status
        with opened(local_workspace, at(port)) as connection:
            connection.send("x")
            assert connection.recv(10) == "x"


@pytest.mark.parametrize("count", [0, 2])
def test_a_fault_can_drop_the_connection_after_so_many_messages(local_workspace, count):
    with app_on_driver(echo) as port:
        local_workspace.queue_fault(f"break-after-{count}", at(port))
        with opened(local_workspace, at(port)) as connection:
            for _ in range(count):  # by turns: a message that nobody reads resets the connection, and replies are lost
                connection.send("x")
                assert connection.recv(10) == "x"
            with pytest.raises(ConnectionClosed):  # noqa: PT012, which of the two meets the end is not known
                connection.send("x")
                connection.recv(10)
            assert connection.close_code == 1006
    assert local_workspace.settled(f"/{port}/").outcome == "fault"


def test_the_end_of_the_workspace_closes_websockets(tmp_path):
    ended = threading.Event()

    def note(connection):
        with pytest.raises(ConnectionClosed):
            connection.recv()
        ended.set()

    workspace = start_local_workspace(tmp_path / "stderr.txt")
    try:
        with app_on_driver(note) as port, opened(workspace, at(port)) as connection:
            workspace.stop()
            assert ended.wait(10)
            with pytest.raises(ConnectionClosed):
                connection.recv(10)
    finally:
        workspace.stop()
    assert "Traceback" not in workspace.stderr.read_text()


@pytest.mark.parametrize("rest", ["/x#y", "/x?y#z"])
def test_an_address_that_no_websocket_can_have_is_refused(local_workspace, rest):
    host, port = local_workspace.host.removeprefix("http://").split(":")
    head = f"GET {at(7000, rest)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {local_workspace.token}\r\n"
    opening = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    with socket.create_connection((host, int(port)), timeout=20) as connection:  # a client library would refuse it
        connection.sendall(f"{head}{opening}{'A' * 22}==\r\n\r\n".encode())
        reply = b""
        while piece := connection.recv(65536):
            reply += piece
    assert reply.startswith(b"HTTP/1.1 400")
    assert b"cannot hold a '#'" in reply
