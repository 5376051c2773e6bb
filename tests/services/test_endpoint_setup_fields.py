"""The tables of fields say what databricks-sdk's dataclasses say, and every body made from them goes through those unchanged."""

import dataclasses
import enum
import inspect
import typing

import pytest

from services.endpoint_setup import (
    PROVIDERS,
    EntityKind,
    FieldKind,
    entity_fields,
    kind_of,
    new_body,
    new_custom_entity,
    new_entity,
    new_external_entity,
    new_foundation_entity,
    problems,
    provider_named,
    value_at,
    variant_of,
    with_field,
    with_variant,
)
from services.endpoint_setup.entity_forms import CUSTOM_FIELDS, MODEL_UNIT_FIELDS, THROUGHPUT_FIELDS
from services.endpoint_setup.schema import (
    CREATE,
    PROVISIONED_CREATE,
    PROVISIONED_ENTITY,
    Choice,
    ListOf,
    Object,
    Scalar,
    Texts,
)
from services.snippets.sdk_source import CLASSES
from tests.services.setup_bodies import CASES, OPENAI, case_name, external_body

cases = pytest.mark.parametrize(("provider", "variant", "task"), CASES, ids=case_name)
SCALARS = {str: Scalar.TEXT, int: Scalar.WHOLE, float: Scalar.NUMBER, bool: Scalar.SWITCH}
# Texts of the platform that are enumerations in the SDK only.
PLAIN_IN_OURS = {"bedrock_provider"}


@pytest.fixture(scope="module")
def sdk():
    from databricks.sdk.service import serving

    return serving


def hints(kind, sdk):
    return typing.get_type_hints(kind, vars(sdk))


def bare(hint):
    """The type within Optional, and whether it was a list."""
    inner = [one for one in typing.get_args(hint) if one is not type(None)]
    if typing.get_origin(hint) is typing.Union:
        return bare(inner[0])
    return (inner[0], True) if typing.get_origin(hint) is list else (hint, False)


def shape_of(hint, sdk, name=""):
    """A type of the SDK as a shape of ours."""
    kind, is_list = bare(hint)
    if is_list:
        return ListOf(shape_of(kind, sdk))
    if typing.get_origin(kind) is dict:
        return Texts()
    if dataclasses.is_dataclass(kind):
        return object_of(kind, sdk)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Scalar.TEXT if name in PLAIN_IN_OURS else Choice(tuple(sorted(one.value for one in kind)))
    return SCALARS[kind]


def object_of(kind, sdk):
    fields = {name: shape_of(hint, sdk, name) for name, hint in hints(kind, sdk).items()}
    required = {one.name for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING}
    # What a provider's block needs depends on the variant; the table of providers says it.
    holds_keys = any(name.endswith("_plaintext") for name in fields)
    if holds_keys or kind in (sdk.CustomProviderConfig, sdk.EndpointCoreConfigInput):
        required = set()
    return Object(fields, frozenset(required))


def plain(shape):
    """A shape in which the order of choices does not matter."""
    if isinstance(shape, Object):
        return {name: plain(inner) for name, inner in shape.fields.items()}, shape.required
    if isinstance(shape, ListOf):
        return [plain(shape.of)]
    return sorted(shape.of) if isinstance(shape, Choice) else shape


def test_the_fields_known_here_are_those_of_the_sdk(sdk):
    parameters = inspect.signature(sdk.ServingEndpointsAPI.create).parameters
    arguments = typing.get_type_hints(sdk.ServingEndpointsAPI.create, vars(sdk))
    create = {name: shape_of(arguments[name], sdk) for name in parameters if name != "self"}
    assert plain(CREATE) == plain(Object(create, frozenset({"name"})))


def test_the_fields_of_provisioned_model_units_are_those_of_the_sdk(sdk):
    create = inspect.signature(sdk.ServingEndpointsAPI.create_provisioned_throughput_endpoint).parameters
    assert set(create) - {"self"} == PROVISIONED_CREATE
    assert {one.name for one in dataclasses.fields(sdk.PtServedModel)} == PROVISIONED_ENTITY


def test_code_names_the_class_of_every_field_as_the_sdk_has_it(sdk):
    for owner, known in CLASSES.items():
        if not owner:
            continue
        wanted = {name: bare(hint)[0] for name, hint in hints(getattr(sdk, owner), sdk).items()}
        ours = {
            name: kind.__name__
            for name, kind in wanted.items()
            if dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, enum.Enum))
        }
        assert known == ours, owner


def test_every_provider_of_the_sdk_is_in_the_table(sdk):
    assert {one.name for one in PROVIDERS} == {one.value for one in sdk.ExternalModelProvider}
    assert {one.config_key for one in PROVIDERS} == {
        name for name in hints(sdk.ExternalModel, sdk) if name.endswith("_config")
    }


@pytest.mark.parametrize("provider", PROVIDERS, ids=case_name)
def test_every_field_of_a_providers_class_can_be_reached(sdk, provider):
    kind, _ = bare(hints(sdk.ExternalModel, sdk)[provider.config_key])
    wanted = set()
    for name, hint in hints(kind, sdk).items():
        inner, _ = bare(hint)
        if dataclasses.is_dataclass(inner):
            wanted |= {(name, one.name) for one in dataclasses.fields(inner) if not one.name.endswith("_plaintext")}
        elif not name.endswith("_plaintext"):
            wanted.add((name,))
    reached = {path for variant in provider.variants for path, _ in provider.placed(variant)}
    reached |= {(name,) for variant in provider.variants for name in variant.fixed}
    assert reached == wanted


def test_every_field_of_a_served_entity_can_be_reached(sdk):
    wanted = {one.name for one in dataclasses.fields(sdk.ServedEntityInput)} - {"external_model"}
    assert {one.name for one in (*CUSTOM_FIELDS, *MODEL_UNIT_FIELDS, *THROUGHPUT_FIELDS)} == wanted


@cases
def test_a_created_payload_goes_through_the_sdk_unchanged(sdk, provider, variant, task):
    body = external_body("my-endpoint", provider, variant, task)
    config = {"name": "my-endpoint"} | body["config"]
    assert sdk.EndpointCoreConfigInput.from_dict(config).as_dict() == config
    assert problems(body) == []


@pytest.mark.parametrize(
    "entity",
    [
        new_custom_entity("catalog.schema.model", "3"),
        new_custom_entity("m", "1")
        | {"environment_vars": {"KEY": "{{secrets/a/b}}", "PLAIN": "1"}, "workload_type": "GPU_SMALL", "name": "one"},
        {"entity_name": "m", "entity_version": "1", "min_provisioned_concurrency": 4, "max_provisioned_concurrency": 8},
        {"entity_name": "m", "entity_version": "1", "min_provisioned_throughput": 0, "max_provisioned_throughput": 980},
    ],
    ids=["plain", "variables", "concurrency", "throughput"],
)
def test_other_payloads_go_through_the_sdk_unchanged(sdk, entity):
    body = new_body(entity, "my-endpoint")
    assert sdk.EndpointCoreConfigInput.from_dict(body["config"]).as_dict() == body["config"]
    assert problems(body) == []


def test_a_payload_of_model_units_goes_through_the_sdks_own_class_unchanged(sdk):
    body = new_body(new_foundation_entity("system.ai.llama", "1", 100), "my-endpoint")
    assert sdk.PtEndpointCoreConfig.from_dict(body["config"]).as_dict() == body["config"]
    assert problems(body) == []


@cases
def test_a_body_says_which_variant_it_is_of(provider, variant, task):
    body = external_body("x", provider, variant, task)
    assert variant_of(provider, body["config"]["served_entities"][0]["external_model"][provider.config_key]) is variant


@pytest.mark.parametrize("provider", PROVIDERS, ids=case_name)
def test_a_new_body_is_of_its_variant_before_anything_is_filled_in(provider):
    for variant in provider.variants:
        entity = new_external_entity(provider, variant)
        assert variant_of(provider, entity["external_model"][provider.config_key]) is variant
        assert kind_of(entity) is EntityKind.EXTERNAL


@cases
def test_another_variant_keeps_common_fields_and_drops_the_other_ones(provider, variant, task):
    for other in provider.variants:
        changed = with_variant(external_body("x", provider, variant, task), 0, other)
        config = changed["config"]["served_entities"][0]["external_model"][provider.config_key]
        assert variant_of(provider, config) is other
        assert set(config) <= other.names
        before = external_body("x", provider, variant, task)["config"]["served_entities"][0]["external_model"]
        common = {one.name for one in variant.fields} & {one.name for one in other.fields}
        assert {name: config[name] for name in common} == {name: before[provider.config_key][name] for name in common}


def test_a_field_that_nobody_knows_survives_another_variant():
    body = external_body("x", OPENAI, OPENAI.variants[0], "llm/v1/chat")
    config = body["config"]["served_entities"][0]["external_model"]["openai_config"]
    config["from_next_year"] = 1
    changed = with_variant(body, 0, OPENAI.variants[1])
    assert changed["config"]["served_entities"][0]["external_model"]["openai_config"]["from_next_year"] == 1


def test_azure_is_known_in_any_case_as_the_platform_takes_it():
    assert variant_of(OPENAI, {"openai_api_type": "AzureAD"}).name == "Azure, Microsoft Entra ID"


@cases
def test_the_form_draws_every_needed_field_at_its_place_in_the_body(provider, variant, task):
    body = external_body("x", provider, variant, task)
    placed = entity_fields(body, 0)
    drawn = {one.path for one in placed if one.field.required}
    assert all(value_at(body, path) for path in drawn)
    empty = body
    for one in placed:
        empty = with_field(empty, one, "")
    told = {one.path for one in problems(empty)}
    assert drawn <= told
    assert {one.path for one in entity_fields(empty, 0)} == {one.path for one in placed}


@pytest.mark.parametrize("kind", EntityKind)
def test_the_form_of_a_new_entity_stays_the_same_when_its_fields_are_emptied(kind):
    body = new_body(new_entity(kind, OPENAI), "x")
    assert kind_of(value_at(body, ("config", "served_entities", 0))) is kind
    for one in entity_fields(body, 0):
        emptied = with_field(body, one, None)
        assert kind_of(value_at(emptied, ("config", "served_entities", 0))) is kind
        assert [each.path for each in entity_fields(emptied, 0)] == [each.path for each in entity_fields(body, 0)]
        if one.field.required:
            assert one.path in {each.path for each in problems(emptied)}


def test_an_emptied_field_that_is_not_needed_is_not_sent():
    body = external_body("x", OPENAI, OPENAI.variants[0], "llm/v1/chat")
    base = next(one for one in entity_fields(body, 0) if one.path[-1] == "openai_api_base")
    assert one_block(body)["openai_api_base"]
    assert "openai_api_base" not in one_block(with_field(body, base, ""))


def one_block(body):
    return body["config"]["served_entities"][0]["external_model"]["openai_config"]


def test_each_secret_is_a_field_for_references_and_nothing_else_is():
    for provider in PROVIDERS:
        for variant in provider.variants:
            for path, field in provider.placed(variant):
                assert field.secret == (field.kind is FieldKind.SECRET)
                assert not field.name.endswith("_plaintext"), path


def test_an_unknown_provider_is_none():
    assert provider_named("future-ai") is None
    assert provider_named(["openai"]) is None
