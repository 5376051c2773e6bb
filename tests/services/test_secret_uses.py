"""Which endpoints name which secret, and which references lead nowhere."""

import itertools
from typing import Any

import pytest

from services.endpoints import get_endpoint_detail, list_endpoints
from services.endpoints.reading import detail_from_wire
from services.secret_scopes import SecretReference
from services.secret_uses import MOST_DETAILS, SecretUse, UsesLook, needs_detail, uses_of
from tests.local_workspace.calls import call
from tests.local_workspace.custom_model_calls import model
from tests.local_workspace.secrets_calls import post
from tests.local_workspace.serving_calls import create
from tests.local_workspaces import eventually
from tests.services.chats import at
from tests.services.replies import Exchange, whole

PROMPT_MODEL = "local.models.prompt-model"
_numbers = itertools.count(1)


def external(reference: str) -> dict[str, Any]:
    model = {"provider": "openai", "name": "gpt", "task": "llm/v1/chat", "openai_config": {"openai_api_key": reference}}
    return {"name": "gpt", "external_model": model}


@pytest.fixture
def used(local_workspace):
    """Two endpoints on one scope: (scope, external's name, name of the one with an environment variable)."""
    number = next(_numbers)
    scope, chat, custom = f"used-{number}", f"used-chat-{number}", f"used-custom-{number}"
    assert post(local_workspace, "scopes/create", scope=scope).ok
    assert post(local_workspace, "put", scope=scope, key="key", string_value="x").ok
    create(local_workspace, chat, external(f"{{{{secrets/{scope}/key}}}}"))
    create(local_workspace, custom, model(PROMPT_MODEL, environment_vars={"KEY": f"{{{{secrets/{scope}/key}}}}"}))
    yield scope, chat, custom
    for name in (chat, custom):
        call(local_workspace, "DELETE", f"/api/2.0/serving-endpoints/{name}")
    post(local_workspace, "scopes/delete", scope=scope)


def looked(look: UsesLook) -> UsesLook:
    look.start()
    eventually(lambda: look.done)
    return look


def test_a_list_shows_what_external_models_name(workspace, used):
    scope, chat, _ = used
    [endpoint] = [one for one in list_endpoints(workspace) if one.name == chat]
    field = "external_model.openai_config.openai_api_key"
    assert uses_of(endpoint) == (SecretUse(chat, "gpt", field, SecretReference(scope, "key")),)


def test_a_detail_shows_environment_variables(workspace, used):
    scope, _, custom = used
    uses = uses_of(get_endpoint_detail(workspace, custom))
    assert uses == (SecretUse(custom, "model", "environment_vars.KEY", SecretReference(scope, "key")),)


def test_a_look_finds_both_and_asks_for_no_detail_twice(workspace, local_workspace, used):
    scope, chat, custom = used
    seen: dict[Any, Any] = {}
    endpoints = list_endpoints(workspace)  # read once: a deployment that ends in between would be a change
    look = looked(UsesLook(workspace, endpoints, seen))
    assert {use.endpoint for use in look.uses if use.names(scope.upper(), "KEY")} == {chat, custom}
    assert (look.not_looked_at, look.broken) == ({}, [])
    local_workspace.clear()
    again = looked(UsesLook(workspace, endpoints, seen))
    assert again.uses == look.uses
    assert not [entry for entry in local_workspace.requests() if "/serving-endpoints/" in entry.path]


def test_a_reference_to_nothing_is_broken_with_endpoint_and_field(workspace, local_workspace, used):
    scope, chat, custom = used
    post(local_workspace, "delete", scope=scope, key="key")
    broken = looked(UsesLook(workspace, list_endpoints(workspace), {})).broken
    ours = [(use.endpoint, use.field, said) for use, said in broken if use.names(scope)]
    said = f"There is no key key in secret scope {scope}."
    assert ours == [
        (chat, "external_model.openai_config.openai_api_key", said),
        (custom, "environment_vars.KEY", said),
    ]


def test_a_scope_that_one_may_not_see_is_not_called_broken(workspace, analyst, used):
    scope, chat, _ = used
    look = looked(UsesLook(analyst, list_endpoints(workspace), {}))
    assert [use for use, _ in look.broken if use.names(scope)] == []
    assert chat in [use.endpoint for use in look.unclear if use.names(scope)]


def test_what_an_earlier_look_found_broken_counts_until_the_next_one_is_done(make_reply_server):
    config = {"served_entities": [external("{{secrets/s/k}}")]}
    endpoints = [detail_from_wire(wire(config=config)).endpoint]
    missing = at(make_reply_server(whole({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": ""}, 404)))
    there = at(make_reply_server(whole({"secrets": [{"key": "k"}]})))
    first = looked(UsesLook(missing, endpoints, {}))
    second = UsesLook(there, endpoints, {}, first)
    assert [said for _, said in second.broken] == ["There is no secret scope s."]
    assert looked(second).broken == []


def wire(name: str = "e", **fields: Any) -> dict[str, Any]:
    entities = [{"name": "e", "entity_name": "m", "entity_version": "1"}]
    state = {"ready": "READY", "config_update": "NOT_UPDATING"}
    return {"name": name, "id": name, "state": state, "config": {"served_entities": entities}} | fields


def test_a_look_is_bounded_and_says_what_it_has_not_seen(make_reply_server):
    endpoints = [detail_from_wire(wire(f"e{number:03}")).endpoint for number in range(MOST_DETAILS + 7)]

    def answer(exchange: Exchange) -> None:
        name = exchange.received.path.rsplit("/", 1)[1]
        whole({"message": "no"} if name == "e003" else wire(name), 403 if name == "e003" else 200)(exchange)

    server = make_reply_server(answer)
    look = looked(UsesLook(at(server), endpoints, {}))
    assert len(server.received) == MOST_DETAILS
    assert set(look.not_looked_at) == {"e003"} | {f"e{number:03}" for number in range(MOST_DETAILS, MOST_DETAILS + 7)}
    assert "You may not see endpoint e003" in look.not_looked_at["e003"]
    assert look.not_looked_at["e050"] == "beyond the first 50"


def test_a_look_that_is_stopped_asks_no_more(make_reply_server):
    server = make_reply_server(whole({}))
    look = UsesLook(at(server), [detail_from_wire(wire("e")).endpoint], {})
    look.stop()
    looked(look)
    assert server.received == []
    assert look.not_looked_at == {"e": "not yet looked at"}


def test_a_pending_config_counts(make_reply_server):
    pending = {"served_entities": [external("{{secrets/s/k}}")]}
    detail = detail_from_wire(wire("e", pending_config=pending))
    assert [str(use.reference) for use in uses_of(detail)] == ["{{secrets/s/k}}"]


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, True),
        ({"config": {"served_entities": [external("{{secrets/s/k}}")]}}, False),
        ({"config": {"served_entities": [external("x")]}, "state": {"config_update": "IN_PROGRESS"}}, True),
        ({"config": None}, True),
        ({"name": "databricks-llama"}, False),
    ],
)
def test_only_endpoints_whose_list_entry_may_hide_a_reference_are_looked_into(fields, needs):
    assert needs_detail(detail_from_wire(wire(**fields)).endpoint) is needs


def test_what_names_a_scope_disregards_case():
    use = SecretUse("e", "m", "f", SecretReference("Scope", "Key"))
    assert use.names("scope")
    assert use.names("SCOPE", "key")
    assert not use.names("scope", "other")
    assert not use.names("scop")
