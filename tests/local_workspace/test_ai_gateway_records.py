"""The AI gateway's parts that read and keep: token counts in pieces of replies, and tables that stay small."""

import json

import pytest
from starlette.responses import JSONResponse

from local_workspace.ai_gateway.inference_log import InferenceLog
from local_workspace.ai_gateway.metrics import EndpointMetrics
from local_workspace.ai_gateway.observation import Observation, observed
from local_workspace.ai_gateway.token_counts import UsageReader
from local_workspace.ai_gateway.usage import UsageTable
from local_workspace.database import Database
from local_workspace.refusals import error_event, unavailable

CHAT = json.dumps(
    {"choices": [{"message": {"content": 'he said "usage": {"prompt_tokens": 9}'}}], "usage": {"prompt_tokens": 7}}
)
STREAM = (
    'data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\n'
    'data: {"choices":[],"usage":null}\n\ndata: [DONE]\n\n'
)


def read(text: str, size: int) -> tuple[int | None, int | None]:
    reader = UsageReader()
    whole = text.encode()
    for start in range(0, len(whole), size):
        reader.feed(whole[start : start + size])
    reader.finish()
    return reader.input_tokens, reader.output_tokens


@pytest.mark.parametrize("size", [1, 3, 50, 100_000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHAT, (7, None)),
        (STREAM, (7, 5)),
        ('{"usage": {"input_tokens": 3, "output_tokens": 4}, "output": []}', (3, 4)),
        ('data: {"response": {"usage": {"input_tokens": 3, "output_tokens": 4}}}\n\n', (3, 4)),
        ('data: {"usage":{"input_tokens":8}}\n\ndata: {"usage":{"output_tokens":2}}\n\n', (8, 2)),
        ('{"usage": {"prompt_tokens": true, "completion_tokens": -1}}', (None, None)),
        ('{"usage": {"prompt_tokens": ', (None, None)),
        ('{"usage": [1], "usage ": {"prompt_tokens": 1}}', (None, None)),
        ("벽돌" * 50, (None, None)),
        ("", (None, None)),
    ],
)
def test_token_counts_are_found_however_a_reply_is_cut(text, expected, size):
    assert read(text, size) == expected


@pytest.mark.parametrize("padding", [0, 65_000, 65_536, 200_000])
def test_token_counts_are_found_at_either_end_of_a_large_reply(padding):
    long = "x" * padding
    assert read(json.dumps({"usage": {"prompt_tokens": 5}, "data": long}), 4096) == (5, None)
    assert read(json.dumps({"data": long, "usage": {"prompt_tokens": 5}}), 4096) == (5, None)


def over(number: int, reply: bytes = b"", endpoint: str = "brick") -> Observation:
    """An invocation that is over, in whose reply was `reply`."""
    made = Observation(
        endpoint=endpoint,
        requester="admin@local",
        request_id=str(number),
        task=None,
        request=b"\xff{}",
        keeps_reply=True,
        when_over=lambda _: None,
    )
    made.see({"type": "http.response.start", "status": 200, "headers": []})
    made.see({"type": "http.response.body", "body": reply})
    made.end("complete")
    return made


def test_the_oldest_usage_is_forgotten(tmp_path):
    table = UsageTable(Database(tmp_path), max_rows=3)
    for number in range(5):
        table.add(over(number))
    assert [row["databricks_request_id"] for row in table.rows(None, 0)] == ["2", "3", "4"]


def test_the_inference_log_keeps_to_its_rows_and_bytes_also_after_a_restart(tmp_path):
    database = Database(tmp_path)
    for number in range(6):
        InferenceLog(database, max_rows=4, max_bytes=1000).add(over(number, b"x" * 100))
    log = InferenceLog(database, max_rows=4, max_bytes=1000)
    assert [row["databricks_request_id"] for row in log.rows(None, 0)] == ["2", "3", "4", "5"]
    log.add(over(6, b"x" * 800))
    assert [row["databricks_request_id"] for row in log.rows(None, 0)] == ["5", "6"]
    assert [row["kept_bytes"] for row in log.rows(None, 0)] == [103, 803]


def test_a_body_that_is_no_text_is_kept_readable(tmp_path):
    log = InferenceLog(Database(tmp_path))
    log.add(over(1, "벽".encode()[:2]))
    [row] = log.rows("brick", 0)
    assert row["request"] == "\ufffd{}"
    assert row["response"] == "\ufffd"


def test_the_inference_log_answers_a_few_megabytes_at_a_time(tmp_path):
    log = InferenceLog(Database(tmp_path))
    for number in range(5):
        log.add(over(number, b"x" * 1_000_000))
    first = log.rows(None, 0)
    assert [row["databricks_request_id"] for row in first] == ["0", "1"]
    assert [row["databricks_request_id"] for row in log.rows(None, first[-1]["id"])] == ["2", "3"]
    for number in (8, 9):
        huge = over(number)
        huge.request = b"y" * 3_000_000
        log.add(huge)
    assert [row["databricks_request_id"] for row in log.rows(None, 5)] == ["8"]


def test_an_invocation_ends_once():
    ends = []
    observation = Observation("brick", "admin@local", "1", None, b"", keeps_reply=False, when_over=ends.append)
    observation.end("client_closed")
    observation.end("complete")
    observation.refuse(500, b"")
    assert (len(ends), observation.outcome, observation.status) == (1, "client_closed", None)


def test_a_stream_that_ends_with_an_error_event_is_told_from_a_complete_one():
    observation = Observation("brick", "admin@local", "1", None, b"", keeps_reply=False, when_over=lambda _: None)
    head = [(b"content-type", b"text/event-stream")]
    observation.see({"type": "http.response.start", "status": 200, "headers": head})
    observation.see({"type": "http.response.body", "body": b'data: {"choices":[]}\n\n'})
    observation.see({"type": "http.response.body", "body": error_event(unavailable("The model stopped."))})
    observation.end("complete")
    assert (observation.outcome, observation.status) == ("error", 200)


def test_a_reply_that_is_never_sent_counts_as_a_caller_who_left():
    ends = []
    observation = Observation("brick", "admin@local", "1", None, b"", keeps_reply=False, when_over=ends.append)
    reply = observed(JSONResponse({}), observation)
    assert (reply.status_code, ends) == (200, [])
    del reply
    assert [it.outcome for it in ends] == ["client_closed"]


def test_metrics_forget_what_is_older_than_a_minute_and_keep_endpoints_apart():
    now = [0.0]
    metrics = EndpointMetrics(lambda: now[0])
    metrics.end(over(1))
    now[0] = 30.0
    metrics.end(over(2))
    metrics.end(over(3, endpoint="other"))

    def count() -> str:
        lines = metrics.export("brick").splitlines()
        return next(line.rpartition(" ")[2] for line in lines if line.startswith("request_count_total{"))

    assert count() == "2.0"
    now[0] = 60.0
    assert count() == "1.0"
    now[0] = 90.0
    assert count() == "0.0"
