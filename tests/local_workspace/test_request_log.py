"""The request log: what was really sent, and how it ended."""

import json

import pytest
import requests

from local_workspace.web.request_log import MAX_ENTRIES, MAX_TOTAL_BYTES, RequestLog
from tests.local_workspace.calls import CHAT_PATH, EMBEDDINGS_PATH, HELLO, call, chat
from tests.local_workspaces import eventually

SLOW = "scripted-20-100000"


def test_the_body_is_kept_byte_for_byte(local_workspace):
    body = '{ "messages":[ {"content":"벽돌 \\u00e9",   "role":"user"}],"max_tokens": 1 }'.encode()
    headers = {"content-type": "text/json", "x-mine": "yes"}
    call(local_workspace, "POST", CHAT_PATH + "?a=b%20c", data=body, headers=headers)
    entry = local_workspace.settled(CHAT_PATH)
    assert entry.body == body
    assert (entry.method, entry.path, entry.query, entry.user) == ("POST", CHAT_PATH, "a=b%20c", "admin")
    assert (entry.status, entry.outcome, entry.headers["x-mine"]) == (200, "complete", "yes")
    assert entry.seconds > 0


def test_credentials_are_redacted(local_workspace):
    call(
        local_workspace,
        "GET",
        "/api/2.0/serving-endpoints",
        headers={"X-Forwarded-Access-Token": "canary-1", "Cookie": "c=2"},
    )
    shown = call(local_workspace, "GET", "/_local/requests").text
    assert "[redacted]" in shown
    for secret in (*local_workspace.users.values(), "canary-1", "c=2"):
        assert secret not in shown


def test_events_of_a_stream_are_counted(local_workspace):
    chat(local_workspace, fault="scripted-0-5 split-utf8", stream=True).close()
    chat(local_workspace, fault="scripted-0-5", stream=True).content  # noqa: B018
    entry = local_workspace.settled(CHAT_PATH)
    assert (entry.sent_events, entry.outcome) == (9, "complete")


def test_a_refused_caller_is_logged_without_a_name(local_workspace):
    requests.get(f"{local_workspace.host}/api/2.0/serving-endpoints", timeout=10)
    entry = local_workspace.settled("/api/2.0/serving-endpoints")
    assert (entry.status, entry.user) == (401, None)


def test_the_log_can_be_read_from_an_id_on_and_cleared(make_local_workspace):
    workspace = make_local_workspace()
    for path in ("/one", "/two", "/three"):
        call(workspace, "GET", path)
    first, *_ = workspace.requests()
    assert [entry.path for entry in workspace.requests(since=first.id)] == ["/two", "/three"]
    workspace.clear()
    assert workspace.requests() == []
    call(workspace, "GET", "/four")
    assert [entry.id for entry in workspace.requests()] == [4]


def test_probes_and_the_log_itself_are_not_logged(make_local_workspace):
    workspace = make_local_workspace()
    requests.get(f"{workspace.host}/.well-known/databricks-config", timeout=10)
    workspace.clear_faults()
    assert workspace.requests() == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_only_the_admin_reads_the_log(local_workspace, method):
    response = call(local_workspace, method, "/_local/requests", token=local_workspace.users["analyst"])
    assert (response.status_code, response.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "９"])
def test_a_since_that_is_no_number_is_refused(local_workspace, since):
    assert call(local_workspace, "GET", f"/_local/requests?since={since}").status_code == 400


def test_a_body_over_a_megabyte_is_kept_in_part_and_says_so(local_workspace):
    call(local_workspace, "POST", CHAT_PATH, data=b" " * 1_500_000, headers={"content-type": "application/json"})
    entry = call(local_workspace, "GET", "/_local/requests").json()["requests"][-1]
    assert (entry["body_bytes"], entry["body_cut"]) == (1_500_000, True)
    assert len(local_workspace.last_request(CHAT_PATH).body) == 1024 * 1024


def test_the_log_is_bounded_in_entries_and_in_bytes():
    log = RequestLog()
    for _ in range(MAX_ENTRIES + 5):
        log.begin("GET", "/x", "", []).keep_body(b"x" * 100_000)
    log.begin("GET", "/x", "", [])  # each makes room for itself
    logged = log.since(0)
    assert logged[-1]["id"] == MAX_ENTRIES + 6
    assert sum(entry["body_bytes"] for entry in logged) <= MAX_TOTAL_BYTES


def hang_up(workspace, body, fault=None, after=lambda _: None):
    """Send an invocation, read what `after` reads, and close the connection."""
    session = requests.Session()
    headers = {"authorization": f"Bearer {workspace.token}"} | ({"x-local-fault": fault} if fault else {})
    response = session.post(workspace.host + CHAT_PATH, json=body, headers=headers, stream=True, timeout=30)
    after(response)
    response.close()
    session.close()


def test_a_request_is_in_the_log_while_it_runs(local_workspace):
    seen = []
    hang_up(
        local_workspace,
        HELLO | {"stream": True},
        SLOW,
        after=lambda _: seen.append(local_workspace.last_request(CHAT_PATH).outcome),
    )
    assert seen == ["running"]
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"


def test_hanging_up_in_a_stream_ends_it_at_once(local_workspace):
    story = {
        "messages": [{"role": "user", "content": "Tell me a very long story."}],
        "max_tokens": 4000,
        "stream": True,
    }
    hang_up(local_workspace, story, after=lambda response: next(response.iter_content(None)))
    entry = local_workspace.settled(CHAT_PATH)
    assert (entry.outcome, entry.status) == ("client_closed", 200)
    assert entry.sent_events < 200


@pytest.mark.parametrize("fault", ["stall-60s", SLOW, None])
def test_hanging_up_before_the_first_byte_ends_it_too(local_workspace, fault):
    before = max((entry.id for entry in local_workspace.requests()), default=0)
    story = {"messages": [{"role": "user", "content": "Tell me a very long story. " * 200}], "max_tokens": 4000}
    headers = {"authorization": f"Bearer {local_workspace.token}"} | ({"x-local-fault": fault} if fault else {})
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(local_workspace.host + CHAT_PATH, json=story, headers=headers, timeout=0.4)
    eventually(lambda: [entry for entry in local_workspace.requests(before) if entry.outcome == "client_closed"])
    entry = local_workspace.last_request(CHAT_PATH)
    assert entry.status is None
    assert entry.seconds < 10  # the whole answer takes a minute


def test_after_hang_ups_the_model_is_free_again(local_workspace):
    story = {
        "messages": [{"role": "user", "content": "Tell me a very long story."}],
        "max_tokens": 6000,
        "stream": True,
    }
    for _ in range(8):  # more than there are slots
        hang_up(local_workspace, story, after=lambda response: next(response.iter_content(None)))
    assert chat(local_workspace, max_tokens=2).elapsed.total_seconds() < 5


def test_a_caller_who_leaves_in_the_middle_of_its_body_is_logged(local_workspace):
    def body():
        yield b'{"messages": '
        raise ConnectionAbortedError

    with pytest.raises((requests.exceptions.ConnectionError, ConnectionAbortedError)):
        call(local_workspace, "POST", EMBEDDINGS_PATH, data=body())
    assert local_workspace.settled(EMBEDDINGS_PATH).outcome == "client_closed"


def test_the_log_is_json_however_odd_the_request(local_workspace):
    call(local_workspace, "POST", CHAT_PATH, data=b"\xff\x00\xfe", headers={"x-odd": b"\xe9\xff"})
    assert json.loads(call(local_workspace, "GET", "/_local/requests").text)["requests"]
