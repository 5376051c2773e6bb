"""Endpoints are made and changed in a real workspace as the draft says, and nothing leaves that is known to be wrong."""

import contextlib

import pytest

from services.doors import typed
from services.endpoint_setup import (
    ROUTES,
    create_endpoint,
    draft_of,
    even_split,
    existing,
    missing_references,
    new_body,
    new_custom_entity,
    new_foundation_entity,
    problems,
    references,
    shares_of,
    untold_keys,
    update_config,
    value_at,
    with_entity,
    with_shares,
    with_value,
)
from services.endpoints import get_endpoint_detail
from services.endpoints.reading import detail_from_wire
from services.errors import AlreadyExists, BadInput, Conflict, NotFound, PermissionDenied, Rejected, UnexpectedReply
from services.secret_scopes import SecretReference
from tests.local_workspace.serving_calls import settled
from tests.services.chats import at
from tests.services.replies import whole
from tests.services.setup_bodies import CASES, REFERENCE, SCOPE, case_name, external_body, openai_body

CANARY = "canary-5a4b3c2d1e0f9a8b"
CHAT_MODEL = "local.models.smollm2-135m-instruct"


@pytest.fixture
def name(request):
    """A name that no other test has."""
    return "t-" + "".join(one if one.isalnum() else "-" for one in request.node.name)[-58:].strip("-")


@pytest.mark.parametrize(("provider", "variant", "task"), CASES, ids=case_name)
def test_every_payload_is_accepted_and_comes_back_as_the_same_draft(machine, admin, provider, variant, task):
    number = [*CASES].index((provider, variant, task))
    body = external_body(f"payload-{number}", provider, variant, task)
    detail = create_endpoint(admin, body)
    sent = machine.last_request("/api/2.0/serving-endpoints")
    assert (sent.method, sent.path, sent.json) == ("POST", "/api/2.0/serving-endpoints", body)
    assert detail.endpoint.task == task
    draft = draft_of(detail)
    entity = draft["config"]["served_entities"][0]
    assert entity.pop("name")
    assert draft["config"]["served_entities"] == body["config"]["served_entities"]
    assert problems(draft) == []


def test_provisioned_model_units_have_a_path_of_their_own(machine, admin, name):
    body = new_body(new_foundation_entity(CHAT_MODEL, "1", 50), name)
    created = create_endpoint(admin, body)
    assert machine.last_request("/api/2.0/serving-endpoints").path == "/api/2.0/serving-endpoints/pt"
    settled(machine, name)
    config = with_value(draft_of(created), ("config", "served_entities", 0, "provisioned_model_units"), 100)["config"]
    config.pop("traffic_config")
    update_config(admin, name, config)
    sent = machine.last_request(f"/pt/{name}/config")
    assert (sent.method, sent.json) == ("PUT", {"config": config})
    settled(machine, name)
    served = draft_of(get_endpoint_detail(admin, name))["config"]["served_entities"]
    assert served[0]["provisioned_model_units"] == 100


def test_a_registered_model_is_created_with_its_settings(machine, admin, name):
    entity = new_custom_entity("local.models.prompt-model", "1") | {"environment_vars": {"A_KEY": REFERENCE}}
    body = new_body(entity | {"workload_type": "CPU"}, name)
    draft = draft_of(create_endpoint(admin, body))
    served = draft["config"]["served_entities"][0]
    assert served.pop("name") == "prompt-model-1"
    assert served == body["config"]["served_entities"][0]
    admin.change("DELETE", f"/api/2.0/serving-endpoints/{name}", None, name=name)


def test_a_draft_has_everything_that_makes_the_endpoint_again(machine, admin, name):
    body = with_shares(with_entity(openai_body(name), openai_body()["config"]["served_entities"][0]), [90, 10])
    body |= {
        "tags": [{"key": "team", "value": "bricks"}, {"key": "bare"}],
        "description": "벽돌 chat",
        "ai_gateway": {"rate_limits": [{"calls": 5, "key": "user", "renewal_period": "minute"}]},
    }
    draft = draft_of(create_endpoint(admin, body))
    assert shares_of(draft) == [90, 10]
    assert draft["description"] == "벽돌 chat"
    assert draft["ai_gateway"] == body["ai_gateway"]
    assert [one["key"] for one in draft["tags"]] == ["team", "bare"]
    again = draft | {"name": f"{name[:50]}-again"}
    assert problems(again) == []
    second = draft_of(create_endpoint(admin, again))
    assert second | {"name": name} == draft


def test_a_config_is_changed_and_nothing_else(machine, admin, name):
    created = create_endpoint(admin, openai_body(name))
    settled(machine, name)
    draft = draft_of(get_endpoint_detail(admin, name))
    changed = even_split(with_entity(draft, openai_body()["config"]["served_entities"][0]))
    detail = update_config(admin, name, changed["config"])
    sent = machine.last_request(f"/{name}/config")
    assert (sent.method, sent.json) == ("PUT", changed["config"])
    assert detail.endpoint.id == created.endpoint.id
    settled(machine, name)
    assert shares_of(draft_of(get_endpoint_detail(admin, name))) == [50, 50]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (openai_body("no good"), "name: The name has a space"),
        (with_value(openai_body(), ROUTES, [{"served_entity_name": "gpt-4o-mini", "traffic_percentage": 110}]), "0 to 100"),
        (openai_body("x", openai_api_key="{secrets/a/b}"), "one brace"),
        (openai_body("x", openai_api_key_plaintext=CANARY), "exclude each other|no key in the clear"),
        (openai_body("x") | {"tag": []}, "“tag” is not known"),
        (openai_body("x", openai_api_key=f"sk-{CANARY}"), "not a secret reference"),
    ],
    ids=["name", "traffic", "reference", "plaintext", "unknown field", "key"],
)  # fmt: skip
def test_what_is_known_to_be_wrong_is_not_sent(machine, admin, body, says):
    last = machine.requests()[-1].id
    with pytest.raises(BadInput, match=says) as caught:
        create_endpoint(admin, body)
    assert "Nothing was sent." in caught.value.hint
    assert CANARY not in caught.value.message + caught.value.hint
    with pytest.raises(BadInput):
        update_config(admin, "fine", {"served_entities": []})
    assert machine.requests(since=last) == []


def test_a_caution_does_not_keep_a_body_back(machine, admin, name):
    detail = create_endpoint(admin, openai_body(name) | {"quantum_mode": True})
    assert detail.endpoint.name == name
    assert machine.last_request("/api/2.0/serving-endpoints").json["quantum_mode"] is True


def test_creating_what_is_there_says_so(admin, name):
    create_endpoint(admin, openai_body(name))
    with pytest.raises(AlreadyExists, match=name):
        create_endpoint(admin, openai_body(name))


def test_what_the_workspace_refuses_is_a_sentence(admin, name):
    with pytest.raises(Rejected, match="no-such-key") as caught:
        create_endpoint(admin, openai_body(name, openai_api_key=f"{{{{secrets/{SCOPE}/no-such-key}}}}"))
    assert "Nothing was changed" in caught.value.hint
    assert existing(admin, name) is None


def test_an_update_while_another_is_under_way_is_a_conflict(make_local_workspace):
    slow = make_local_workspace("--deployment-seconds", "30")
    with contextlib.closing(typed(slow.host, slow.users["admin"])) as admin:
        body = new_body(new_foundation_entity(CHAT_MODEL, "1"), "busy")
        create_endpoint(admin, body)
        with pytest.raises(Conflict, match="busy"):
            update_config(admin, "busy", body["config"])


def test_updating_what_is_not_there_says_so(admin):
    with pytest.raises(NotFound):
        update_config(admin, "never-was", openai_body()["config"])


def test_an_analyst_is_told_what_they_may_not(machine, admin, name):
    create_endpoint(admin, openai_body(name))
    settled(machine, name)
    with contextlib.closing(typed(machine.host, machine.users["analyst"])) as analyst:
        with pytest.raises(PermissionDenied):
            update_config(analyst, name, openai_body()["config"])
        [problem] = missing_references(analyst, openai_body())
        assert SCOPE in problem.sentence
        assert not problem.blocks  # the workspace looks itself, and may see more
        with pytest.raises(PermissionDenied):
            existing(analyst, name)


def test_references_are_looked_up_before_anything_is_sent(machine, admin):
    broken = openai_body(openai_api_key=f"{{{{secrets/{SCOPE}/gone}}}}")
    assert missing_references(admin, openai_body()) == []
    [problem] = missing_references(admin, broken)
    assert problem.path[-1] == "openai_api_key"
    assert "gone" in problem.sentence
    assert references(broken) == [(problem.path, SecretReference(SCOPE, "gone"))]
    nowhere = with_value(broken, ("config", "served_entities", 0, "environment_vars"), {"A": "{{secrets/no-scope/a}}"})
    assert [one.path[-1] for one in missing_references(admin, nowhere)] == ["A", "openai_api_key"]
    last = machine.requests()[-1].id
    missing_references(admin, nowhere)
    assert len(machine.requests(since=last)) == 2


def test_an_endpoint_that_is_there_is_found_and_another_is_none(admin):
    assert existing(admin, "local-minilm-l6-v2").endpoint.name == "local-minilm-l6-v2"
    assert existing(admin, "never-was") is None


def test_a_key_that_the_platform_does_not_tell_is_named(machine, admin, name):
    block = {
        "provider": "openai",
        "name": "m",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key_plaintext": CANARY},
    }
    wire = {"name": name, "config": {"served_entities": [{"name": "m", "external_model": block}]}}
    admin.change("POST", "/api/2.0/serving-endpoints", wire, name=name)
    detail = get_endpoint_detail(admin, name)
    [path] = untold_keys(detail)
    assert path == ("config", "served_entities", 0, "external_model", "openai_config", "openai_api_key")
    assert value_at(draft_of(detail), path) == ""
    assert path in {one.path for one in problems(draft_of(detail), updating=True)}
    assert untold_keys(get_endpoint_detail(admin, "local-prompt-model")) == ()


def test_an_answer_that_is_no_endpoint_says_that_the_change_may_have_been_made(make_reply_server):
    server = make_reply_server(whole({"ok": True}))
    with pytest.raises(UnexpectedReply) as caught:
        create_endpoint(at(server), openai_body())
    assert "may have been made" in caught.value.hint
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "config",
    [
        {"served_entities": ["x", 5, None, {"external_model": "x"}]},
        {"served_entities": [], "traffic_config": {"routes": ["served_entity_name", 5]}},
        {"served_entities": {"a": 1}, "traffic_config": [1]},
    ],
)
def test_an_endpoint_told_in_an_odd_form_makes_a_draft_all_the_same(config):
    detail = detail_from_wire({"name": "e", "config": config})
    assert draft_of(detail)["name"] == "e"
    assert untold_keys(detail) == ()
