"""JSON of others that could not be drawn, sent on or written as it came."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UnexpectedReply
from services.foreign_json import MAX_DEPTH, read_json
from services.invocation import InvocationJob
from services.invocation.job import EVENT_COSTS, MAX_EVENTS_TEXT, InvocationReply
from services.jobs import Bell, Outcome
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, at
from tests.services.replies import whole
from ui.foreign_text import code, literal


def job_of(server) -> InvocationJob:
    job = InvocationJob(at(server), CHAT, {"inputs": []}, Bell())
    eventually(lambda: not job.running)
    return job


def test_half_characters_are_replaced_and_whole_ones_stay():
    assert read_json('["\\ud800", "\\ud83d\\ude00", {"\\udc00a": 1}]') == ["?", "😀", {"?a": 1}]
    assert read_json('["\ud800"]') == ["?"]
    json.dumps(read_json(b'["\xed\xa0\x80"]'), ensure_ascii=False).encode()
    assert read_json(b'\xef\xbb\xbf{"a": [1.5, null]}') == {"a": [1.5, None]}


@pytest.mark.parametrize("text", ["", "{", "9" * 5000, "[" * 100_000, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)])
def test_what_cannot_be_read_or_would_be_too_deep_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is nobody's business
        read_json(text)
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)


SCALARS = st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_is_whole_is_read_as_it_was_written_and_each_number_keeps_its_kind(value):
    written = json.dumps(value)
    assert repr(read_json(written)) == repr(read_json(written.encode())) == repr(value)


@pytest.mark.parametrize("text", ["[NaN]", "[-Infinity]", "1e999", "-0.0", str(2**64), "-" + "9" * 300, "\ufeff7"])
def test_what_is_rare_in_json_is_read_as_python_reads_it(text):
    assert repr(read_json(text.encode())) == repr(json.loads(text.encode()))


def test_a_reply_with_half_a_character_can_be_drawn_and_one_too_deep_is_shown_raw(make_reply_server):
    job = job_of(make_reply_server(whole(b'{"predictions": ["\\ud800"]}')))
    assert job.reply.body == {"predictions": ["?"]}
    job.reply.text.encode()
    deep = b'{"predictions": ' + b"[" * 985 + b"]" * 985 + b"}"
    job = job_of(make_reply_server(whole(deep)))
    assert job.reply.outcome is Outcome.FAILED
    assert isinstance(job.reply.error, UnexpectedReply)
    assert job.reply.error.raw.body.startswith('{"predictions": [[[')


def test_texts_of_others_reach_the_page_in_whole_characters():
    assert (literal("a\ud800"), code("a\ud800")) == ("a?", "`a?`")


def test_events_without_characters_fill_no_memory():
    reply = InvocationReply()
    for _ in range(MAX_EVENTS_TEXT // EVENT_COSTS + 10):
        reply.receive("", 0.0)
    assert reply.left_out == 10
