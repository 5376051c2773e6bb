"""What leaves in each form, what is made of replies in every shape, and a transform around it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embeddings.asking.asking_form import asking_for
from services.embeddings.asking.bodies import body_of
from services.embeddings.asking.embedding import embed_texts
from services.embeddings.asking.reply_vectors import NotForEmbeddings, vectors_in
from services.embeddings.records import Asking, BodyForm, Purpose
from services.endpoints import Endpoint, ServedEntity
from services.errors import PlaygroundError
from services.invocation.fields import Field
from services.invocation.interface import Form, Interface
from services.sandbox import Sandbox, sandbox
from services.transforms import Hooks, Transform
from tests.services.chats import at
from tests.services.replies import whole

ONE, TWO = [0.5, 1.0], [-1.0, 3.0]
BASE64 = base64.b64encode(np.array(ONE, dtype="<f4").tobytes()).decode()


def item(index: Any, embedding: Any) -> dict[str, Any]:
    return {"index": index, "embedding": embedding}


@pytest.mark.parametrize(
    "reply",
    [
        {"data": [item(1, TWO), item(0, ONE)]},
        {"data": [item(1, TWO), item(0, BASE64), item(7, [9.0]), item("0", [9.0]), item(True, [9.0]), None]},
        {"data": [{"embedding": ONE}, {"embedding": TWO}]},
        {"predictions": [ONE, TWO]},
        {"predictions": [[ONE], [TWO]]},
        {"predictions": [{"embedding": ONE}, {"embedding": TWO}]},
        {"predictions": [{"0": ONE}, {"0": TWO}]},
        {"predictions": [{"anything": ONE}, {"anything": TWO}]},
        {"predictions": [{"0": 0.5, "1": 1}, {"0": -1, "1": 3}]},
        {"predictions": {"whatever": [ONE, TWO]}},
        {"predictions": {"columns": ["v"], "data": [[ONE], [TWO]]}},
        {"predictions": {"columns": ["0", "1"], "data": [ONE, TWO]}},
        {"predictions": [{"object": "list", "data": [item(1, TWO), item(0, ONE)]}]},
        {"predictions": {"data": [item(0, ONE), item(1, TWO)]}},
        {"embeddings": [ONE, TWO], "id": "x"},
        [ONE, TWO],
    ],
)
def test_every_shape_gives_each_text_its_vector(reply):
    assert [np.asarray(one).tolist() for one in vectors_in(reply, 2, "bge")] == [ONE, TWO]


@pytest.mark.parametrize(
    "reply", [{"predictions": ONE}, {"embedding": ONE}, {"predictions": [ONE]}, {"data": [item(0, ONE)]}]
)
def test_one_vector_may_stand_alone_for_one_text(reply):
    assert np.asarray(vectors_in(reply, 1, "bge")[0]).tolist() == ONE


@pytest.mark.parametrize(
    ("bad", "says", "failing"),
    [
        (item(1, []), "without numbers", 1),
        (item(1, [0.1, float("nan")]), "NaN or infinity", 1),
        (item(1, [0.1, 1e300]), "NaN or infinity", 1),
        (item(1, [0.1, "0.2"]), "no list of numbers", 1),
        (item(1, [True, False]), "no list of numbers", 1),
        (item(1, [[1.0], [2.0, 3.0]]), "no list of numbers", 1),
        (item(1, [10**400, 1]), "no list of numbers", 1),
        (item(1, "not base64!"), "no list of numbers", 1),
        (item(1, None), "no list of numbers", 1),
        (item(9, TWO), "no vector for this text", 1),
        (item(0, TWO), "two vectors", 2),
    ],
)
def test_what_is_wrong_with_one_vector_is_the_failure_of_its_text_alone(bad, says, failing):
    found = vectors_in({"data": [item(0, ONE), bad, item(2, TWO)]}, 3, "bge")
    failures = [str(one) for one in found if isinstance(one, PlaygroundError)]
    assert any(says in one for one in failures)
    assert len(failures) == failing


def test_too_few_vectors_without_a_place_belong_to_nobody():
    found = vectors_in({"predictions": [ONE]}, 2, "bge")
    assert all("does not say which is whose" in str(one) for one in found)


@pytest.mark.parametrize(
    "reply",
    [{"choices": [{"message": {"content": "Hi"}}]}, {"predictions": ["a", "b"]}, {"predictions": None}, "Hi", None, {}],
)
def test_a_reply_without_vectors_is_no_endpoint_for_embeddings(reply):
    with pytest.raises(NotForEmbeddings, match="bge is not an endpoint for embeddings"):
        vectors_in(reply, 2, "bge")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "index", "embedding", "predictions", "columns", "0", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150)
@given(JSON, st.integers(1, 3))
def test_whatever_comes_each_text_has_a_usable_vector_or_a_sentence(reply, count):
    try:
        found = vectors_in(reply, count, "bge")
    except NotForEmbeddings:
        return
    assert len(found) == count
    for one in found:
        assert isinstance(one, PlaygroundError) or (one.dtype == np.float32 and np.isfinite(one).all() and one.size)


@pytest.mark.parametrize(
    ("form", "column", "expected"),
    [
        (BodyForm.INPUT, "t", {"input": ["a", "b"], "dimensions": 8, "k": 1}),
        (BodyForm.DATAFRAME_SPLIT, "t", {"dataframe_split": {"columns": ["t"], "data": [["a"], ["b"]]}}),
        (BodyForm.DATAFRAME_RECORDS, "t", {"dataframe_records": [{"t": "a"}, {"t": "b"}]}),
        (BodyForm.INPUTS, "t", {"inputs": {"t": ["a", "b"]}}),
        (BodyForm.INPUTS, "", {"inputs": ["a", "b"]}),
        (BodyForm.INSTANCES, "t", {"instances": [{"t": "a"}, {"t": "b"}]}),
        (BodyForm.INSTANCES, "", {"instances": ["a", "b"]}),
    ],
)
def test_each_form_leaves_as_its_endpoint_wants_it(make_reply_server, form, column, expected):
    server = make_reply_server(whole({"predictions": [ONE, TWO], "data": [item(0, ONE), item(1, TWO)]}))
    asking = Asking("mine", form=form, column=column, dimensions=8, document_params={"k": 1})
    embedded = embed_texts(at(server), asking, ["a", "b"])
    assert embedded.vectors.tolist() == [ONE, TWO]
    beside = {} if form is BodyForm.INPUT else {"params": {"dimensions": 8}, "k": 1}
    assert [one.json for one in server.posts()] == [expected | beside]
    assert body_of(asking, Purpose.QUERY, ["a"]).get("k") is None


@pytest.fixture
def box() -> Iterator[Sandbox]:
    yield sandbox()
    sandbox().close()


SHAPES = """
def transform_input(**request):
    if any("bad" in text for text in request["input"]):
        raise ValueError("no such text")
    return {"queries": [text.upper() for text in request["input"]]}

def transform_output(response):
    return [row["values"] for row in response["rows"]]
"""


def test_a_transform_shapes_request_and_reply_and_its_failure_sends_nothing(make_reply_server, box):
    def answer(exchange):
        rows = [{"values": [len(text), 1.5]} for text in json.loads(exchange.received.body)["queries"]]
        whole({"rows": rows})(exchange)

    server = make_reply_server(answer)
    asking = Asking("mine", batch=2, at_once=2, transform=Transform("shapes", 1, SHAPES))
    texts = ["x", "yy", "bad one", "bad two", "a good text that is long", "and another that is longer"]
    embedded = embed_texts(at(server), asking, texts, hooks=lambda: Hooks(box, asking.transform))
    assert [one.index for one in embedded.failures] == [2, 3]
    assert "no such text" in embedded.failures[0].error.message
    assert embedded.complete
    assert embedded.vectors[[0, 1, 4, 5], 0].tolist() == [1, 2, 24, 26]
    assert sorted(text for one in server.posts() for text in one.json["queries"])[-1] == "YY"
    assert embedded.progress.requests == len(server.posts()) == 2
    empty = replace(asking, transform=Transform("none", 1, "def transform_output(response):\n    pass\n"))
    nothing = embed_texts(
        at(make_reply_server(whole({"predictions": [ONE]}))),
        empty,
        ["x"],
        hooks=lambda: Hooks(box, empty.transform),
    )
    assert nothing.error is not None
    assert "returned None" in nothing.error.message


def endpoint_of(task: str) -> Endpoint:
    entities = (ServedEntity("b-1", "main.b.b 1"), ServedEntity("a-2", "main.a.a 2"))
    return Endpoint("mine", "1", task, True, False, False, "", "", "", entities)


def test_an_endpoint_is_asked_by_its_task_or_interface_and_its_version_names_what_it_serves():
    custom = endpoint_of("")
    hosted = replace(
        custom,
        task="llm/v1/embeddings",
        served_entities=(ServedEntity("b-1", "bge", "foundation"), ServedEntity("a", "e5", "foundation")),
    )
    assert asking_for(hosted) == Asking("mine", "a: e5; b-1: bge")
    assert asking_for(custom).version == "a-2: main.a.a 2; b-1: main.b.b 1; endpoint 1"
    assert asking_for(replace(custom, id="2")).key != asking_for(custom).key, "another one under the old name"
    assert asking_for(custom).form is BodyForm.DATAFRAME_SPLIT
    rows = Interface((Form.RECORDS, Form.SPLIT), (Field("id"), Field("sentence")))
    assert (asking_for(custom, rows).form, asking_for(custom, rows).column) == (BodyForm.DATAFRAME_SPLIT, "sentence")
    tensor = Interface((Form.INPUTS, Form.INSTANCES), (Field(""),), tensors=True)
    assert (asking_for(custom, tensor).form, asking_for(custom, tensor).column) == (BodyForm.INPUTS, "")
