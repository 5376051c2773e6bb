"""Embeddings on the real model."""

import base64
import math
import struct

import pytest

from tests.local_workspace.calls import EMBEDDINGS, EMBEDDINGS_PATH, call


def embed(workspace, texts, **body):
    return call(workspace, "POST", EMBEDDINGS_PATH, {"input": texts, **body})


def vectors(response):
    return [item["embedding"] for item in response.json()["data"]]


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_texts_that_mean_the_same_lie_close_and_others_do_not(local_workspace):
    password, login, weather = vectors(
        embed(
            local_workspace,
            ["How do I reset my password?", "I forgot my login credentials", "It will rain in Busan tomorrow."],
        )
    )
    assert cosine(password, login) == pytest.approx(0.68, abs=0.02)
    assert abs(cosine(password, weather)) < 0.2


def test_a_reply_has_openais_shape_and_unit_vectors(local_workspace):
    response = embed(local_workspace, "hello")
    body = response.json()
    assert (body["object"], body["model"]) == ("list", "minilm-l6-v2-1")
    assert response.headers["served-model-name"] == body["model"]
    [item] = body["data"]
    assert (item["object"], item["index"], len(item["embedding"])) == ("embedding", 0, 384)
    assert math.hypot(*item["embedding"]) == pytest.approx(1, abs=1e-5)
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_base64_is_the_same_floats_in_32_bits(local_workspace):
    [floats] = vectors(embed(local_workspace, "hello", encoding_format="float"))
    [text] = vectors(embed(local_workspace, "hello", encoding_format="base64"))
    assert struct.unpack("<384f", base64.b64decode(text)) == pytest.approx(floats, abs=1e-6)


def test_order_and_length_of_the_other_texts_do_not_matter(local_workspace):
    texts = [f"text number {place} " + "and more " * (place % 7) for place in range(150)]
    together = embed(local_workspace, texts)
    assert [item["index"] for item in together.json()["data"]] == list(range(150))
    for place in (0, 77, 149):
        [alone] = vectors(embed(local_workspace, texts[place]))
        assert cosine(vectors(together)[place], alone) > 0.99


def test_a_long_text_is_cut_and_counted_as_cut(local_workspace):
    response = embed(local_workspace, "word " * 5000)
    assert response.json()["usage"]["prompt_tokens"] == 256


@pytest.mark.parametrize("text", [" ", "\x00", "벽돌 🧱🏽", "a" * 100_000, "\u2028"])
def test_odd_texts_have_embeddings_too(local_workspace, text):
    [vector] = vectors(embed(local_workspace, [text]))
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_more_than_150_texts_are_refused_in_the_platforms_words(local_workspace):
    response = embed(local_workspace, ["a"] * 151)
    expected = f"Input embeddings size is too large, exceeding 150 limit for {EMBEDDINGS}"
    assert (response.status_code, response.json()) == (400, {"error_code": "BAD_REQUEST", "message": expected})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": ""}, "The field 'input' is an empty string, which has no embedding."),
        ({"input": ["a", ""]}, "The field 'input[1]' is an empty string, which has no embedding."),
        ({"input": []}, "The field 'input' must be a string or a list that is not empty."),
        ({"input": None}, "The field 'input' must be a string or a list."),
        ({"input": ["a", 1]}, "The field 'input[1]' must be a string."),
        ({}, "The field 'input' is missing."),
        (
            {"input": "a", "dimensions": 64},
            "The field 'dimensions' is not supported: this model's vectors have one size.",
        ),
        ({"input": "a", "encoding_format": "int8"}, "The field 'encoding_format' must be 'float' or 'base64'."),
        ({"input": "a", "instruction": "x"}, "Unknown field 'instruction' in the request body."),
        (
            {"messages": []},
            "Endpoint 'local-minilm-l6-v2' has the task llm/v1/embeddings: send 'input', not 'messages'.",
        ),
    ],
)
def test_a_bad_body_is_refused_in_one_sentence(local_workspace, body, message):
    response = call(local_workspace, "POST", EMBEDDINGS_PATH, body)
    assert (response.status_code, response.json()) == (400, {"error_code": "BAD_REQUEST", "message": message})
