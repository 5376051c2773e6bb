"""Changes of an endpoint: what is checked before, what is sent, and what the workspace says to it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.doors import typed
from services.endpoint_setup import hidden_keys, traffic_change
from services.endpoints import (
    Grant,
    ai_gateway_change,
    ai_gateway_of,
    delete_change,
    get_endpoint,
    get_endpoint_detail,
    grant_change,
    list_grants,
    rate_limits_change,
    rate_limits_of,
    revoke_change,
    send_change,
    start_change,
    stop_change,
    tags_change,
    tags_of,
    why_not_changeable,
    why_not_servable,
)
from services.endpoints.reading import detail_from_wire
from services.errors import BadInput, Conflict, NotFound, PermissionDenied, PlaygroundError, Rejected
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import CHAT_MODEL, created, entity, new_name, settled, split
from tests.services.chats import at
from tests.services.replies import whole

REFERENCE = "{{secrets/s/k}}"


@pytest.fixture(scope="module")
def pair(local_workspace):
    """An endpoint of two served entities, 90 to 10."""
    two = [entity("champion"), entity("challenger")]
    name = created(local_workspace, *two, traffic_config=split(champion=90, challenger=10))
    yield name
    call(local_workspace, "DELETE", f"/api/2.0/serving-endpoints/{name}")


def described(*entities, level="CAN_MANAGE", **fields):
    """An endpoint as a workspace might describe it."""
    config = {"served_entities": list(entities), "traffic_config": split(**{one["name"]: 50 for one in entities})}
    return detail_from_wire({"name": "e", "permission_level": level, "creator": "ann", "config": config} | fields)


BLOCKS = {"openai": "openai_config", "amazon-bedrock": "amazon_bedrock_config", "custom": "custom_provider_config"}


def external(name="a", provider="openai", **block):
    model = {"provider": provider, "name": "m", "task": "llm/v1/chat", BLOCKS[provider]: block}
    return {"name": name, "external_model": model}


# --- tags


def test_tags_are_added_changed_and_taken_away(workspace, pair):
    send_change(workspace, tags_change(pair, {" team ": "bricks", "tier": ""}))
    assert tags_of(get_endpoint_detail(workspace, pair)) == {"team": "bricks", "tier": ""}
    send_change(workspace, tags_change(pair, {"team": "벽돌"}, ["tier"]))
    assert tags_of(get_endpoint_detail(workspace, pair)) == {"team": "벽돌"}


@pytest.mark.parametrize("tags", [{"": "x"}, {"  ": "x"}, {"k" * 128: ""}, {"k": "v" * 256}])
def test_a_tag_that_no_workspace_takes_is_refused_before_any_call(tags):
    with pytest.raises(BadInput) as caught:
        tags_change("e", tags)
    assert caught.value.hint


# --- limits and gateway


def test_older_rate_limits_are_replaced_and_taken_away(workspace, pair):
    limits = [{"key": "user", "calls": 7, "renewal_period": "minute"}]
    send_change(workspace, rate_limits_change(pair, limits))
    assert rate_limits_of(get_endpoint_detail(workspace, pair)) == limits
    send_change(workspace, rate_limits_change(pair, []))
    assert rate_limits_of(get_endpoint_detail(workspace, pair)) == []


def test_the_gateway_is_replaced_whole_and_leaves_with_unknown_blocks(make_reply_server, workspace, pair):
    settings = {"usage_tracking_config": {"enabled": True}, "guardrails": {"input": {"invalid_keywords": ["x"]}}}
    send_change(workspace, ai_gateway_change(pair, settings))
    assert ai_gateway_of(get_endpoint_detail(workspace, pair)) == settings
    send_change(workspace, ai_gateway_change(pair, {}))
    assert ai_gateway_of(get_endpoint_detail(workspace, pair)) == {}
    server = make_reply_server(whole({}))
    send_change(at(server), ai_gateway_change("e", {"of_next_year": {"deep": [1, None]}}))
    assert server.received[0].json == {"of_next_year": {"deep": [1, None]}}


def test_a_guardrail_the_workspace_does_not_have_is_its_own_sentence(workspace, pair):
    with pytest.raises(Rejected, match=r"guardrails\.input\.safety"):
        send_change(workspace, ai_gateway_change(pair, {"guardrails": {"input": {"safety": True}}}))


# --- traffic


def test_traffic_shifts_and_what_is_served_stays(local_workspace, workspace, pair):
    before = get_endpoint_detail(workspace, pair)
    send_change(workspace, traffic_change(before, {"champion": 25, "challenger": 75}))
    settled(local_workspace, pair)
    after = get_endpoint_detail(workspace, pair)
    assert {route.entity: route.percentage for route in after.config.routes} == {"champion": 25, "challenger": 75}
    assert [one.entity for one in after.config.entities] == [one.entity for one in before.config.entities]
    sent = local_workspace.last_request(f"{pair}/config").json
    fields = {"name": "champion", "entity_name": CHAT_MODEL, "entity_version": "1"}
    assert sent["served_entities"][0] == fields, "only what the API takes as input"
    assert sent["traffic_config"]["routes"][0] == {"served_entity_name": "champion", "traffic_percentage": 25}


def test_a_second_shift_while_the_first_is_under_way_is_told_as_busy(make_local_workspace):
    slow = make_local_workspace("--deployment-seconds", "30")
    name = new_name()
    body = {"name": name, "config": {"served_entities": [entity()]}}
    assert call(slow, "POST", "/api/2.0/serving-endpoints", body).ok
    change = traffic_change(described(entity("one"), name=name), {"one": 100})
    with contextlib.closing(typed(slow.host, slow.token)) as workspace:
        with pytest.raises(Conflict) as caught:
            send_change(workspace, change)
        assert "Wait until its update is over" in caught.value.hint
        assert why_not_servable(get_endpoint(workspace, name)).startswith("An update is under way")


@pytest.mark.parametrize("shares", [{"a": 60, "b": 50}, {"a": 0, "b": 0}, {"a": 120, "b": -20}, {"a": 50, "x": 50}, {}])
def test_shares_that_do_not_make_100_or_name_others_are_refused(shares):
    detail = described(entity("a"), entity("b"))
    with pytest.raises(BadInput) as caught:
        traffic_change(detail, shares)
    assert caught.value.hint


def test_an_external_models_reference_is_carried_over_and_a_plain_key_stops_the_shift():
    known = external("a", openai_api_key=REFERENCE)
    change = traffic_change(described(known, external("b", openai_api_key=REFERENCE)), {"a": 90, "b": 10})
    assert change.body["served_entities"][0] == known
    with pytest.raises(BadInput, match="key of b is not a secret reference"):
        traffic_change(described(known, external("b")), {"a": 90, "b": 10})


@pytest.mark.parametrize(
    ("one", "hidden"),
    [
        (external(openai_api_key=REFERENCE), False),
        (external(), True),
        (external(openai_api_base="https://x"), True),
        (external(provider="amazon-bedrock", aws_access_key_id=REFERENCE), True),
        (external(provider="amazon-bedrock", aws_access_key_id=REFERENCE, aws_secret_access_key=REFERENCE), False),
        (external(provider="amazon-bedrock", instance_profile_arn="arn"), False),
        (external(provider="amazon-bedrock", uc_service_credential_name="c"), False),
        (external(provider="custom", bearer_token_auth={"token": REFERENCE}), False),
        (entity(), False),
    ],
)
def test_a_key_given_as_plain_text_is_known_by_its_absence(one, hidden):
    assert bool(hidden_keys(described(one))) is hidden


def test_provisioned_throughput_goes_its_own_way():
    units = {"name": "a", "entity_name": "system.ai.x", "entity_version": "1", "provisioned_model_units": 50}
    change = traffic_change(described(units), {"a": 100})
    assert change.path == "/api/2.0/serving-endpoints/pt/e/config"
    assert change.body["config"]["served_entities"] == [units]


def test_a_custom_models_settings_and_payload_table_are_carried_over():
    one = {"name": "a", "model_name": "m", "model_version": "2", "workload_size": "Small", "max_provisioned_concurrency": 8,
           "environment_vars": {"K": REFERENCE}, "state": {"deployment": "DEPLOYMENT_READY"}, "creator": "ann"}  # fmt: skip
    config = {
        "served_models": [one],
        "auto_capture_config": {"enabled": True, "catalog_name": "c", "state": {"x": 1}},
    }
    change = traffic_change(detail_from_wire({"name": "e", "config": config}), {"a": 100})
    kept = {"environment_vars": {"K": REFERENCE}, "max_provisioned_concurrency": 8}
    assert change.body["served_entities"] == [{"name": "a", "entity_name": "m", "entity_version": "2"} | kept]
    assert change.body["auto_capture_config"] == {"enabled": True, "catalog_name": "c"}


# --- permissions


def test_a_permission_is_granted_and_revoked_and_others_stay(workspace, analyst, pair):
    endpoint = get_endpoint(workspace, pair)
    mine = Grant("user_name", "admin@local", "CAN_MANAGE", display_name="Local admin")
    theirs = Grant("user_name", "analyst@local", "CAN_QUERY", display_name="Local analyst")
    inherited = Grant("group_name", "admins", "CAN_MANAGE", inherited=True)
    assert list_grants(workspace, endpoint.id, pair) == [mine, inherited]
    with pytest.raises(PermissionDenied):
        get_endpoint(analyst, pair)
    send_change(workspace, grant_change(endpoint.id, pair, Grant("user_name", " analyst@local ", "CAN_QUERY")))
    assert set(list_grants(workspace, endpoint.id, pair)) == {mine, theirs, inherited}
    assert get_endpoint(analyst, pair).permission_level == "CAN_QUERY"
    now = list_grants(workspace, endpoint.id, pair)
    send_change(workspace, revoke_change(endpoint.id, pair, now, theirs))
    assert list_grants(workspace, endpoint.id, pair) == [mine, inherited]


def test_nothing_is_revoked_where_permissions_of_an_unknown_kind_would_go_with_it(make_reply_server):
    held = [{"permission_level": "CAN_QUERY"}]
    entries = [{"user_name": "a@b.c", "all_permissions": held}, {"robot_name": "r2", "all_permissions": held}]
    grants = list_grants(at(make_reply_server(whole({"access_control_list": entries}))), "id", "e")
    with pytest.raises(BadInput, match="of a kind that Brickyard does not know"):
        revoke_change("id", "e", grants, grants[0])


def test_granting_to_nobody_is_refused_here_and_to_a_stranger_by_the_workspace(workspace, pair):
    endpoint = get_endpoint(workspace, pair)
    with pytest.raises(BadInput):
        grant_change(endpoint.id, pair, Grant("user_name", " ", "CAN_VIEW"))
    with pytest.raises(PlaygroundError, match="stranger"):
        send_change(workspace, grant_change(endpoint.id, pair, Grant("group_name", "stranger", "CAN_VIEW")))


def test_an_analyst_is_refused_by_the_api_whatever_they_change(workspace, analyst, pair):
    endpoint = get_endpoint(workspace, pair)
    send_change(workspace, grant_change(endpoint.id, pair, Grant("user_name", "analyst@local", "CAN_QUERY")))
    seen = get_endpoint_detail(analyst, pair)
    assert why_not_changeable(seen.endpoint).startswith(
        "You have CAN_QUERY here; changes need CAN_MANAGE. Ask admin@local"
    )
    changes = [
        tags_change(pair, {"a": "b"}),
        rate_limits_change(pair, []),
        ai_gateway_change(pair, {}),
        traffic_change(seen, {"champion": 50, "challenger": 50}),
        grant_change(endpoint.id, pair, Grant("user_name", "analyst@local", "CAN_MANAGE")),
        revoke_change(endpoint.id, pair, [], Grant("user_name", "admin@local", "CAN_MANAGE")),
        stop_change(pair),
        start_change(pair),
        delete_change(pair),
    ]
    for change in changes:
        with pytest.raises(PermissionDenied, match="You may not change") as caught:
            send_change(analyst, change)
        assert "Nothing was changed" in caught.value.hint
    send_change(
        workspace,
        revoke_change(
            endpoint.id, pair, list_grants(workspace, endpoint.id, pair), Grant("user_name", "analyst@local", "")
        ),
    )


# --- stop, start, delete


def test_a_custom_model_is_stopped_and_started_again(local_workspace, workspace):
    name = created(local_workspace, entity("one", entity_name="local.models.prompt-model"))
    send_change(workspace, stop_change(name))
    assert not get_endpoint(workspace, name).ready
    send_change(workspace, start_change(name))
    assert settled(local_workspace, name)["state"]["ready"] == "READY"
    send_change(workspace, delete_change(name))
    with pytest.raises(NotFound):
        get_endpoint(workspace, name)


def test_what_is_gone_is_told_so_when_it_is_changed(workspace):
    with pytest.raises(NotFound, match="no-such-endpoint"):
        send_change(workspace, tags_change("no-such-endpoint", {"a": "b"}))


def test_a_change_is_sent_once_also_when_the_workspace_is_busy(make_reply_server):
    server = make_reply_server(whole({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}, 503))
    with pytest.raises(PlaygroundError):
        send_change(at(server), delete_change("e"))
    assert len(server.received) == 1


@pytest.mark.parametrize("name", ["../secrets", "a/b?c", "벽"])
def test_a_name_cannot_lead_a_change_to_another_path(name):
    for change in (
        delete_change(name),
        stop_change(name),
        tags_change(name, {"a": ""}),
        grant_change(name, name, Grant("user_name", "x", "CAN_VIEW")),
    ):
        assert change.path.startswith(("/api/2.0/serving-endpoints/", "/api/2.0/permissions/serving-endpoints/"))
        assert "?" not in change.path
        assert ".." not in change.path.split("/")


def test_reasons_are_known_from_levels_names_and_states():
    assert why_not_servable(described(entity("a")).endpoint) == ""
    assert why_not_changeable(described(entity("a"), level="CAN_VIEW", creator="").endpoint).endswith(
        "need CAN_MANAGE."
    )
    assert "Databricks' own" in why_not_servable(described(entity("a"), name="databricks-x").endpoint)
    assert why_not_changeable(described(entity("a"), level="").endpoint) == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["tags", "key", "value", "rate_limits", "config", "served_entities", "external_model", "traffic_config", "name"]
    ), inner, max_size=4),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["name", "tags", "rate_limits", "ai_gateway", "config", "state"]), anything))
def test_no_json_object_breaks_what_is_read_from_it(wire):
    detail = detail_from_wire(wire)
    assert all(isinstance(text, str) for pair in tags_of(detail).items() for text in pair)
    assert isinstance(rate_limits_of(detail), list)
    assert isinstance(ai_gateway_of(detail), dict)
    assert isinstance(why_not_servable(detail.endpoint), str)
    assert isinstance(hidden_keys(detail), list)
