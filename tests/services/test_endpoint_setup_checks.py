"""What is wrong with a draft is told at its field, before anything is sent, whatever JSON it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.endpoint_setup import (
    PROVIDERS,
    even_split,
    new_body,
    new_custom_entity,
    new_external_entity,
    new_foundation_entity,
    path_text,
    problems,
    with_entity,
    with_shares,
    with_value,
    without_values,
)
from services.endpoint_setup.schema import CREATE, ListOf, Object
from tests.services.setup_bodies import ANY, OPENAI, REFERENCE, external_body, openai_body

ENTITY = ("config", "served_entities", 0)
EXTERNAL = (*ENTITY, "external_model")
OPENAI_KEY = (*EXTERNAL, "openai_config", "openai_api_key")
CANARY = "canary-0f1e2d3c4b5a6978"


def told(body, **options):
    """The sentences by place."""
    return {one.place: f"{one.sentence} {one.hint}" for one in problems(body, **options)}


def blocking(body, **options):
    return {one.place for one in problems(body, **options) if one.blocks}


def provider(name):
    return next(one for one in PROVIDERS if one.name == name)


def custom(**fields):
    return new_body(new_custom_entity("catalog.schema.model", "1") | fields, "my-endpoint")


# --- names


@pytest.mark.parametrize("name", ["a", "A-1_b", "x" * 63, "0-9", "my-databricks-endpoint"])
def test_a_name_that_the_platform_takes_is_fine(name):
    assert problems(openai_body(name)) == []


@pytest.mark.parametrize(
    ("name", "says", "instead"),
    [
        ("", "missing", ""),
        (None, "missing", ""),
        ("x" * 64, "at most 63", ""),
        ("my chat", "a space", "my-chat"),
        ("chat!", "“!”", "chat"),
        ("café", "“é”", "caf"),
        ("채팅", "“채”", ""),
        ("-chat", "begin and end", "chat"),
        ("chat_", "begin and end", "chat"),
        ("chat\n", "in it", "chat"),
        ("databricks-chat", "platform's own", ""),
        ("Databricks-chat", "platform's own", ""),
    ],
)
def test_a_name_that_the_platform_refuses_is_told_at_the_name(name, says, instead):
    [problem] = problems(openai_body() | {"name": name})
    assert problem.path == ("name",)
    assert says in problem.sentence
    assert problem.instead == instead
    assert problem.blocks


def test_the_name_of_an_endpoint_that_is_there_is_not_questioned():
    assert problems(openai_body("databricks-old"), updating=True) == []


# --- placeholders


@pytest.mark.parametrize(
    "typed",
    [
        "https://<resource>.openai.azure.com",
        "https://your-resource.openai.azure.com",
        "YOUR_BASE",
        "...",
        "…",
        "CHANGE_ME",
    ],
)
def test_a_placeholder_left_in_is_told(typed):
    body = openai_body(openai_api_base=typed)
    [problem] = problems(body)
    assert "is a placeholder: put the real name there" in problem.sentence


@pytest.mark.parametrize("text", ["a<b and c>d", "<b>bold</b>", "your-model"])
def test_a_description_may_say_what_it_likes(text):
    assert problems(openai_body() | {"description": text}) == []


# --- fields


def test_what_is_needed_and_empty_is_told_at_its_field_with_its_label():
    body = new_body(new_external_entity(OPENAI, OPENAI.variants[2]), "x")
    sentences = told(body)
    config = "config.served_entities[0].external_model.openai_config"
    assert sentences[f"{config}.microsoft_entra_tenant_id"].startswith("Tenant id is missing.")
    assert sentences[f"{config}.microsoft_entra_client_secret"].startswith("Client secret is missing.")
    assert sentences["config.served_entities[0].external_model.name"].startswith("The model's name is missing.")


def every_object(shape=CREATE, path=()):
    """Each object of the body with its path."""
    if isinstance(shape, ListOf):
        yield from every_object(shape.of, (*path, 0))
    elif isinstance(shape, Object):
        yield path, shape
        for name, inner in shape.fields.items():
            yield from every_object(inner, (*path, name))


@pytest.mark.parametrize(
    ("path", "shape"), list(every_object()), ids=lambda part: path_text(part) if isinstance(part, tuple) else ""
)
def test_a_mistyped_field_is_told_at_any_depth_with_the_right_name(path, shape):
    name = max(shape.fields, key=lambda one: (not one.endswith("_plaintext"), len(one)))
    typed = name + "s"
    body = with_value({}, (*path, typed), 1)
    [problem] = [one for one in problems(body) if one.path == (*path, typed)]
    assert "not known here" in problem.sentence
    assert problem.instead == name
    assert problem.blocks


def test_a_field_like_no_other_may_be_newer_than_this_app_and_is_a_caution():
    body = openai_body() | {"quantum_mode": True}
    [problem] = problems(body)
    assert problem.path == ("quantum_mode",)
    assert "sent as it is" in problem.hint
    assert not problem.blocks


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ((*ENTITY, "scale_to_zero_enabled"), "true", "true or false, without quotes"),
        ((*ENTITY, "entity_version"), 1, "a text in quotes"),
        ((*ENTITY, "min_provisioned_concurrency"), "4", "a whole number"),
        ((*ENTITY, "min_provisioned_concurrency"), True, "a whole number"),
        ((*ENTITY, "environment_vars"), ["A"], "an object in braces"),
        ((*ENTITY, "environment_vars"), {"A": 1}, "a text in quotes"),
        ((*ENTITY, "workload_type"), 3, "a text in quotes"),
        (("config", "served_entities"), {"a": 1}, "a list in brackets"),
        (("config",), [], "an object in braces"),
        (("tags",), [None], "it must be something"),
        (("telemetry_config", "inference_table_config", "sampling_fraction"), "1", "a number"),
    ],
)
def test_a_value_of_the_wrong_type_is_told(path, value, says):
    body = with_value(custom(), path, value)
    found = [one for one in problems(body) if one.path[: len(path)] == path]
    assert any(says in one.sentence for one in found), problems(body)


def test_choices_are_suggested_and_new_ones_pass_with_a_caution():
    assert "“GPU_SMALL”" in told(custom(workload_type="gpu-small"))["config.served_entities[0].workload_type"]
    assert blocking(custom(workload_type="gpu-small"))
    assert "sent as it is" in told(custom(workload_type="QUANTUM"))["config.served_entities[0].workload_type"]
    assert not blocking(custom(workload_type="QUANTUM"))
    assert "“Small”" in told(custom(workload_size="small"))["config.served_entities[0].workload_size"]


def test_an_unknown_provider_is_told_with_the_one_that_was_meant():
    body = with_value(openai_body(), (*EXTERNAL, "provider"), "open-ai")
    assert "“openai”" in told(body)["config.served_entities[0].external_model.provider"]


def test_a_task_that_the_provider_may_not_offer_is_a_caution():
    ai21 = provider("ai21labs")
    body = external_body("x", ai21, ai21.variants[0], "llm/v1/completions")
    body = with_value(body, (*EXTERNAL, "task"), "llm/v1/chat")
    assert "not known to offer llm/v1/chat" in told(body)["config.served_entities[0].external_model.task"]
    assert not blocking(body)
    assert (
        "“llm/v1/chat”"
        in told(with_value(body, (*EXTERNAL, "task"), "llm/v1/chats"))["config.served_entities[0].external_model.task"]
    )


def test_the_block_of_another_provider_is_told():
    body = with_value(openai_body(), (*EXTERNAL, "cohere_config"), {"cohere_api_key": REFERENCE})
    assert "for Cohere" in told(body)["config.served_entities[0].external_model.cohere_config"]
    assert (
        "is missing"
        in told(with_value(openai_body(), (*EXTERNAL, "openai_config"), None))[
            "config.served_entities[0].external_model.openai_config"
        ]
    )


def test_two_ways_to_sign_in_are_told():
    bedrock = provider("amazon-bedrock")
    body = external_body("x", bedrock, bedrock.variants[0], "llm/v1/chat")
    body = with_value(body, (*EXTERNAL, "amazon_bedrock_config", "instance_profile_arn"), "arn:aws:iam::1:x")
    assert "does not go with" in " ".join(told(body).values())
    both = provider("custom")
    body = external_body("x", both, both.variants[0], "llm/v1/chat")
    body = with_value(body, (*EXTERNAL, "custom_provider_config", "api_key_auth"), {"key": "k", "value": REFERENCE})
    assert "does not go with" in " ".join(told(body).values())


@pytest.mark.parametrize(
    "url", ["ftp://x", "x", "https://", "https://x:99999", "https://[", "https://a b", "javascript:alert(1)"]
)
def test_what_is_no_url_is_told(url):
    assert "no URL" in " ".join(told(openai_body(openai_api_base=url)).values())


def test_a_url_with_a_password_is_told_and_not_repeated():
    sentences = " ".join(told(openai_body(openai_api_base=f"https://u:{CANARY}@x/v1")).values())
    assert "password" in sentences
    assert CANARY not in sentences


def test_a_custom_provider_is_https_but_on_this_machine():
    both = provider("custom")
    body = external_body("x", both, both.variants[0], "llm/v1/chat")
    at = (*EXTERNAL, "custom_provider_config", "custom_provider_url")
    [problem] = problems(with_value(body, at, "http://api.example.com/v1?a=b"))
    assert (problem.instead, problem.blocks) == ("https://api.example.com/v1?a=b", True)
    [problem] = problems(with_value(body, at, "http://127.0.0.1:9000/v1"))
    assert not problem.blocks


def test_an_openai_base_may_be_http():
    assert problems(openai_body(openai_api_base="http://127.0.0.1:9000/v1")) == []


# --- served entities together


def test_an_external_model_has_no_fields_of_a_registered_one():
    body = with_value(openai_body(), (*ENTITY, "workload_size"), "Small")
    assert "An external model has no workload_size" in told(body)["config.served_entities[0].workload_size"]


def test_kinds_are_not_mixed():
    body = even_split(with_entity(openai_body(), new_custom_entity("m", "1")))
    assert "cannot serve an external model and a registered model" in told(body)["config.served_entities"]


def test_tasks_are_not_mixed():
    other = new_external_entity(OPENAI, task="llm/v1/embeddings", model="e", values={"openai_api_key": REFERENCE})
    assert "different tasks" in " ".join(told(even_split(with_entity(openai_body(), other))).values())


def test_names_are_not_used_twice():
    body = with_value(openai_body(), ("config", "served_entities", 1), openai_body()["config"]["served_entities"][0])
    assert "“gpt-4o-mini”" in told(body)["config.served_entities[1].name"]


def test_a_size_and_a_concurrency_exclude_each_other():
    assert (
        "exclude each other" in told(custom(min_provisioned_concurrency=4))["config.served_entities[0].workload_size"]
    )


def test_the_least_is_not_more_than_the_most():
    body = custom(workload_size=None, min_provisioned_concurrency=8, max_provisioned_concurrency=4)
    assert "more than the most" in told(body)["config.served_entities[0].min_provisioned_concurrency"]
    assert "at least 0" in " ".join(told(custom(workload_size=None, min_provisioned_concurrency=-1)).values())


def test_a_missing_version_is_a_caution_since_a_feature_spec_has_none():
    assert "feature spec" in told(custom(entity_version=""))["config.served_entities[0].entity_version"]
    assert not blocking(custom(entity_version=""))
    assert "config.served_entities[0].entity_name" in blocking(custom(entity_name=" "))


def test_provisioned_model_units_take_fewer_fields():
    body = new_body(new_foundation_entity("system.ai.x", "1"), "x") | {"description": "d"}
    assert "model units" in told(body)["description"]
    body = new_body(new_foundation_entity("system.ai.x", "1") | {"workload_size": "Small"}, "x")
    assert "model units" in told(body)["config.served_entities[0].workload_size"]


def test_a_body_that_serves_nothing_is_told():
    assert "Nothing is served" in told({"name": "x"})["config.served_entities"]
    assert "config.served_entities" in blocking({"name": "x"}, updating=True)


def test_too_many_entities_are_told():
    body = openai_body()
    for _ in range(15):
        body = with_entity(body, openai_body()["config"]["served_entities"][0])
    assert "at most 15" in told(body)["config.served_entities"]


# --- traffic


def split(*shares, names=("gpt-4o-mini", "gpt-4o-mini-2")):
    body = with_entity(openai_body(), openai_body()["config"]["served_entities"][0])
    routes = [
        {"served_entity_name": name, "traffic_percentage": share} for name, share in zip(names, shares, strict=True)
    ]
    return with_value(body, ("config", "traffic_config", "routes"), routes)


ROUTES = "config.traffic_config.routes"


@pytest.mark.parametrize(
    ("body", "place", "says"),
    [
        (split(60, 50), ROUTES, "add up to 110 %"),
        (split(0, 0), ROUTES, "add up to 0 %"),
        (split(-10, 110), f"{ROUTES}[0].traffic_percentage", "0 to 100"),
        (split(10**5000, 0), f"{ROUTES}[0].traffic_percentage", "0 to 100"),
        (split(50, 50, names=("gpt-4o-mini", "other")), f"{ROUTES}[1].served_entity_name", "“other”"),
        (split(50, 50, names=("gpt-4o-mini", "gpt-4o-mini")), f"{ROUTES}[1].served_entity_name", "two shares"),
        (split(50, 50, names=("gpt-4o-mini", None)), f"{ROUTES}[1].served_entity_name", "missing"),
        (split(50, None), f"{ROUTES}[1].traffic_percentage", "missing"),
        (split(50, 49.5), f"{ROUTES}[1].traffic_percentage", "whole number"),
        (with_value(split(50, 50), ("config", "traffic_config"), None), ROUTES, "must be said"),
    ],
)  # fmt: skip
def test_a_split_of_the_traffic_that_cannot_be_is_told(body, place, says):
    assert says in told(body)[place]
    assert place in blocking(body)


def test_a_split_that_adds_up_is_fine():
    assert problems(split(90, 10)) == []
    assert problems(with_shares(split(90, 10), [0, 100])) == []


# --- tags


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([{"key": "a"}, {"key": "a", "value": "b"}], "Two tags have the key “a”"),
        ([{"key": "k" * 128}], "at most 127"),
        ([{"key": "a", "value": "v" * 256}], "at most 255"),
        ([{"key": str(number)} for number in range(21)], "at most 20"),
        ([{"value": "b"}], "key is missing"),
        ({"a": "b"}, "a list in brackets"),
    ],
)
def test_tags_have_bounds(tags, says):
    assert says in " ".join(told(openai_body() | {"tags": tags}).values())


# --- any JSON

# What gets into every corner: a body of the right form, with anything in one place of it.
PLACES = st.lists(
    st.sampled_from(["config", "served_entities", "external_model", "openai_config", "traffic_config", "routes", "tags", 0, 1]),
    min_size=1,
    max_size=6,
).map(tuple)  # fmt: skip


@given(ANY)
def test_any_json_has_problems_or_none_and_never_raises(body):
    for updating in (True, False):
        for one in problems(body, updating=updating):
            assert one.sentence
            assert len(one.sentence) < 400


@given(PLACES, ANY)
def test_anything_in_any_place_never_raises(place, value):
    if isinstance(place[0], str):
        body = with_value(
            even_split(with_entity(openai_body(), openai_body()["config"]["served_entities"][0])), place, value
        )
        problems(body)
        without_values(body)


def test_what_is_nested_without_end_or_wide_without_end_is_looked_at_in_time():
    deep = inner = {}
    for _ in range(5000):
        inner["a"] = inner = {}
    assert problems({"name": "x", "config": deep})
    wide = {f"field_{number}": "<x>" for number in range(50_000)}
    assert len(problems(wide)) <= 100


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_what_is_no_object_is_told(body):
    [problem] = problems(body)
    assert problem.path == ()
