"""HTTP through the driver proxy: byte for byte, both ways, to one port and nowhere else."""

import gzip
import hashlib
import http.client
import io
import json
import socket
import sys
import threading
from urllib.parse import urlsplit

import pytest
import requests

from tests.local_workspace.calls import call
from tests.local_workspace.driver_apps import driver_address, header_lines, raw_app, saying
from tests.local_workspaces import eventually, start_local_workspace

RUNNING = "0101-000000-local001"
SHARED = "0101-000000-local002"
ORG = "1000000000000001"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def at(port, rest="/", org="0", cluster=RUNNING, prefix="driver-proxy-api"):
    return f"/{prefix}/o/{org}/{cluster}/{port}{rest}"


def exchange(workspace, target, method="GET", headers=(), body=b""):
    """One request whose target and headers are sent exactly so; the whole reply, as bytes."""
    url = urlsplit(workspace.host)
    lines = [f"{method} {target} HTTP/1.1", "Host: workspace", f"Authorization: Bearer {workspace.token}", *headers]
    with socket.create_connection((url.hostname, url.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        reply = b""
        while piece := connection.recv(65536):
            reply += piece
    return reply


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        ("", "/"),
        ("/", "/"),
        ("?a=b", "/?a=b"),
        ("/a/b/", "/a/b/"),
        ("//double//slash", "//double//slash"),
        ("/%E2%9C%93/a%20b%2Fc?q=%20+&q=2&empty=", "/%E2%9C%93/a%20b%2Fc?q=%20+&q=2&empty="),
        ("/../../../api/2.1/clusters/list", "/../../../api/2.1/clusters/list"),
        ("/%2e%2e/%2E%2e/x", "/%2e%2e/%2E%2e/x"),
        ("/a;b=c,d:e@f!$&'()*", "/a;b=c,d:e@f!$&'()*"),
        ("/http://example.com/", "/http://example.com/"),
        ("/@example.com:80/", "/@example.com:80/"),
        ("/%0d%0aX-Injected:%20yes", "/%0d%0aX-Injected:%20yes"),
        ("/x?a=%0d%0a%0d%0aGET%20/", "/x?a=%0d%0a%0d%0aGET%20/"),
        ("/x#y", "/x#y"),
        ("/o/0/other/3000/", "/o/0/other/3000/"),
    ],
)
@pytest.mark.parametrize("prefix", ["driver-proxy-api", "driver-proxy"])
def test_what_follows_the_port_arrives_byte_for_byte(local_workspace, rest, target, prefix):
    with raw_app(saying(OK)) as app:
        reply = exchange(local_workspace, at(app.port, rest, prefix=prefix))
    assert reply.startswith(b"HTTP/1.1 200")
    [head] = app.heads
    assert head.split(b"\r\n")[0] == b"GET %s HTTP/1.1" % target.encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
@pytest.mark.parametrize("org", ["0", ORG])
def test_any_method_arrives(local_workspace, method, org):
    with raw_app(saying(OK)) as app:
        reply = exchange(local_workspace, at(app.port, "/x", org), method)
    assert reply.endswith(b"ok")
    assert app.heads[0].startswith(f"{method} /x HTTP/1.1\r\n".encode())


def test_the_callers_credentials_and_the_hops_headers_stay_behind(local_workspace):
    sent = [
        "X-Own: one",
        "X-Own: two",
        "Accept: text/html",
        "Cookie: a=1; DATAPLANE_DOMAIN_SESSIONID=s3cret; b=2",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Access-Token: t0ken",
        "Proxy-Authorization: Basic eA==",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Connection: x-hop, close",
        "X-Hop: gone",
        "X-Local-Fault: stall-0s",
        "X-Latin: caf\u00e9".encode().decode("latin-1"),
    ]
    with raw_app(saying(OK)) as app:
        exchange(local_workspace, at(app.port), headers=sent)
    assert sorted(header_lines(app.heads[0])) == sorted(
        [
            f"host: {driver_address(local_workspace)}:{app.port}".encode(),
            b"x-own: one",
            b"x-own: two",
            b"accept: text/html",
            b"cookie: a=1; b=2",
            b"x-forwarded-for: 10.0.0.1",
            *[line for line in header_lines(app.heads[0]) if line.startswith(b"x-latin: ")],
        ]
    )
    assert local_workspace.token.encode() not in app.heads[0]


def test_the_reply_comes_back_as_the_app_gave_it(local_workspace):
    body = gzip.compress(b"bricks " * 100)
    head = (
        b"HTTP/1.1 418 Short And Stout\r\nContent-Type: text/x-brick\r\nContent-Encoding: gzip\r\n"
        b"Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Request-Id: the-apps\r\nConnection: x-hop\r\nX-Hop: gone\r\n"
        b"Keep-Alive: timeout=9\r\nServer: brick/1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    )
    with raw_app(saying(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)) as app:
        reply = exchange(local_workspace, at(app.port))
        again = exchange(local_workspace, at(app.port))
    got, _, payload = reply.partition(b"\r\n\r\n")
    assert payload == body
    assert got.startswith(b"HTTP/1.1 418 ")
    lines = [line.lower() for line in header_lines(got)]
    assert [line for line in lines if line.startswith(b"set-cookie")] == [
        b"set-cookie: a=1; path=/",
        b"set-cookie: b=2",
    ]
    assert {
        b"content-encoding: gzip",
        b"content-type: text/x-brick",
        b"x-request-id: the-apps",
        b"server: brick/1",
    } <= {*lines}
    assert len([line for line in lines if line.startswith((b"date:", b"x-request-id:"))]) == 2
    assert not [line for line in lines if line.startswith((b"x-hop", b"keep-alive"))]
    assert b"cookie" not in app.heads[1].lower(), "a cookie of one call is not sent with another"
    assert again.endswith(body)


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/", "/elsewhere", "http://example.com/"])
def test_a_redirect_is_the_callers_to_follow(local_workspace, location):
    with raw_app(saying(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode())) as app:
        response = call(local_workspace, "GET", at(app.port), allow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (302, location)
    assert len(app.heads) == 1


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 123456\r\nX-A: b\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nX-A: b\r\n\r\n'),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"),
        ("GET", b"HTTP/1.0 200 OK\r\nX-A: b\r\n\r\n"),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"),
    ],
)
def test_replies_without_a_body_keep_the_connection_in_step(local_workspace, method, reply):
    url = urlsplit(local_workspace.host)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
    headers = {"authorization": f"Bearer {local_workspace.token}"}
    with raw_app(saying(reply)) as app:
        for _ in range(2):
            connection.request(method, at(app.port), headers=headers)
            response = connection.getresponse()
            assert (response.read(), response.headers["x-a"]) == (b"", "b")
    connection.close()


def test_a_head_reply_keeps_its_content_length(local_workspace):
    with raw_app(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 123456\r\n\r\n")) as app:
        assert call(local_workspace, "HEAD", at(app.port)).headers["content-length"] == "123456"


def test_a_reply_without_length_ends_with_its_connection(local_workspace):
    with raw_app(saying(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000)) as app:
        assert call(local_workspace, "GET", at(app.port)).content == b"x" * 300_000


def read_request_body(connection, app, size):
    got = app.left
    while len(got) < size:
        got += connection.recv(1 << 20)
    return got


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_body_of_any_size_passes_while_it_is_still_being_sent(local_workspace, chunked):
    first_seen, received = threading.Event(), hashlib.sha256()
    parts = [b"a" * 1024, *[b"%07d-" % number * 8192 for number in range(300)]]
    size = sum(map(len, parts))

    def answer(connection, head):
        stream = connection.makefile("rb")
        left = io.BytesIO(app.left)
        read = lambda count: (got := left.read(count)) + stream.read(count - len(got))  # noqa: E731
        if chunked:
            line = lambda: left.readline() or stream.readline()  # noqa: E731
            while length := int(line(), 16):
                received.update(read(length + 2)[:-2])
                first_seen.set()
        else:
            received.update(read(1024))
            first_seen.set()
            received.update(read(size - 1024))
        connection.sendall(OK)

    def pieces():
        yield parts[0]
        assert first_seen.wait(10), "the first piece arrives before the last is sent"
        yield from parts[1:]

    url = urlsplit(local_workspace.host)
    headers = {"authorization": f"Bearer {local_workspace.token}"} | ({} if chunked else {"content-length": str(size)})
    with raw_app(answer) as app:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        connection.request("POST", at(app.port), pieces(), headers, encode_chunked=chunked)
        assert connection.getresponse().read() == b"ok"
        connection.close()
    assert received.hexdigest() == hashlib.sha256(b"".join(parts)).hexdigest()
    assert (b"transfer-encoding: chunked" in app.heads[0]) is chunked
    entry = local_workspace.last_request(f"/{app.port}/")
    assert entry.body == b"".join(parts)[: 1024 * 1024]


def test_a_length_beside_chunks_is_not_passed_on(local_workspace):
    def answer(connection, head):
        got = app.left
        while b"0\r\n\r\n" not in got:
            got += connection.recv(65536)
        connection.sendall(OK)

    with raw_app(answer) as app:
        headers = ["Content-Length: 4", "Transfer-Encoding: chunked"]
        exchange(local_workspace, at(app.port), "POST", headers, chunk(b"hello") + b"0\r\n\r\n")
    assert not app.heads or b"content-length" not in app.heads[0]


def test_an_expected_100_continue_comes(local_workspace):
    with raw_app(lambda connection, _: (read_request_body(connection, app, 4), connection.sendall(OK))) as app:
        reply = exchange(local_workspace, at(app.port), "POST", ["Expect: 100-continue", "Content-Length: 4"], b"1234")
    assert reply.startswith(b"HTTP/1.1 100")
    assert reply.endswith(b"ok")


def test_events_arrive_while_the_app_is_still_writing(local_workspace):
    got_first, wrote = threading.Event(), []

    def answer(connection, head):
        connection.sendall(SSE + chunk(b"data: 1\n\n"))
        wrote.append(got_first.wait(10))
        connection.sendall(chunk(b"da") + chunk(b"ta: 2\n\n") + b"0\r\n\r\n")

    with raw_app(answer) as app:
        response = call(local_workspace, "GET", at(app.port), stream=True)
        pieces = response.raw.stream(65536, decode_content=False)
        assert next(pieces) == b"data: 1\n\n"
        got_first.set()
        assert b"".join(pieces) == b"data: 2\n\n"
    assert wrote == [True]
    assert local_workspace.settled(f"/{app.port}/").sent_events == 2


@pytest.mark.parametrize("reply", [b"", SSE + chunk(b"data: 1\n\n")])
def test_a_caller_who_hangs_up_ends_the_call_to_the_app(local_workspace, reply):
    arrived, ended = threading.Event(), threading.Event()

    def answer(connection, head):
        connection.sendall(reply)
        arrived.set()
        if connection.recv(1) == b"":
            ended.set()

    url = urlsplit(local_workspace.host)
    with raw_app(answer) as app:
        with socket.create_connection((url.hostname, url.port)) as connection:
            request = f"GET {at(app.port)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {local_workspace.token}\r\n\r\n"
            connection.sendall(request.encode())
            assert arrived.wait(10)
        assert ended.wait(10)
    assert local_workspace.settled(f"/{app.port}/").outcome == "client_closed"


def test_a_caller_who_stops_sending_ends_the_call_to_the_app(local_workspace):
    ended = threading.Event()

    def answer(connection, head):
        while connection.recv(65536):
            pass
        ended.set()

    url = urlsplit(local_workspace.host)
    with raw_app(answer) as app:
        with socket.create_connection((url.hostname, url.port)) as connection:
            head = f"POST {at(app.port)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {local_workspace.token}\r\n"
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\nbegun".encode())
            eventually(lambda: app.heads)
        assert ended.wait(10)
    assert local_workspace.settled(f"/{app.port}/").outcome == "client_closed"


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", b"nonsense\r\n\r\n"])
def test_an_app_that_breaks_off_before_it_answers_is_502(local_workspace, reply):
    with raw_app(saying(reply)) as app:
        response = call(local_workspace, "GET", at(app.port))
    assert response.status_code == 502
    assert response.headers["content-type"].startswith("text/html")
    assert "502 Bad Gateway" in response.text


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", SSE + chunk(b"data: 1\n\n") + b"ff\r\ndata"]
)
def test_an_app_that_breaks_off_in_the_middle_breaks_the_callers_connection(local_workspace, reply):
    with raw_app(saying(reply)) as app:
        response = call(local_workspace, "GET", at(app.port), stream=True)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = response.content
    entry = local_workspace.settled(f"/{app.port}/")
    assert (entry.status, entry.outcome) == (200, "upstream_broke")


@pytest.mark.parametrize("prefix", ["driver-proxy-api", "driver-proxy"])
def test_a_port_where_nothing_listens_is_502_at_once(local_workspace, prefix):
    with raw_app(saying(OK)) as app:
        pass
    response = call(local_workspace, "POST", at(app.port, prefix=prefix), {"prompt": "x"})
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "<h1>502 Bad Gateway</h1>" in response.text
    assert response.elapsed.total_seconds() < 1


@pytest.mark.skipif(sys.platform != "linux", reason="the driver has an address of its own on Linux only")
@pytest.mark.parametrize("prefix", ["driver-proxy-api", "driver-proxy"])
def test_an_app_that_listens_on_the_loopback_address_only_is_502(local_workspace, prefix):
    with raw_app(saying(OK), host="127.0.0.1") as app:
        response = call(local_workspace, "POST", at(app.port, prefix=prefix), {"prompt": "x"})
        assert requests.post(f"http://127.0.0.1:{app.port}/", timeout=5).ok
    assert (response.status_code, app.heads[0].partition(b" ")[0]) == (502, b"POST")
    assert len(app.heads) == 1, "the proxy never came to it"


@pytest.mark.parametrize(
    "port", ["2999", "8001", "0", "80", "65536", "99999999999999", "-3000", "seven", "３０００", "%20"]
)
def test_a_port_out_of_range_or_no_number_is_refused(local_workspace, port):
    response = call(local_workspace, "GET", at(port))
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert response.json()["message"].startswith("The port must be a number from 3000 to 8000, not '")


@pytest.mark.parametrize(
    "path",
    [
        f"/driver-proxy-api/o/0/{RUNNING}",
        f"/driver-proxy-api/o/0/{RUNNING}/",
        "/driver-proxy-api/o/0",
        "/driver-proxy-api/",
        "/driver-proxy-api",
        f"/driver-proxy-api/0/{RUNNING}/7777/",
        f"/driver-proxy-api/../driver-proxy-api/o/0/{RUNNING}/7777/",
        f"/driver-proxy-api%2Fo%2F0%2F{RUNNING}%2F7777%2F",
        f"/driver-proxy-apix/o/0/{RUNNING}/7777/",
        f"//driver-proxy-api/o/0/{RUNNING}/7777/",
    ],
)
def test_a_path_without_a_port_is_no_api(local_workspace, path):
    reply = exchange(local_workspace, path)
    assert reply.startswith(b"HTTP/1.1 404")
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["error_code"] == "ENDPOINT_NOT_FOUND"


@pytest.mark.parametrize("org", ["1", "00", "1000000000000002", "%00", "x" * 500])
def test_another_workspaces_id_is_refused(local_workspace, org):
    response = call(local_workspace, "GET", at(7777, org=org))
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("cluster", ["0101-000000-nowhere", "%2e%2e", "벽돌", "%00", "..%2f..", "127.0.0.1"])
def test_an_unknown_cluster_is_refused(local_workspace, cluster):
    response = call(local_workspace, "GET", at(7777, cluster=cluster))
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert response.json()["message"].endswith(" does not exist")


def test_a_terminated_cluster_is_said_in_text_at_every_path(local_workspace):
    for path in ("/", "/anything", "//x?y"):
        response = call(local_workspace, "POST", at(7777, path, cluster=SHARED), {"prompt": "x"})
        assert (response.status_code, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert response.text.strip() == f"INVALID_STATE: Cluster {SHARED} is in Terminated state"


def test_a_dedicated_cluster_is_for_its_user_only(local_workspace):
    with raw_app(saying(OK)) as app:
        response = call(local_workspace, "GET", at(app.port), token=local_workspace.users["analyst"])
    assert (response.status_code, response.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert response.json()["message"] == (
        "Single-user check failed: user 'analyst@local' attempted to run a command on single-user cluster "
        f"{RUNNING}, but the single user of this cluster is 'admin@local'"
    )
    assert app.heads == []


@pytest.mark.parametrize("prefix", ["driver-proxy-api", "driver-proxy"])
def test_without_a_good_token_nothing_passes(local_workspace, prefix):
    with raw_app(saying(OK)) as app:
        url = local_workspace.host + at(app.port, prefix=prefix)
        none = requests.get(url, timeout=10)
        bad = requests.get(url, headers={"authorization": "Bearer dapi0"}, timeout=10)
    assert (none.status_code, none.json()["error_code"]) == (401, 401)
    assert (bad.status_code, bad.json()["error_code"]) == (403, 403)
    assert "Invalid access token. [ReqId: " in bad.json()["message"]
    assert app.heads == []


def test_an_apps_visitor_has_no_scope_for_clusters(local_workspace):
    headers = call(local_workspace, "GET", "/_local/app-headers?user=analyst").json()
    token = {name.lower(): value for name, value in headers.get("headers", headers).items()}["x-forwarded-access-token"]
    response = call(local_workspace, "GET", at(7777), token=token)
    assert (response.status_code, response.json()["error_code"]) == (403, 403)
    assert "clusters" in response.json()["message"]


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """A workspace whose clusters are started and stopped, and which itself has a port that the proxy could reach."""
    port = next(port for port in range(3999, 3900, -1) if not is_taken(port))  # no other test's app takes those
    stderr = tmp_path_factory.mktemp("driver-proxy") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0.4", "--port", str(port))
    yield workspace
    workspace.stop()


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def change(workspace, what, cluster):
    assert call(workspace, "POST", f"/api/2.1/clusters/{what}", {"cluster_id": cluster}).status_code == 200


def wait_for(workspace, cluster, state):
    path = f"/api/2.1/clusters/get?cluster_id={cluster}"
    eventually(lambda: call(workspace, "GET", path).json()["state"] == state)


def test_the_workspaces_own_port_is_never_called(changing):
    own = urlsplit(changing.host).port
    response = call(changing, "GET", at(own, "/api/2.0/preview/scim/v2/Me"))
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "the local workspace itself" in response.json()["message"]


def test_a_shared_cluster_serves_everyone_who_may_attach_while_it_runs(changing):
    analyst = changing.users["analyst"]
    permissions = f"/api/2.0/permissions/clusters/{SHARED}"
    with raw_app(saying(OK)) as app:
        path = at(app.port, cluster=SHARED)
        change(changing, "start", SHARED)
        pending = call(changing, "GET", path, token=analyst)
        wait_for(changing, SHARED, "RUNNING")
        passed = call(changing, "GET", path, token=analyst)
        call(changing, "PUT", permissions, {"access_control_list": []})
        refused = call(changing, "GET", path, token=analyst)
        change(changing, "delete", SHARED)
        ending = call(changing, "GET", path)
    assert (pending.status_code, pending.text.strip()) == (
        400,
        f"INVALID_STATE: Cluster {SHARED} is in Pending state",
    )
    assert passed.text == "ok"
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert "analyst@local does not have Attach permissions on cluster" in refused.json()["message"]
    assert ending.text.strip() == f"INVALID_STATE: Cluster {SHARED} is in Terminating state"
    assert len(app.heads) == 1


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("return-503", 503, "TEMPORARILY_UNAVAILABLE"),
        ("return-429", 429, "REQUEST_LIMIT_EXCEEDED"),
        ("html-502", 502, None),
    ],
)
@pytest.mark.parametrize("queued", [False, True])
def test_faults_are_met_here_too(local_workspace, words, status, code, queued):
    with raw_app(saying(OK)) as app:
        if queued:
            local_workspace.queue_fault(words, f"/driver-proxy-api/o/0/{RUNNING}/{app.port}/")
        response = call(local_workspace, "POST", at(app.port), {"prompt": "x"}, fault=None if queued else words)
        assert call(local_workspace, "GET", at(app.port)).text == "ok"
    assert response.status_code == status
    assert code is None or response.json()["error_code"] == code
    assert len(app.heads) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_broken_stream_breaks_after_whole_events_however_the_app_cut_them(local_workspace, count):
    reply = SSE + chunk(b"data: 1\n") + chunk(b"\nda") + chunk(b"ta: 2\r\n\r\ndata: 3\n\n") + b"0\r\n\r\n"
    whole = [b"", b"data: 1\n\n", b"data: 1\n\ndata: 2\r\n\r\n"][count]
    with raw_app(saying(reply)) as app:
        response = call(local_workspace, "GET", at(app.port), fault=f"break-after-{count}", stream=True)
        got = []
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            got.extend(response.iter_content(None))
    assert b"".join(got) == whole


def test_json_that_came_in_pieces_is_cut_in_half_once(local_workspace):
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with raw_app(saying(reply + chunk(b'{"a": ') + chunk(b'"bcd"}') + b"0\r\n\r\n")) as app:
        response = call(local_workspace, "GET", at(app.port), fault="truncated-json")
    assert response.content == b'{"a": '
    assert response.headers["content-length"] == "6"


def test_a_slow_app_keeps_nobody_else_waiting(local_workspace):
    release = threading.Event()
    with raw_app(lambda connection, _: (release.wait(20), connection.sendall(OK))) as app:
        waiting = [
            threading.Thread(target=call, args=(local_workspace, "GET", at(app.port)), daemon=True) for _ in range(30)
        ]
        for thread in waiting:
            thread.start()
        eventually(lambda: len(app.heads) == 30)
        assert call(local_workspace, "GET", "/api/2.1/clusters/list").elapsed.total_seconds() < 2
        release.set()
        for thread in waiting:
            thread.join(20)
    assert not any(thread.is_alive() for thread in waiting)


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", b"502", b"502 Bad Gateway"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\nConnection: upgrade\r\n\r\n",
            b"502",
            b"502 Bad Gateway",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk(b"abcdefgh")
            + b"0\r\n\r\n",
            b"200",
            b"abcdefgh",
        ),
    ],
    ids=["unknown-status", "another-protocol", "two-lengths"],
)
def test_what_no_app_should_answer_is_passed_on_whole_or_not_at_all(local_workspace, reply, status, body):
    with raw_app(saying(reply)) as app:
        got = exchange(local_workspace, at(app.port))
    assert got.split(b" ", 2)[1] == status
    assert body in got
