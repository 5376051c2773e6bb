"""JSON that a person typed, for any call: a value, or a sentence with its place."""

import time

import pytest

from services.errors import BadInput
from services.typed_json import any_value, as_object


@pytest.mark.parametrize(
    "text",
    ["", "  ", "{", "[1]", '"x"', "{'a': 1}", '{\n  "a": 1,\n}', "9" * 5000, "[" * 100_000, '{"a": "\\ud83d"}'],
)
def test_what_is_no_json_object_is_refused_with_a_next_step(text):
    with pytest.raises(BadInput) as refusal:
        as_object(text)
    assert refusal.value.hint
    assert len(refusal.value.message) < 200


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n  "a": nothing}', "The body is not JSON: line 2, column 8."),
        ('{"a": 1,\n "a": 2}', "The body names a field twice: line 2, column 2."),
        ('{"a": 1e999}', "The body has a number that JSON has not: line 1, column 7."),
    ],
)
def test_where_the_json_is_wrong_is_told(text, says):
    with pytest.raises(BadInput) as refusal:
        as_object(text)
    assert refusal.value.message == says


def test_any_value_is_read_and_a_sentence_says_which_text_is_meant():
    assert [any_value(text) for text in ("null", "3", '"a"', '[{"a": 1}, {"a": 2}]')] == [
        None,
        3,
        "a",
        [{"a": 1}, {"a": 2}],
    ]
    with pytest.raises(BadInput, match="The sample reply names a field twice"):
        any_value('[{"a": 1, "a": 1}]', "The sample reply")


def test_a_body_of_megabytes_is_looked_through_at_the_speed_of_the_reader():
    text = '{"inputs": [' + ", ".join(["[0.25, 1]"] * 200_000) + "]}"
    began = time.process_time()
    assert len(as_object(text)["inputs"]) == 200_000
    assert time.process_time() - began < 2
