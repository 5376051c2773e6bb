"""Fields for secrets: what is no reference is told with the mended one, and a key is neither repeated nor kept."""

import json

import pytest

from services.endpoint_setup import (
    PROVIDERS,
    new_body,
    new_custom_entity,
    path_text,
    problems,
    with_value,
    without_values,
)
from tests.services.setup_bodies import REFERENCE, external_body, openai_body

EXTERNAL = ("config", "served_entities", 0, "external_model")
OPENAI_KEY = (*EXTERNAL, "openai_config", "openai_api_key")
CANARY = "canary-0f1e2d3c4b5a6978"


def told(body, **options):
    """The sentences by place."""
    return {one.place: f"{one.sentence} {one.hint}" for one in problems(body, **options)}


def custom(**fields):
    return new_body(new_custom_entity("catalog.schema.model", "1") | fields, "my-endpoint")


# --- secrets


@pytest.mark.parametrize(
    ("typed", "says", "instead"),
    [
        ("secrets/scope/key", "braces of this secret reference are missing", "{{secrets/scope/key}}"),
        ("{secrets/scope/key}", "one brace on each side", "{{secrets/scope/key}}"),
        ("{{{secrets/scope/key}}}", "two braces on each side", "{{secrets/scope/key}}"),
        ("{{secrets/scope/key}", "two braces on each side", "{{secrets/scope/key}}"),
        ("{{ secrets/scope/key }}", "spaces", "{{secrets/scope/key}}"),
        ("{{secrets/scope/key}}\n", "spaces", "{{secrets/scope/key}}"),
        ("{{Secrets/scope/key}}", "small letters", "{{secrets/scope/key}}"),
        ("{{secrets/scope}}", "three parts", ""),
        ("{{secrets/scope/key/more}}", "three parts", ""),
        ("{{secrets//key}}", "three parts", ""),
        ("{{secrets/sco pe/käy}}", "spaces", ""),
        ("{{secrets/scope/käy}}", "letters, digits", ""),
        ("{{secrets/<scope>/<key>}}", "“<scope>” is a placeholder", ""),
        ('dbutils.secrets.get(scope="my-scope", key="my.key")', "notebook", "{{secrets/my-scope/my.key}}"),
        ("{{scope/key}}", "begins with secrets/", ""),
        (f"sk-{CANARY}", "not a secret reference", ""),
        (CANARY, "not a secret reference", ""),
        (12, "a text in quotes", ""),
    ],
)
def test_what_is_no_secret_reference_is_told_with_the_mended_one(typed, says, instead):
    [problem] = [one for one in problems(openai_body(openai_api_key=typed)) if one.path == OPENAI_KEY]
    assert says in problem.sentence
    assert problem.instead == instead
    assert instead in problem.hint
    assert problem.blocks
    assert CANARY not in str(problem)


def test_a_mended_reference_is_fine():
    typed = "{secrets/scope/key}"
    [problem] = problems(openai_body(openai_api_key=typed))
    assert problems(with_value(openai_body(), problem.path, problem.instead)) == []


def test_a_key_in_the_clear_is_refused_and_not_repeated():
    body = with_value(openai_body(), OPENAI_KEY, None)
    body = with_value(body, (*EXTERNAL, "openai_config", "openai_api_key_plaintext"), CANARY)
    [problem] = problems(body)
    assert problem.path[-1] == "openai_api_key_plaintext"
    assert "Store it as a secret" in problem.hint
    assert CANARY not in str(problem)


def test_both_variants_of_a_key_are_told():
    body = openai_body(openai_api_key_plaintext=CANARY)
    sentences = told(body)
    assert "exclude each other" in sentences[path_text(OPENAI_KEY)]
    assert "no key in the clear" in sentences[path_text((*OPENAI_KEY[:-1], "openai_api_key_plaintext"))]


def test_a_key_in_the_clear_is_found_however_deep_it_lies():
    assert "no key in the clear" in told({"extra": [{"deep": {"x_plaintext": "v"}}]})["extra[0].deep.x_plaintext"]


def test_a_key_where_no_secret_belongs_is_told():
    body = openai_body(openai_organization=f"sk-{CANARY}")
    sentence = told(body)["config.served_entities[0].external_model.openai_config.openai_organization"]
    assert "looks like a key" in sentence
    assert CANARY not in sentence


def test_references_in_environment_variables_are_checked_too():
    body = custom(environment_vars={"GOOD": REFERENCE, "PLAIN": "text", "BAD": "{secrets/a/b}"})
    assert list(told(body)) == ["config.served_entities[0].environment_vars.BAD"]


# --- keys are kept nowhere


@pytest.mark.parametrize(
    "path",
    [
        OPENAI_KEY,
        (*EXTERNAL, "openai_config", "openai_api_key_plaintext"),
        (*EXTERNAL, "openai_config", "openai_apikey"),
        (*EXTERNAL, "custom_provider_config", "bearer_token_auth", "token"),
        (*EXTERNAL, "custom_provider_config", "api_key_auth", "value"),
        ("anywhere", "x_plaintext"),
    ],
    ids=path_text,
)
def test_a_key_is_taken_out_of_the_fields_for_secrets(path):
    body = with_value(openai_body(), path, CANARY)
    cleaned, found = without_values(body)
    assert found == (path,)
    assert CANARY not in json.dumps(cleaned)
    assert CANARY in json.dumps(body)


@pytest.mark.parametrize("where", ["description", "env", "list", "name of a field"])
def test_a_key_of_a_known_format_is_taken_out_wherever_it_stands(where):
    key = f"sk-{CANARY}"
    body = {
        "description": {"description": f"it is {key}"},
        "env": custom(environment_vars={"A": key, "B": "stays"}),
        "list": {"email_notifications": {"on_update_success": ["a@b", key]}},
        "name of a field": {"config": {key: 1}},
    }[where]
    cleaned, found = without_values(body)
    assert len(found) == 1
    assert CANARY not in json.dumps(cleaned)
    assert "stays" not in json.dumps(body) or "stays" in json.dumps(cleaned)


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        "{secrets/a/b}",
        "secrets/a/b",
        " {{ secrets/a/b }}",
        "<your key>",
        "YOUR_KEY",
        "...",
        "",
        'dbutils.secrets.get("a", "b")',
    ],
)
def test_a_reference_or_what_was_meant_as_one_is_never_taken_out(text):
    body = openai_body(openai_api_key=text)
    assert without_values(body) == (body, ())


def test_what_is_no_key_stays():
    for one in PROVIDERS:
        for variant in one.variants:
            body = external_body("task-sk-lookalike", one, variant, one.tasks[0])
            body["tags"] = [{"key": "token", "value": "secret-project"}]
            body["ai_gateway"] = {"rate_limits": [{"key": "user", "calls": 1, "renewal_period": "minute"}]}
            assert without_values(body) == (body, ())
