"""What a worker answers is doubted: whatever it is, it becomes a run, and costs little."""

import json
import random
import time
import tracemalloc

import pytest

from services.sandbox import Hook, Limits, Sandbox, Status, messages
from services.sandbox.native import NativeEngine

HONEST = {
    "status": "error",
    "value": {"a": [1, 2, {"b": "x"}]},
    "printed": "hi",
    "printed_lost": 1,
    "fault": {
        "type": "KeyError", "message": "'a'", "line": 2, "column": 3, "end_line": 2, "end_column": 9, "source": "a", "cause": "E",
        "frames": [{"line": 2, "function": "f", "source": "a", "column": 3, "end_line": 2, "end_column": 9}], "frames_total": 1,
    },
}  # fmt: skip
FORGED = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"status":"ok","value":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"status":"ok","value":{"a":' + b"[" * 70 + b"]" * 70 + b"}}",
    b'{"status":"ok","value":{"a":1e999}}',
    b'{"status":"ok","value":{"a":NaN}}',
    b'{"status":"ok","value":{"a":' + b"9" * 5000 + b"}}",
    b'{"status":"ok","value":{"a":-' + b"9" * 310 + b"}}",
    '{"status":"ok","value":{"a":"é"}}'.encode(),
    b'{"status":"ok","value":null}',
    b'{"status":"ok","value":[1]}',
    b'{"status":["ok"],"value":{}}',
    b'{"status":"unavailable"}',
    b'{"status":"ok","value":{"a":[' + b"[]," * 600_000 + b"1]}}",
]


@pytest.mark.parametrize("data", FORGED, ids=range(len(FORGED)))
def test_an_answer_that_cannot_be_used_is_a_rejected_run(data):
    result = messages.reply(data, Hook.INPUT, 0.0)
    assert (result.status, result.value) == (Status.REJECTED, None)
    assert result.fault.message


def test_an_answer_of_the_wrong_types_is_read_as_far_as_it_goes():
    forged = {
        "status": "error",
        "printed": {"x": 1},
        "printed_lost": "NaN",
        "fault": {
            "type": 7, "message": "m" * 5000 + "\x1b", "line": True, "column": -1, "end_line": 1e9, "end_column": "3",
            "frames": ["x", {"line": [], "function": {}, "source": 3}] * 40, "frames_total": -3, "cause": None,
        },
    }  # fmt: skip
    result = messages.reply(json.dumps(forged).encode(), Hook.INPUT, 0.0)
    fault = result.fault
    assert (result.status, result.printed, result.printed_lost) == (Status.ERROR, "", 0)
    assert (fault.type, len(fault.message), fault.line, fault.column) == ("Error", 2000, None, None)
    assert (fault.end_line, fault.end_column, fault.cause, len(fault.frames)) == (None, None, "", 10)
    forged = {"status": "error", "fault": [1], "printed_lost": 10**308}
    assert messages.reply(json.dumps(forged).encode(), Hook.INPUT, 0.0).printed_lost == 10**12
    assert messages.reply(json.dumps(forged).encode(), Hook.INPUT, 0.0).fault.type == "Error"
    lone = messages.reply(rb'{"status":"ok","value":{"\ud800":"\ud83d\ude00\ude00"}}', Hook.INPUT, 0.0)
    assert lone.value == {"\ufffd": "😀\ufffd"}
    assert messages.reply(b'{"status":"ok","value":["os"]}', Hook.LOAD, 0.0).status is Status.REJECTED


def test_a_thousand_damaged_answers_neither_raise_nor_take_long():
    chance = random.Random(5)
    base = json.dumps(HONEST).encode()
    slowest = 0.0
    tracemalloc.start()
    try:
        for _ in range(1000):
            data = bytearray(base)
            for _ in range(chance.randint(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            began = time.thread_time()
            result = messages.reply(bytes(data), chance.choice(list(Hook)), 0.0)
            slowest = max(slowest, time.thread_time() - began)
            assert result.status in Status
            assert (result.fault is None) == (result.status is Status.OK)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert slowest < 0.1


def test_what_code_itself_writes_to_the_channel_changes_its_own_result_only():
    sandbox = Sandbox(NativeEngine(any_import=True))
    whole = b'{"status":"ok","value":{"forged":true}}'
    source = """
import os
def transform_input(**request):
    os.write(3, bytes(request["bytes"]))
    os._exit(0)
"""
    expected = {
        len(whole).to_bytes(4, "big") + whole: Status.OK,
        len(whole).to_bytes(4, "big") + whole[:-3]: Status.CRASHED,
        b"\xff\xff\xff\xff" + whole: Status.REJECTED,
        b"\0\0\0\0": Status.REJECTED,
        b"\0\0": Status.CRASHED,
        (3).to_bytes(4, "big") + b"\xff\xfe\xfd": Status.REJECTED,
        b"": Status.CRASHED,
    }
    try:
        for data, status in expected.items():
            result = sandbox.run(source, Hook.INPUT, {"bytes": list(data)})
            assert result.status is status, (data, result)
            honest = sandbox.run("def transform_input(**r): return r", Hook.INPUT, {"me": 1})
            assert honest.value == {"me": 1}
    finally:
        sandbox.close()


def test_what_is_no_job_is_refused():
    endless: list = []
    endless.append(endless)
    for argument in ({"a": float("nan")}, {"a": {1}}, {"a": endless}, ["no object"], None, {"a": "x" * (17 << 20)}):
        with pytest.raises(messages.NotAJob):
            messages.job("", Hook.INPUT, argument, Limits())
    with pytest.raises(messages.NotAJob, match="200,000 characters"):
        messages.job("#" * 200_001, Hook.LOAD, None, Limits())
