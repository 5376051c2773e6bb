"""A draft as text: what a person typed becomes a body, or a sentence with a line and a column."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.endpoint_setup import parsed, shown
from services.endpoint_setup.json_text import MAX_TEXT
from services.errors import BadInput
from tests.services.setup_bodies import openai_body

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), inner, max_size=3),
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "no JSON here", "Begin with {"),
        ("   \n ", "no JSON here", "Begin with {"),
        ('{"a": 1,}', "line 1, column 9", "comma"),
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3", "Expecting"),
        ("{'a': 1}", "line 1, column 2", "double quotes"),
        ("{“a”: 1}", "line 1, column 2", "straight"),
        ('{"a": True}', "line 1, column 7", "true, false and null"),
        ('{"a": 1} # why', "line 1, column 10", "after the end"),
        ('{ // why\n"a": 1}', "line 1, column 3", "comments"),
        ('{"a": "b\n"}', "line 1, column 9", "line break"),
        ('{"a": "\\q"}', "column 8", "backslash"),
        ('{"a": {"b": 1}', "column 15", "too early"),
        ('{"a": 1, "b": {"a": 1},\n "a": 2}', "twice: line 2, column 2", "Take one"),
        ('{"a": [{"b": 1, "\\u0062": 2}]}', "twice: line 1, column 17", "Take one"),
        ('{"a": NaN}', "line 1, column 7", "finite"),
        ('{"a": [1, -Infinity]}', "line 1, column 11", "finite"),
        ('{"a":\n\n 1e999}', "line 3, column 2", "finite"),
        ('["a"]', "not an object", "Begin with {"),
        ('"text"', "not an object", "Begin with {"),
        ('{"a": "\\ud83d"}', "half a character", "again"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "more than 50 levels", "Flatten"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "more than 50 levels", "Flatten"),
        ('{"a": ' + "9" * 5000 + "}", "thousands of digits", "Shorten"),
        ('{"a": "' + "x" * MAX_TEXT + '"}', "bytes", "Shorten"),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_told_with_its_place(text, says, hint):
    with pytest.raises(BadInput) as caught:
        parsed(text)
    assert says in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "sk-canary-0123456789abcdef" oops}',
        '{"sk-canary-0123456789abcdef" 1}',
        '{"a": sk-canary-0123456789abcdef}',
    ],
)
def test_a_sentence_never_repeats_what_was_typed(text):
    with pytest.raises(BadInput) as caught:
        parsed(text)
    assert "canary" not in caught.value.message + caught.value.hint


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), VALUES, max_size=4))
def test_what_is_shown_is_read_back_as_it_was(body):
    assert parsed(shown(body)) == body


@given(st.text())
def test_any_text_is_a_body_or_bad_input(text):
    with contextlib.suppress(BadInput):
        assert parsed(text) == json.loads(text)


def test_json_is_shown_for_people():
    assert shown(openai_body("벽돌")).startswith('{\n  "name": "벽돌",\n')
