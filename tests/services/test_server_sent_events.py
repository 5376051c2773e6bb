"""Server-sent events from bytes, however they are cut."""

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UnexpectedReply
from services.server_sent_events import MAX_EVENT, event_data

ENDS = ("\n", "\r\n", "\r")
letters = st.text(st.sampled_from('a 벽돌🧱👩‍👩‍👧‍👦é:{"\u2028\u0085\ufeff'), max_size=12)
texts = letters | st.just("[DONE]")
events = st.lists(st.lists(texts, min_size=1, max_size=3), max_size=5)
others = st.lists(
    st.sampled_from([": keep-alive", ":", "event: message", "id: 7", "retry: 10", "unknown", "datax: no"]), max_size=2
)


@st.composite
def streams(draw) -> tuple[list[str], bytes]:
    """(the data of each event, the bytes of a stream that carries them)."""
    wanted, lines = [], []
    for data in draw(events):
        for one in data:
            lines += draw(others)
            lines.append(f"data:{draw(st.sampled_from(['', ' '])) if not one.startswith(' ') else ' '}{one}")
        lines += ["", *draw(st.lists(st.just(""), max_size=2))]
        wanted.append("\n".join(data))
    ends = draw(st.lists(st.sampled_from(ENDS), min_size=1, max_size=5))
    # A lone CR before an empty line that ends in LF would be one line end, CRLF: in such mixtures CR becomes LF.
    if len(set(ends)) > 1:
        ends = ["\n" if end == "\r" else end for end in ends]
    text = "".join(line + end for line, end in zip(lines, cycle(ends), strict=False))
    bom = draw(st.sampled_from(["", "\ufeff"]))
    return wanted, (bom + text).encode()


def cut(content: bytes, sizes: list[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in cycle(sizes):
        if start >= len(content):
            return pieces
        pieces.append(content[start : start + size])
        start += size
    raise AssertionError


@given(streams(), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_the_same_data_comes_out_wherever_the_bytes_are_cut(stream, sizes):
    wanted, content = stream
    assert list(event_data(cut(content, sizes))) == wanted


@given(streams())
def test_the_same_data_comes_out_of_single_bytes(stream):
    wanted, content = stream
    assert list(event_data(cut(content, [1]))) == wanted


def test_mixed_line_ends_in_one_stream_all_end_lines():
    content = b"data: a\r\ndata: b\n\r\ndata: c\r\rdata: d\n\n"
    for size in range(1, len(content) + 1):
        assert list(event_data(cut(content, [size]))) == ["a\nb", "c", "d"]


def test_an_event_comes_out_as_soon_as_its_end_has_arrived():
    taken = []

    def arriving():
        for chunk in (b"data: one\n\n", b"data: two\n", b"\n"):
            taken.append(chunk)
            yield chunk

    found = event_data(arriving())
    assert next(found) == "one"
    assert len(taken) == 1
    assert next(found) == "two"


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n"])
def test_a_last_event_without_its_blank_line_is_not_thrown_away(end):
    assert list(event_data([f"data: one\n\ndata: 벽돌{end}".encode()])) == ["one", "벽돌"]


def test_a_character_cut_off_by_the_end_shows_as_such():
    assert list(event_data(["data: 벽".encode()[:-1]])) == ["data: �".removeprefix("data: ")]


def test_a_byte_order_mark_is_not_part_of_the_first_line():
    assert list(event_data([b"\xef\xbb", b"\xbfdata: one\n\n"])) == ["one"]


def test_only_one_space_after_the_colon_is_taken_off():
    assert list(event_data([b"data:  two\n\ndata:none\n\n"])) == [" two", "none"]


def test_a_data_line_without_a_colon_is_an_empty_one():
    assert list(event_data([b"data\ndata: x\n\n"])) == ["\nx"]


def test_events_without_data_are_passed_over():
    assert list(event_data([b": ping\n\nevent: done\nid: 1\n\n\n\n"])) == []


def test_an_event_that_does_not_end_is_given_up():
    def endless():
        yield b"data: "
        while True:
            yield b"x" * 65_536

    with pytest.raises(UnexpectedReply, match="does not end"):
        list(event_data(endless()))


def test_an_event_of_endless_empty_lines_of_data_is_given_up():
    def endless():
        while True:
            yield b"data:\n" * 10_000

    with pytest.raises(UnexpectedReply, match="does not end"):
        list(event_data(endless()))


def test_comments_may_go_on_for_ever():
    comments = [b": keep-alive keep-alive\n" * 10_000] * (MAX_EVENT // 200_000)
    assert list(event_data([*comments, b"data: at last\n\n"])) == ["at last"]


def test_a_long_event_in_small_pieces_is_read_in_time_that_grows_with_its_length():
    content = b"data: " + b"x" * (MAX_EVENT - 100) + b"\n\n"
    [found] = event_data(cut(content, [1000]))
    assert len(found) == MAX_EVENT - 100
