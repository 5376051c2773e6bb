"""Calls of apps on a driver: where they go, what is sent, what comes back, and what each failure is said to be."""

import json
import re
import socket
import subprocess
import sys
import time

import pytest

from services.clusters import Cluster, ClusterState, get_cluster
from services.doors import typed
from services.driver_contract import ContractCheck
from services.driver_proxy import (
    DriverCallJob,
    HealthKind,
    SavedTargets,
    Target,
    Via,
    any_json,
    cautions,
    get_health,
    is_private,
    is_this_machine,
    problems_of,
    question,
    url_of,
    why_not_directly,
)
from services.driver_proxy.diagnosis import trouble_in
from services.errors import BadInput, PlaygroundError, Side
from services.exchange import Answer
from services.invocation.job import MAX_EVENTS_TEXT
from services.jobs import NOT_WHOLE, Bell, Outcome
from services.refusals import refused
from services.sandbox import Hook, Result, SandboxState, Status
from services.snippets.driver_proxy import driver_proxy_snippets
from services.transforms import Hooks, Transform
from tests.broken_driver_apps import Flaw, driver_app
from tests.local_workspace.driver_apps import raw_app, saying
from tests.local_workspaces import ROOT, eventually
from tests.services.replies import silent, whole

CLUSTER = "0101-000000-local001"
SHARED = "0101-000000-local002"
QUESTION = {"prompt": "Bricks are", "max_tokens": 4}


def target(port=7777, **more):
    return Target("", more.pop("cluster_id", CLUSTER), port, **more)


def ended(workspace, target, body=None, **options):
    job = DriverCallJob(workspace, target, body, Bell(), **options)
    eventually(lambda: not job.running)
    return job


def saying_all(reply):
    """Like ``saying``, for what takes a moment to read: a connection that is closed with something unread loses it."""

    def answer(connection, _):
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return answer


class Doubling:
    """A sandbox that stands for one: its transform doubles texts."""

    def run(self, _source, hook, value, **_):
        after = {**value, "prompt": value.get("prompt", "") * 2} if hook is Hook.INPUT else [value, value]
        return Result(Status.OK, after)

    def state(self):
        return SandboxState(True, "none")


# ---- where


def test_the_address_of_a_target():
    assert url_of(target(), "https://w.example") == f"https://w.example/driver-proxy-api/o/0/{CLUSTER}/7777/"
    assert url_of(target(path="")).endswith("/7777"), "as LangChain calls it"
    assert url_of(target(path="v1/벽?q=a b".replace(" ", "%20"), org="123")).endswith(
        "/o/123/" + f"{CLUSTER}/7777/v1/%EB%B2%BD?q=a%20b"
    )
    direct = target(via=Via.DIRECT, path="/x")
    assert (url_of(direct, driver_address="10.0.0.1"), url_of(direct, driver_address="fd00::1")) == (
        "http://10.0.0.1:7777/x",
        "http://[fd00::1]:7777/x",
    )
    for address in ("", "evil.example/x", "a b", "user@host"):
        with pytest.raises(BadInput, match="address is not known"):
            url_of(direct, driver_address=address)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": "7777"}, "port"),
        ({"port": True}, "port"),
        ({"cluster_id": ""}, "cluster_id"),
        ({"cluster_id": "../../api"}, "cluster_id"),
        ({"path": "/../../../../api/2.0/token/list"}, "path"),
        ({"path": "/%2e%2e/x"}, "path"),
        ({"path": "/a/./b"}, "path"),
        ({"path": "/a/..;x=1/b"}, "path"),
        ({"path": "/a/%25252e%252e/b"}, "path"),
        ({"path": "/..%5Cb"}, "path"),
        ({"path": "/a b"}, "path"),
        ({"path": "/a#b"}, "path"),
        ({"path": "/a\r\nX: y"}, "path"),
        ({"path": "/" + "x" * 5000}, "path"),
        ({"method": "PO ST"}, "method"),
        ({"method": ""}, "method"),
        ({"org": "o"}, "org"),
        ({"headers": (("Authorization", "Bearer x"),)}, "headers"),
        ({"headers": (("cookie", "x"),)}, "headers"),
        ({"headers": (("X Y", "x"),)}, "headers"),
        ({"headers": (("X", "a\r\nEvil: b"),)}, "headers"),
        ({"headers": (("X", "벽돌"),)}, "headers"),
        ({"headers": (("X", "1"), ("x", "2"))}, "headers"),
    ],
)
def test_what_cannot_be_called_is_said_at_its_field_and_nothing_is_sent(workspace, local_workspace, change, field):
    wrong = Target(**{"name": "", "cluster_id": CLUSTER, "port": 7777, **change})
    assert list(problems_of(wrong)) == [field]
    before = len(local_workspace.requests())
    with pytest.raises(BadInput):
        DriverCallJob(workspace, wrong, None, Bell())
    assert len(local_workspace.requests()) == before


def test_ports_that_may_not_work_are_cautioned_about():
    assert cautions(target(7777)) == ()
    assert "outside 3000 to 8000" in cautions(target(80))[0]
    assert "RStudio" in cautions(target(8787))[0]
    assert "put a credential into a header" in cautions(target(path="/x?api_key=1"))[0]
    assert cautions(target(path="/x?n=1&page=2")) == ()


def test_this_machines_addresses_are_known_and_no_others():
    assert is_this_machine("127.0.0.1")
    others = (
        "",
        "192.0.2.1",
        "0.0.0.0",
        "::",
        "localhost",
        "7",
        "1.2.3.4.5",
        "2001:db8::1",
        "224.0.0.1",
        "255.255.255.255",
        "::ffff:0.0.0.0",
        "::ffff:224.0.0.1",
    )
    assert not any(is_this_machine(one) for one in others)


def test_a_driver_is_called_directly_on_this_machine_only_by_one_person_and_never_as_somebodys_workspace_says(
    workspace, embedded_workspace
):
    def driver(address="127.0.0.1", state=ClusterState.RUNNING):
        return Cluster("c", "c", state, driver_address=address)

    assert why_not_directly(embedded_workspace, driver(), alone=True) == ""
    for theirs, cluster, alone, part in (
        (embedded_workspace, driver(), False, "several people"),
        (embedded_workspace, driver(state=ClusterState.TERMINATED), True, "not known"),
        (embedded_workspace, None, True, "not known"),
        (embedded_workspace, driver("192.0.2.1"), True, "does not run on this cluster's driver"),
        (embedded_workspace, driver("169.254.169.254"), True, "does not run on this cluster's driver"),
        (workspace, driver(), True, "only the local workspace's clusters"),
        (workspace, driver("::ffff:127.0.0.1"), True, "only the local workspace's clusters|does not run on"),
    ):
        assert re.search(part, why_not_directly(theirs, cluster, alone=alone)), (cluster, alone)
        direct = target(7777, via=Via.DIRECT)
        with pytest.raises(BadInput, match=part):
            DriverCallJob(theirs, direct, None, Bell(), driver=cluster, alone=alone)
        with pytest.raises(BadInput, match=part):
            ContractCheck(theirs, direct, Bell(), driver=cluster, alone=alone)
    health = get_health(workspace, target(7777, via=Via.DIRECT), alone=True)
    assert (health.kind, "only the local workspace's" in health.said) == (HealthKind.AWAY, True)


# ---- what is sent, and what comes


def test_the_example_app_answers_with_a_json_string_and_the_record_has_the_exchange(workspace, local_workspace):
    local_workspace.queue_fault("scripted-0-4", "/serving-endpoints/chat/completions")
    job = ended(workspace, target(local_workspace.ready["driver_port"]), QUESTION)
    assert (job.reply.outcome, job.reply.status, job.reply.kind) == (Outcome.COMPLETE, 200, "a JSON string")
    assert job.reply.value.startswith("Brick 벽돌")
    record = job.call.record
    assert (record.method, record.request_headers["Authorization"]) == ("POST", "[redacted]")
    assert json.loads(record.request_body) == QUESTION
    sent = local_workspace.last_request("/driver-proxy-api/")
    assert (sent.body, sent.path) == (
        record.request_body,
        f"/driver-proxy-api/o/0/{CLUSTER}/{local_workspace.ready['driver_port']}/",
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "REPORT"])
def test_any_method_path_and_header_arrives(workspace, method):
    with raw_app(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as app:
        wanted = target(
            app.port,
            method=method,
            path="//metadata?x=%2F",
            headers=(("X-Request-Id", "kept"), ("X-Api-Key", "s3cret")),
        )
        job = ended(workspace, wanted)
    [head] = app.heads
    assert head.startswith(f"{method} //metadata?x=%2F HTTP/1.1\r\n".encode())
    assert b"x-request-id: kept" in head.lower()
    assert b"authorization" not in head.lower()
    assert (job.reply.text, job.reply.kind, job.reply.is_json) == ("ok", "text that is not JSON", False)
    assert "s3cret" not in repr(job.call.record)


def test_a_direct_call_reaches_the_driver_and_carries_no_credentials(embedded_workspace, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password canary\n")
    here = {"driver": get_cluster(embedded_workspace, CLUSTER), "alone": True}
    with raw_app(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n[1, 2]")) as app, monkeypatch.context() as patch:
        patch.setenv("NETRC", str(netrc))
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        job = ended(embedded_workspace, target(app.port, via=Via.DIRECT), {"a": 1}, **here)
    assert (job.reply.value, job.reply.outcome) == ([1, 2], Outcome.COMPLETE)
    assert b"authorization" not in app.heads[0].lower()
    with driver_app(Flaw.CLOSED) as gone:
        closed = ended(embedded_workspace, target(gone.port, via=Via.DIRECT), {"a": 1}, **here)
    assert "Nothing listens" in closed.reply.error.message


def test_a_stream_comes_event_by_event_and_stop_ends_it(workspace):
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b'data: "a"\n\n' * 2

    def half(connection, _):
        connection.sendall(reply)
        while connection.recv(65536):  # until the caller is gone
            pass

    with raw_app(half) as app:
        job = DriverCallJob(workspace, target(app.port), QUESTION, Bell())
        eventually(lambda: len(job.reply.events) == 2)
        job.stop()
        eventually(lambda: job.call.record.finished_after is not None)
    assert (job.reply.outcome, job.reply.events, job.reply.error) == (Outcome.STOPPED, ['"a"', '"a"'], None)
    assert len(app.heads) == 1


def test_a_transform_shapes_both_bodies_and_says_where_it_cannot(workspace):
    transform = Transform("double", 1, "def transform_input(**request): ...")
    with driver_app(Flaw.STRICT) as app:
        hooks = Hooks(Doubling(), transform)
        job = ended(workspace, target(app.port), {"prompt": "ab"}, hooks=hooks)
        assert json.loads(app.bodies[0]) == {"prompt": "abab"}
        assert job.reply.shaped_value == [job.reply.value, job.reply.value]
        listed = ended(workspace, target(app.port), ["ab"], hooks=Hooks(Doubling(), transform))
        assert (listed.reply.outcome, listed.call.record.sent_at) == (Outcome.FAILED, None)
        assert "takes a JSON object by its keys" in listed.reply.error.message
        assert len(app.bodies) == 1
    with driver_app(Flaw.NOT_JSON) as app:
        job = ended(workspace, target(app.port), {"prompt": "ab"}, hooks=Hooks(Doubling(), transform))
        assert (job.reply.shaped, job.reply.outcome) == (False, Outcome.COMPLETE)
        assert job.call.record.trace.notes == ["transform_output was not run: the reply is not JSON."]


def test_a_stream_that_is_not_kept_whole_is_not_given_to_transform_output_and_that_is_said(workspace):
    event = b'data: "' + b"x" * (MAX_EVENTS_TEXT // 2) + b'"\n\n'
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + event * 3
    with raw_app(saying_all(reply)) as app:
        hooks = Hooks(Doubling(), Transform("double", 1, "def transform_output(response): ..."))
        job = ended(workspace, target(app.port), {"prompt": "ab"}, hooks=hooks)
    assert (job.reply.outcome, job.reply.shaped, job.call.record.trace.output) == (Outcome.COMPLETE, False, None)
    assert job.reply.left_out == 2
    assert job.call.record.trace.notes == [NOT_WHOLE]
    assert any("The app has picked up" in stage.sentence for stage in job.waiting.stages)


@pytest.mark.parametrize("reply", [b'"\\ud800 \xf0\x9f\xa7\xb1"', b'{"a": "\\udc00"}', b"[" * 985 + b"]" * 985])
def test_a_reply_that_cannot_be_written_or_drawn_as_it_is_can_be_read_all_the_same(workspace, reply):
    with raw_app(saying_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply))) as app:
        job = ended(workspace, target(app.port), {"prompt": "ab"})
    assert job.reply.outcome is Outcome.COMPLETE
    assert job.reply.text.encode()
    assert json.dumps(job.reply.value, ensure_ascii=False).encode()


def test_what_is_typed_as_json_names_no_key_twice():
    assert question("a", ["b"], '{"n": 1}') == {"prompt": "a", "n": 1, "stop": ["b"]}
    fields = {"temperature": 0.0, "max_tokens": None}
    assert question("a", [], '{"max_tokens": 4}', fields) == {"prompt": "a", "temperature": 0.0, "max_tokens": 4}
    for twice in ("temperature", "prompt", "stop"):
        with pytest.raises(BadInput, match=f"names {twice} again"):
            question("a", [], f'{{"{twice}": 1}}', fields)
    for wrong, part in (('{"a": 1, "a": 2}', "twice"), ("[1", "not JSON"), ("null", "cannot be told from no body")):
        with pytest.raises(BadInput, match=part):
            any_json(wrong)
    with pytest.raises(BadInput, match="twice"):
        question("a", [], '{"n": 1, "n": 2}')


def test_a_body_where_there_can_be_none_is_refused_before_anything_is_sent(workspace):
    with pytest.raises(BadInput, match="GET carries no body"):
        DriverCallJob(workspace, target(method="GET"), {"a": 1}, Bell())
    with pytest.raises(BadInput, match="JSON cannot write"):
        DriverCallJob(workspace, target(), float("nan"), Bell())


# ---- what went wrong


@pytest.mark.parametrize(
    ("flaw", "side", "message", "hint"),
    [
        (Flaw.CLOSED, Side.APP, "Nothing answers on port", "0.0.0.0"),
        (Flaw.LOOPBACK, Side.APP, "Nothing answers on port", "127.0.0.1 only"),
        (Flaw.WRONG_METHOD, Side.APP, "does not take POST at / (405). It takes GET.", "method"),
        (Flaw.REDIRECTS, Side.APP, "redirect (307) to /elsewhere/", "not followed"),
    ],
)
def test_a_broken_app_is_told_in_words(workspace, flaw, side, message, hint):
    with driver_app(flaw) as app:
        reply = ended(workspace, target(app.port), QUESTION).reply
    assert reply.outcome is Outcome.FAILED
    assert (reply.error.side, message in reply.error.message, hint in reply.error.hint) == (side, True, True), (
        reply.error
    )


def test_an_error_page_is_kept_as_it_came(workspace):
    with driver_app(Flaw.HTML_ERRORS) as app:
        reply = ended(workspace, target(app.port), {}).reply
    assert (reply.status, reply.kind, "<title>" in reply.text) == (500, "a web page", True)
    assert "The app failed (500): There is no prompt." in reply.error.message


def test_the_platforms_own_refusals_are_told_apart(workspace, analyst, local_workspace):
    stopped = ended(workspace, target(cluster_id=SHARED), QUESTION).reply
    assert "is not running" in stopped.error.message
    theirs = ended(analyst, target(), QUESTION).reply
    assert "dedicated to somebody else" in theirs.error.message
    unknown = ended(workspace, target(cluster_id="0101-000000-nowhere"), QUESTION).reply
    assert "no cluster 0101-000000-nowhere" in unknown.error.message
    nobody = ended(typed(local_workspace.host, "dapi-wrong"), target(), QUESTION).reply
    assert "credentials" in nobody.error.message
    assert all(one.raw for one in (stopped, theirs, unknown, nobody))


@pytest.mark.parametrize(
    ("status", "body", "seconds", "headers", "message"),
    [
        (502, b"<html><h1>502 Bad Gateway</h1>", 40.0, {}, "broke off after 40 s"),
        (502, b'{"error": "upstream"}', 0.1, {}, "The app failed (502): upstream."),
        (504, b"<html>", 60.0, {}, "proxy gave up"),
        (403, b'{"error_code": 403, "message": "scope clusters is missing"}', 0.1, {}, "may not call clusters"),
        (403, b'{"error_code": 403, "message": "Invalid access token."}', 0.1, {}, "does not take these credentials"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "no attach permission"}', 0.1, {}, "may not attach"),
        (401, b"who are you?", 0.1, {}, "did not let the call in (401): who are you?"),
        (404, b"", 0.1, {}, "nothing at / (404)"),
        (422, b'{"detail": [{"msg": "x"}]}', 0.1, {}, "refused the request (422)."),
        (302, b"", 0.1, {"Location": "https://x/login.html"}, "redirect (302) to https://x/login.html"),
        (500, b"[" * 100_000, 0.1, {}, "The app failed (500)"),
        (599, b"\xff\xfe", 0.1, {}, "The app failed (599)"),
    ],
)
def test_what_a_status_means(status, body, seconds, headers, message):
    found = trouble_in(Answer(status, headers, body), target(), seconds)
    assert isinstance(found, PlaygroundError)
    assert message in found.message
    assert found.hint


@pytest.mark.parametrize(
    "body",
    [
        b"<title>" * 1_000_000, b"<title" * 1_000_000, b"<h1>x" * 1_000_000,
        b'{"error_code": "X", "message": "' + b"cluster" * 1_000_000 + b'"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_of_megabytes_is_read_at_once(body, status):
    began = time.process_time()
    assert isinstance(trouble_in(Answer(status, {}, body), target(), 0.1), PlaygroundError)
    assert refused("x", status, {}, body).message
    assert time.process_time() - began < 5, "what looks at each of them from each of them takes hours"


def test_the_workspace_says_nothing_and_stop_ends_the_call(make_reply_server):
    server = make_reply_server(silent)
    job = DriverCallJob(typed(server.host, "dapi1"), target(), QUESTION, Bell())
    eventually(lambda: server.received)
    job.stop()
    eventually(lambda: server.received[0].closed_by_caller.is_set())
    assert job.reply.outcome is Outcome.STOPPED


def test_a_reply_that_nobody_looks_at_is_ended(make_reply_server):
    server = make_reply_server(silent)
    job = DriverCallJob(typed(server.host, "dapi1"), target(), QUESTION, Bell(), unwatched_seconds=0.05)
    eventually(lambda: not job.running)
    assert "no page showed it" in job.reply.ended_because


# ---- kept, and taken away


def test_saved_targets_are_each_persons_own_and_keep_no_credentials(tmp_path):
    saved = SavedTargets(tmp_path)
    odd = ("X-Auth", "X-Functions-Key", "X-Team")
    assert [name for name in (*odd, "X-Api-Key") if not is_private(name)] == []
    mine = Target(
        " dolly ",
        CLUSTER,
        7777,
        "/x",
        "PUT",
        (("X-Request-Id", "kept"), *((name, "canary") for name in odd)),
        "0",
        Via.DIRECT,
    )
    kept = saved.save("me", "https://w", mine)
    assert (kept.name, kept.headers) == ("dolly", (("X-Request-Id", "kept"), *((name, "") for name in odd)))
    again = SavedTargets(tmp_path)
    assert again.all("me", "https://w") == [kept]
    assert (again.all("you", "https://w"), again.all("me", "https://v")) == ([], [])
    assert not any(b"canary" in file.read_bytes() for file in tmp_path.iterdir())
    again.delete("you", "https://w", "dolly")
    assert saved.all("me", "https://w") == [kept]
    again.delete("me", "https://w", "dolly")
    assert saved.all("me", "https://w") == []
    for wrong in (target(), Target("n", CLUSTER, 0), Target("a\nb", CLUSTER, 1)):
        with pytest.raises(BadInput):
            saved.save("me", "https://w", wrong)


def test_a_call_as_code_does_the_same_call(workspace, local_workspace):
    environment = {
        "DATABRICKS_HOST": local_workspace.host,
        "DATABRICKS_TOKEN": local_workspace.token,
        "APP_X_API_KEY": "k'\"$y",
    }
    body = {"prompt": "벽 '돌' $HOME \\ ✓", "n": [None, True]}
    wanted = {
        "path": "/v1/$a'b?x=1",
        "method": "PUT",
        "headers": (("X-Api-Key", "canary"), ("X-Request-Id", 'it\'s "so" $HOME')),
    }
    bodies = []

    def answer(connection, head):
        length = int(
            next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1]
        )
        content = app.left
        while len(content) < length:
            content += connection.recv(65536)
        bodies.append(json.loads(content))
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"ok"')

    with raw_app(answer) as app:
        snippets = driver_proxy_snippets(target(app.port, **wanted), body)
        for snippet, command in zip(snippets, (["bash"], [sys.executable, "-"]), strict=True):
            assert "canary" not in snippet.code
            ran = subprocess.run(
                command,
                input=snippet.code,
                env={"PATH": "/usr/bin:/bin", **environment},
                text=True,
                capture_output=True,
                cwd=ROOT,
                timeout=30,
                check=False,
            )
            assert '"ok"' in ran.stdout, ran.stderr
    assert bodies == [body, body]
    for head in app.heads:
        assert head.startswith(b"PUT /v1/$a'b?x=1 HTTP/1.1")
        assert b'x-request-id: it\'s "so" $home' in head.lower()
        assert b"x-api-key: k'\"$y" in head.lower()


def test_code_of_a_direct_call_has_no_credentials():
    for snippet in driver_proxy_snippets(target(via=Via.DIRECT, method="GET"), None, driver_address="10.0.0.1"):
        assert "http://10.0.0.1:7777/" in snippet.code
        assert "TOKEN" not in snippet.code


def test_a_redirect_to_another_host_is_never_followed(make_reply_server):
    elsewhere = make_reply_server(whole("secret"))
    server = make_reply_server(whole(b"", 307, location=elsewhere.host))
    job = ended(typed(server.host, "dapi1"), target(), QUESTION)
    assert (elsewhere.received, job.reply.location) == ([], elsewhere.host)
    assert job.reply.outcome is Outcome.FAILED
