"""What a draft changes, as lines for people; and names and routes that follow a model."""

from typing import Any

from services.endpoint_setup import (
    NO_SECRET,
    Change,
    config_changes,
    entity_fields,
    names_of,
    new_body,
    new_custom_entity,
    problems,
    shares_of,
    value_at,
    with_entity,
    with_field,
)


def external(model: str, **more: Any) -> dict[str, Any]:
    block = {"openai_api_key": "{{secrets/scope/key}}"}
    return {
        "external_model": {"provider": "openai", "name": model, "task": "llm/v1/chat", "openai_config": block}
    } | more


def config(*entities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"served_entities": list(entities)} | more


def typed(body: dict[str, Any], index: int, name: str, value: str) -> dict[str, Any]:
    placed = next(one for one in entity_fields(body, index) if one.path[-1] == name)
    return with_field(body, placed, value)


def test_an_entity_without_a_name_is_the_one_that_the_platform_named():
    assert config_changes(config(external("gpt-4.1", name="gpt-4-1")), config(external("gpt-4.1"))) == []


def test_an_entity_more_or_less_is_one_line():
    found = config_changes(config(external("gpt-4o")), config(external("gpt-5")))
    assert found == [
        Change("gpt-4o", "gpt-4o (openai)", "", whole=True),
        Change("gpt-5", "", "gpt-5 (openai)", whole=True),
    ]


def test_what_changes_inside_is_told_value_for_value_as_json():
    before = config(new_custom_entity("a.b.c", "1") | {"name": "one"})
    after = config(
        new_custom_entity("a.b.c", "2")
        | {"name": "one", "scale_to_zero_enabled": False, "environment_vars": {"A": "x", "B": "y"}}
    )
    assert set(config_changes(before, after)) == {
        Change("one.entity_version", '"1"', '"2"'),
        Change("one.scale_to_zero_enabled", "true", "false"),
        Change("one.environment_vars.A", "", '"x"'),
        Change("one.environment_vars.B", "", '"y"'),
    }


def test_a_share_of_the_traffic_is_told_by_what_it_leads_to():
    routes = [{"served_entity_name": "a", "traffic_percentage": 100}]
    other = [{"served_entity_name": "a", "traffic_percentage": 90}]
    found = config_changes({"traffic_config": {"routes": routes}}, {"traffic_config": {"routes": other}})
    assert found == [Change("traffic.a", "100", "90")]


def test_a_name_that_was_made_of_the_model_follows_it_with_its_route():
    body = with_entity(new_body(external("gpt-4o", name="gpt-4o"), "x"), external("other"))
    changed = typed(body, 0, "name", "o3")  # the first field called so is the model's
    assert names_of(changed) == ["o3", "other"]
    assert shares_of(changed) == [100, 0]
    again = typed(typed(changed, 0, "name", ""), 0, "name", "o4")
    assert (names_of(again), shares_of(again)) == (["o4", "other"], [100, 0])


def test_a_name_that_was_given_stays():
    changed = typed(new_body(external("gpt-4o", name="champion"), "x"), 0, "name", "o3")
    assert names_of(changed) == ["champion"]


def test_the_route_of_an_entity_that_has_no_model_yet_gets_its_name_later():
    body = with_entity(with_entity(new_body(external("a"), "x"), external("")), external(""))
    body = typed(typed(body, 2, "name", "c"), 1, "name", "b")
    routes = value_at(body, ("config", "traffic_config", "routes"))
    assert [one["served_entity_name"] for one in routes] == ["a", "b", "c"]


def test_a_variable_is_named_in_what_is_wrong_with_it():
    served = new_custom_entity("a.b.c", "1") | {
        "environment_vars": {"9X": "a", "MY-X": "b", "KEY": NO_SECRET, "BAD": "{secrets/a/b}", "_OK1": "c"}
    }
    found = {str(one.path[-1]): one.sentence for one in problems(new_body(served, "x"))}
    assert set(found) == {"9X", "MY-X", "KEY", "BAD"}
    assert "“9X”" in found["9X"]
    assert found["KEY"] == "KEY: no secret is chosen yet."
    assert found["BAD"].startswith("BAD: ")
