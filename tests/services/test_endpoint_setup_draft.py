"""A draft as JSON: values put in and taken out, served entities added and taken away, the traffic that follows them."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.endpoint_setup import (
    PROVIDERS,
    default_name,
    even_split,
    name_of,
    names_of,
    new_body,
    new_custom_entity,
    new_external_entity,
    path_text,
    problems,
    shares_of,
    value_at,
    with_entity,
    with_field,
    with_provider,
    with_shares,
    with_value,
    without_entity,
)
from services.endpoint_setup.entity_forms import entity_fields
from tests.services.setup_bodies import OPENAI, openai_body

STEPS = st.one_of(st.sampled_from(["a", "b", "config"]), st.integers(0, 3))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=8,
)


def external(model: str):
    return new_external_entity(OPENAI, model=model)


def several(*models: str):
    body = new_body(external(models[0]), "x")
    for model in models[1:]:
        body = with_entity(body, external(model))
    return body


def routes_of(body):
    return {
        one["served_entity_name"]: one["traffic_percentage"]
        for one in value_at(body, ("config", "traffic_config", "routes"), [])
    }


def test_a_value_is_put_where_nothing_was():
    assert with_value({}, ("config", "served_entities", 0, "name"), "one") == {
        "config": {"served_entities": [{"name": "one"}]}
    }


def test_a_value_taken_out_takes_the_blocks_with_it_that_it_empties():
    body = {"name": "x", "config": {"traffic_config": {"routes": [1]}}}
    assert with_value(body, ("config", "traffic_config", "routes"), None) == {"name": "x"}
    assert with_value(body, ("nothing", "there"), None) == body


@given(JSON, st.lists(STEPS, min_size=1, max_size=4).map(tuple), JSON)
def test_a_draft_is_never_changed_in_place_whatever_it_holds(body, path, value):
    whole = {"config": body}
    before = copy.deepcopy(whole)
    if isinstance(path[0], str):
        with_value(whole, path, value)
        with_value(whole, path, None)
    value_at(whole, path)
    assert whole == before


@given(JSON, st.lists(STEPS, min_size=1, max_size=4).map(lambda steps: ("config", *steps)))
def test_what_was_put_in_is_found_there_or_there_was_no_such_place(body, path):
    changed = with_value({"config": body}, path, "new")
    assert value_at(changed, path) in ("new", None)


def test_a_path_is_written_as_the_platform_writes_it():
    assert path_text(("config", "served_entities", 0, "name")) == "config.served_entities[0].name"


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        (external("gpt-4.1:mini"), "gpt-4-1-mini"),
        (new_custom_entity("catalog.schema.my model", "3"), "my-model-3"),
        (new_custom_entity("plain", "12"), "plain-12"),
        (external("m" * 80), "m" * 63),
        (external("") | {"name": "given"}, "given"),
        ({"external_model": "nonsense", "name": 3}, ""),
        (None, ""),
    ],
)
def test_an_entity_has_the_name_it_was_given_or_the_platforms(entity, name):
    assert name_of(entity) == name
    if isinstance(entity, dict) and "name" not in entity:
        assert default_name(entity) == name


def test_one_more_entity_gets_no_traffic_until_it_is_given_some():
    body = several("a", "b")
    assert routes_of(body) == {"a": 100, "b": 0}
    assert shares_of(body) == [100, 0]
    assert routes_of(with_shares(body, [90, 10])) == {"a": 90, "b": 10}


def test_one_more_entity_of_the_same_model_gets_another_name():
    assert names_of(several("a", "a", "a")) == ["a", "a-2", "a-3"]
    assert len(set(names_of(several("m" * 63, "m" * 63)))) == 2


def test_the_traffic_of_an_entity_taken_out_goes_to_the_first_of_the_others():
    body = with_shares(several("a", "b", "c"), [50, 30, 20])
    assert routes_of(without_entity(body, 0)) == {"b": 80, "c": 20}
    assert routes_of(without_entity(body, 2)) == {"a": 70, "b": 30}
    assert without_entity(body, 7) == body


def test_an_only_entity_has_all_the_traffic_and_needs_no_routes():
    body = without_entity(several("a", "b"), 1)
    assert "traffic_config" not in body["config"]
    assert shares_of(body) == [100]


@pytest.mark.parametrize(("count", "shares"), [(2, [50, 50]), (3, [34, 33, 33]), (7, [15, 15, 14, 14, 14, 14, 14])])
def test_an_even_split_adds_up_to_all_of_it(count, shares):
    body = even_split(several(*"abcdefg"[:count]))
    assert shares_of(body) == shares
    assert sum(shares) == 100


def test_traffic_follows_an_entity_whose_name_changes():
    body = with_shares(several("a", "b"), [90, 10])
    model = next(one for one in entity_fields(body, 0) if one.path[-2:] == ("external_model", "name"))
    assert routes_of(with_field(body, model, "z")) == {"z": 90, "b": 10}
    emptied = with_field(body, model, "")
    assert not any("adds" in one.sentence for one in problems(emptied))


def test_another_provider_keeps_the_task_when_it_has_it():
    body = openai_body()
    at = ("config", "served_entities", 0, "external_model")
    anthropic = next(one for one in PROVIDERS if one.name == "anthropic")
    assert value_at(with_provider(body, 0, anthropic), (*at, "task")) == "llm/v1/chat"
    ai21 = next(one for one in PROVIDERS if one.name == "ai21labs")
    changed = value_at(with_provider(body, 0, ai21), at)
    assert changed == {
        "provider": "ai21labs", "name": "", "task": "llm/v1/completions", "ai21labs_config": {"ai21labs_api_key": ""},
    }  # fmt: skip
