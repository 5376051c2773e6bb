"""How an endpoint wants to be asked, its body as a form, and what a reply says."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.endpoints import get_endpoint_detail
from services.endpoints.reading import detail_from_wire
from services.invocation import (
    ROWS,
    UNKNOWN,
    Field,
    Form,
    Interface,
    Kind,
    columns_of,
    drawable,
    edited,
    form_in,
    get_interface,
    in_form,
    interface_of_openapi,
    interface_of_signature,
    misfits,
    predictions_in,
    read,
    rows_of,
    shows,
    slots_of,
    text_in_events,
    text_of,
    value_of,
    with_rows,
    written,
    wrong_with,
)
from services.registered_models import Column, Signature
from tests.services.chats import CHAT, EMBEDDINGS
from tests.services.replies import whole

pytestmark = pytest.mark.usefixtures("awake_registry")

PROMPT_MODEL = "local-prompt-model"
CUSTOM = detail_from_wire({"name": "custom", "config": {"served_entities": [{"name": "one", "entity_name": "a.b.c"}]}})
PROMPT = {"dataframe_records": [{"prompt": "How are you?", "stop": ["."]}], "params": {"temperature": 0.1}}


def interface_of(workspace, name: str) -> Interface:
    return get_interface(workspace, get_endpoint_detail(workspace, name))


def slot_at(interface: Interface, form: Form, body, place: str):
    return next(one for one in slots_of(interface, form, body) if one.place == place)


def put(interface: Interface, form: Form, body, place: str, value):
    slots = slots_of(interface, form, body)
    return written(slots, body, slot_at(interface, form, body, place), value)


def document(schema, **media) -> dict:
    content = {"application/json": {"schema": schema, **media}}
    return {"paths": {"/invocations": {"post": {"requestBody": {"content": content}}}}}


def interface_of_schema(schema, **media) -> Interface | None:
    return interface_of_openapi(CUSTOM, document(schema, **media))


def test_a_models_own_schema_gives_the_prompt_form_first_and_its_params(workspace):
    interface = interface_of(workspace, PROMPT_MODEL)
    assert interface.forms == (Form.PROMPT, *ROWS)
    assert [(one.name, one.kind, one.required) for one in interface.fields] == [
        ("prompt", Kind.TEXT, True),
        ("stop", Kind.TEXTS, False),
    ]
    assert [(one.name, one.kind, one.default) for one in interface.params] == [
        ("temperature", Kind.NUMBER, 0.2),
        ("max_tokens", Kind.WHOLE, 256),
    ]
    assert interface.examples[0].body == {"dataframe_records": [{"prompt": "How are you?"}]}
    assert all(
        not misfits(interface, form_in(interface, one.body, Form.PROMPT), one.body) for one in interface.examples
    )


def test_tasks_of_the_platform_have_their_own_fields(workspace):
    chat, vectors = interface_of(workspace, CHAT), interface_of(workspace, EMBEDDINGS)
    assert [one.place for one in slots_of(chat, Form.FIELDS, {})][:2] == ["@system", "@user"]
    assert [one.name for one in vectors.fields] == ["input", "dimensions", "encoding_format"]
    completions = detail_from_wire({"name": "c", "task": "llm/v1/completions"})
    names = [one.name for one in get_interface(workspace, completions).fields]
    interface = get_interface(workspace, completions)
    for body in ({"prompt": "a", "stop": "."}, {"prompt": ["a", "b"], "stop": ["."]}):
        assert misfits(interface, Form.FIELDS, body) == [], "both are right"
    assert misfits(interface, Form.FIELDS, {"prompt": [1]})
    assert {"prompt", "suffix", "echo", "n", "stop", "max_tokens", "temperature", "stream"} <= set(names)


def test_the_registered_signature_stands_in_for_a_schema_that_is_not_there(local_workspace, workspace):
    detail = get_endpoint_detail(workspace, PROMPT_MODEL)
    local_workspace.queue_fault("return-404", f"/api/2.0/serving-endpoints/{PROMPT_MODEL}/openapi")
    interface = get_interface(workspace, detail)
    assert "signature of version 1 of local.models.prompt-model" in interface.source
    assert interface.forms[0] is Form.PROMPT
    assert [(one.name, one.kind) for one in interface.params] == [
        ("temperature", Kind.NUMBER),
        ("max_tokens", Kind.WHOLE),
    ]


def test_an_endpoint_that_says_nothing_is_asked_as_langchain_asks_it(make_reply_server):
    from tests.services.chats import at

    server = make_reply_server(whole({"error_code": "NOT_FOUND", "message": "none"}, 404))
    interface = get_interface(at(server), CUSTOM)
    assert interface is UNKNOWN
    assert not interface.known
    body = put(interface, Form.PROMPT, {}, "dataframe_records[0].prompt", "Hello")
    body = put(interface, Form.PROMPT, body, "dataframe_records[0].temperature", 0.1)
    assert body == {"dataframe_records": [{"prompt": "Hello", "temperature": 0.1}]}


def test_every_field_changes_the_body_and_an_empty_one_leaves_it(workspace):
    interface = interface_of(workspace, PROMPT_MODEL)
    body: dict = {}
    for place, value in [
        ("dataframe_records[0].prompt", "벽돌"),
        ("dataframe_records[0].stop", ["\n", "."]),
        ("params.temperature", 0.5),
        ("stream", True),
        ("@more", {"inputs_extra": 1}),
        ("dataframe_records[0].@more", {"top_k": 3}),
    ]:
        body = put(interface, Form.PROMPT, body, place, value)
        slot = slot_at(interface, Form.PROMPT, body, place)
        assert read(slots_of(interface, Form.PROMPT, body), body, slot) == value
    assert body == {
        "dataframe_records": [{"prompt": "벽돌", "stop": ["\n", "."], "top_k": 3}],
        "params": {"temperature": 0.5},
        "stream": True,
        "inputs_extra": 1,
    }
    for slot in slots_of(interface, Form.PROMPT, body):
        body = written(slots_of(interface, Form.PROMPT, body), body, slot, None)
    assert body == {"dataframe_records": [{}]}


def test_a_simple_chat_is_two_texts_and_any_other_is_json(workspace):
    interface = interface_of(workspace, CHAT)
    body = put(interface, Form.FIELDS, {}, "@user", "Hello")
    body = put(interface, Form.FIELDS, body, "@system", "Be brief.")
    assert body == {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]}
    longer = {"messages": [*body["messages"], {"role": "assistant", "content": "Hi"}]}
    [slot] = [one for one in slots_of(interface, Form.FIELDS, longer) if "messages" in one.place]
    assert read(slots_of(interface, Form.FIELDS, longer), longer, slot) == longer["messages"]
    more = next(one for one in slots_of(interface, Form.FIELDS, body) if one.place == "@more")
    assert read(slots_of(interface, Form.FIELDS, body), body, more) is None


@pytest.mark.parametrize("form", [Form.RECORDS, Form.SPLIT, Form.INPUTS, Form.INSTANCES])
def test_the_same_rows_in_every_form_and_what_stands_beside_them_stays(form):
    rows = [{"prompt": "a", "stop": ["."]}, {"prompt": "b"}]
    interface = Interface(ROWS, UNKNOWN.fields)
    start = {"dataframe_records": rows, "params": {"x": 1}}
    body = in_form(interface, start, Form.RECORDS, form)
    assert set(body) == {form.value, "params"}
    assert rows_of(body, form) == rows
    assert form_in(interface, body, Form.RECORDS) is form
    assert in_form(interface, body, form, Form.RECORDS) == start


def test_wire_forms_are_those_of_mlflow():
    rows = [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert with_rows({}, Form.SPLIT, rows, ["b", "a"]) == {
        "dataframe_split": {"columns": ["b", "a"], "data": [[None, 1], ["x", 2]]}
    }
    assert with_rows({}, Form.INPUTS, rows) == {"inputs": {"a": [1, 2], "b": [None, "x"]}}
    assert with_rows({}, Form.RECORDS, rows) == {"dataframe_records": rows}, "a null that stood there stays"
    for form in ROWS:
        assert rows_of(with_rows({}, form, [{}], ["a"]), form) == [{}], "a row that was just added stays"


def test_edits_of_a_table_touch_nothing_else():
    huge = 2**62 + 1
    rows = [{"id": huge, "note": None, "tags": ["a"]}, {"id": 2}, {"id": 3}]
    columns = columns_of(rows, [Field("id", Kind.WHOLE), Field("tags", Kind.TEXTS)])
    assert [one.name for one in columns] == ["id", "tags", "note"]
    edits = {
        "edited_rows": {0: {"tags": '["b", "c"]'}, 1: {"id": None}},
        "added_rows": [{"id": 4, "tags": "no json", "_index": 3}, {}],
        "deleted_rows": [2],
    }
    assert edited(rows, columns, edits) == [
        {"id": huge, "note": None, "tags": ["b", "c"]},
        {},
        {"id": 4, "tags": "no json"},
        {},
    ]
    assert rows[0]["tags"] == ["a"]


@pytest.mark.parametrize(
    ("field", "typed", "value", "said"),
    [
        (Field("n", Kind.WHOLE), "12", 12, ""),
        (Field("n", Kind.WHOLE), "1.5", "1.5", "n: this is not a whole number."),
        (Field("n", Kind.WHOLE), "9" * 30, int("9" * 30), "n: this number is too large for 64 bits."),
        (Field("x", Kind.NUMBER, minimum=0), "1e-9", 1e-9, ""),
        (Field("x", Kind.NUMBER, minimum=0), "-1", -1, "x: this is less than 0."),
        (Field("x", Kind.NUMBER), "NaN", "NaN", "x: this is not a number."),
        (Field("x", Kind.NUMBER), "9" * 500, "9" * 500, "x: this is not a number."),
        (Field("t", Kind.TIME), "2026-01-31", "2026-01-31", ""),
        (Field("t", Kind.TIME), "soon", "soon", "t: this is not a date and time such as 2026-01-31T12:00:00."),
        (Field("b", Kind.BYTES), "aGVsbG8=", "aGVsbG8=", ""),
        (Field("b", Kind.BYTES), "벽", "벽", "b: this is not base64, such as aGVsbG8=."),
        (Field("a", Kind.JSON, outer="array", of=Field("", Kind.NUMBER)), "[1, 2.5]", [1, 2.5], ""),
        (
            Field("a", Kind.JSON, outer="array", of=Field("", Kind.NUMBER)),
            '[1, "b"]',
            [1, "b"],
            "a: value 2: this is not a number.",
        ),
        (
            Field("a", Kind.JSON, outer="array"),
            "[1,",
            "[1,",
            "a: this is not a JSON array (line 1, column 4: The text ends too early: a brace, a bracket or a quote is missing at "
            "its end).",
        ),
        (Field("s", Kind.TEXTS), '["."]', ["."], ""),
        (Field("s", Kind.TEXTS), "stop", "stop", 's: this is not a list of texts such as ["."].'),
        (Field("s", Kind.TEXT), "[1]", "[1]", ""),
        (Field("p", Kind.TEXT, required=True), "", None, "p is needed."),
        (Field("p", Kind.WHOLE), " ", None, ""),
    ],
)
def test_what_is_typed_is_kept_and_told_at_its_field(field, typed, value, said):
    assert value_of(field, typed) == value
    assert wrong_with(field, value) == said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(JSON, st.sampled_from([Kind.JSON, Kind.TEXTS, Kind.WHOLE, Kind.NUMBER, Kind.TEXT]))
def test_what_a_cell_shows_is_what_it_holds(value, kind):
    field = Field("x", kind)
    if kind is Kind.TEXT and not isinstance(value, str):
        return
    if (kind is Kind.WHOLE and not isinstance(value, int)) or (
        kind is Kind.NUMBER and not isinstance(value, int | float)
    ):
        return
    if isinstance(value, bool) and kind in (Kind.WHOLE, Kind.NUMBER):
        return
    blank = isinstance(value, str) and not value.strip() and kind is Kind.TEXT
    assert value_of(field, text_of(field, value)) == (value or None if blank and not value else value)


def nested(depth: int) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


NODE = {"type": "object", "properties": {"next": {"$ref": "#/components/node"}, "name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "extra"),
    [
        ({"$ref": "#/components/node"}, {"components": {"node": NODE}}),
        ({"$ref": "#/components/loop"}, {"components": {"loop": {"$ref": "#/components/loop"}}}),
        ({"type": "object", "properties": {"a": nested(500)}}, {}),
        ({"type": "object", "properties": {f"c{place}": {"type": "string"} for place in range(5_000)}}, {}),
        ({"type": "object", "properties": {"a": {"enum": [1, None, {}]}, "b": {"type": ["string", "integer"]}}}, {}),
        ({"type": "object", "properties": {"a": {"minimum": "low", "default": [1], "description": 5}}}, {}),
        ({"oneOf": [None, 1, {"properties": {"inputs": None}}]}, {}),
        ({"properties": {"dataframe_records": {"items": {"properties": {"x": 7}, "required": [{}, "x"]}}}}, {}),
    ],
)
def test_a_hostile_schema_is_a_form_or_nothing_and_never_a_fault(schema, extra):
    interface = interface_of_openapi(CUSTOM, document(schema) | extra) or UNKNOWN
    body = in_form(interface, {}, None, interface.forms[0])
    form = form_in(interface, body, interface.forms[0])
    slots = slots_of(interface, form, body) if form else []
    assert len(slots) <= 80
    for slot in slots:
        assert isinstance(shows(slot, read(slots, body, slot)), bool)
    misfits(interface, form, body)


WORDS = """
type object array string integer properties items required enum oneOf anyOf $ref default minimum dataframe_records inputs params
example examples stream prompt
"""


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from([*WORDS.split()]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS.split()]), inner, max_size=4)
        ),
        max_leaves=15,
    ),
    JSON,
)
def test_whatever_a_schema_and_a_body_say_the_form_never_loses_a_value(schema, value):
    interface = interface_of_schema(schema) or UNKNOWN
    body = {"a": value, "inputs": value, "stream": value}
    form = form_in(interface, body, interface.forms[0])
    if form is None:
        return
    slots = slots_of(interface, form, body)
    for slot in slots:
        held = read(slots, body, slot)
        if held is not None and shows(slot, held):
            assert written(slots, body, slot, held) == body
    assert isinstance(misfits(interface, form, body), list)


def test_arrays_without_columns_are_json_and_their_type_is_told():
    tensor = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    interface = interface_of_schema(
        {"oneOf": [{"properties": {"inputs": tensor}, "required": ["inputs"]}, {"properties": {"instances": tensor}}]}
    )
    assert interface.forms == (Form.INPUTS, Form.INSTANCES)
    body = {"inputs": [[1, 2]]}
    assert misfits(interface, Form.INPUTS, body) == []
    assert misfits(interface, Form.INPUTS, {"inputs": "x"})[0].place == "inputs"
    assert in_form(interface, body, Form.INPUTS, Form.INSTANCES) == {"instances": [[1, 2]]}


def test_a_signature_in_words_becomes_fields():
    signature = Signature(
        (Column("a", "long"), Column("b", "array of double", required=False), Column("c", "object of x, y", False)),
        params=(Column("times", "integer", default=1),),
    )
    interface = interface_of_signature(signature, "version 3 of m")
    assert interface.forms == ROWS
    assert [(one.kind, one.required, one.outer) for one in interface.fields] == [
        (Kind.WHOLE, True, ""),
        (Kind.JSON, False, "array"),
        (Kind.JSON, False, ""),
    ]
    wrong = misfits(
        interface, Form.RECORDS, {"dataframe_records": [{"a": "x"}, {"b": ["no"]}], "params": {"times": "t"}}
    )
    assert [one.sentence for one in wrong] == [
        "times: this is not a whole number.",
        "Row 1, a: this is not a whole number.",
        "Row 2: a is needed.",
        "Row 2, b: value 1: this is not a number.",
    ]
    assert interface_of_signature(Signature((Column("", "tensor of float32 (-1, 3)"),)), "m").tensors


def test_ten_thousand_rows_are_told_and_not_drawn():
    rows = [dict.fromkeys("abcdefgh", place) for place in range(10_000)]
    interface = replace(UNKNOWN, fields=tuple(Field(name, Kind.WHOLE) for name in "abcdefgh"), known=True)
    assert drawable(rows, interface.fields)
    assert not drawable(rows[:1000], interface.fields)
    assert misfits(interface, Form.RECORDS, {"dataframe_records": rows}) == []


@pytest.mark.parametrize(
    ("reply", "texts", "columns", "note"),
    [
        ({"predictions": ["a", "b"]}, ("a", "b"), (), ""),
        ({"predictions": "a"}, ("a",), (), ""),
        ({"predictions": [{"x": 1, "y": [1]}, {"z": None}]}, (), ("x", "y", "z"), ""),
        ({"predictions": [1.5, 2]}, (), ("row", "prediction"), ""),
        ({"predictions": []}, (), (), "It predicted nothing: an empty list."),
        ({"choices": [{"message": {"content": "hi"}}, {"text": "ho"}]}, ("hi", "ho"), (), ""),
        ({"data": [{"embedding": [0.1] * 384}]}, (), ("text", "vector"), "1 vector of 384 dimensions"),
    ],
)
def test_predictions_are_shown_by_what_they_are(reply, texts, columns, note):
    found = predictions_in(reply)
    assert (found.texts, found.columns, found.note) == (texts, columns, note)


@pytest.mark.parametrize("reply", [{}, {"choices": 5}, {"data": [1]}, 7, {"choices": [{"message": None}]}])
def test_a_reply_of_no_known_form_is_left_to_its_json(reply):
    assert predictions_in(reply) is None


def test_the_text_of_a_stream_grows_from_whatever_it_sends():
    events = ['{"choices": [{"delta": {"content": "a"}}]}', "not json", '"b"', '{"choices": [{"text": "c"}]}', "[DONE]"]
    assert text_in_events(events) == "abc"
    assert text_in_events([json.dumps({"word": "x"})]) == ""
