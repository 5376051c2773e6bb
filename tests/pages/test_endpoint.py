"""One endpoint's page: what is shown, what a click sends, what is said about it, and what one may not do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from services.call import Call
from services.endpoints.reading import detail_from_wire
from tests.browser.scripted_workspace import ScriptedWorkspace
from tests.local_workspace.calls import call
from tests.local_workspace.custom_model_calls import model
from tests.local_workspace.secrets_calls import post
from tests.local_workspace.serving_calls import ROOT, created, entity, settled, shown, split
from tests.local_workspaces import ROOT as ROOT_FOLDER
from tests.local_workspaces import LocalWorkspace, LoggedRequest, eventually
from tests.pages.conftest import OpenPage
from tests.services.replies import reply_server
from ui.endpoints.gateway_draft import GatewayDraft
from ui.tallies import Tallies


@pytest.fixture(scope="module")
def pair(local_workspace: LocalWorkspace):
    """An endpoint of two served entities, 90 to 10, that the analyst may call."""
    two = [entity("champion"), entity("challenger")]
    name = created(local_workspace, *two, traffic_config=split(champion=90, challenger=10), description="A *pair*")
    grant = {"access_control_list": [{"user_name": "analyst@local", "permission_level": "CAN_QUERY"}]}
    path = f"/api/2.0/permissions/serving-endpoints/{shown(local_workspace, name)['id']}"
    assert call(local_workspace, "PATCH", path, grant).ok
    yield name
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def changes(workspace: LocalWorkspace) -> list[LoggedRequest]:
    """What was asked of the workspace that is not a question."""
    return [entry for entry in workspace.requests() if entry.method != "GET"]


def pressed(page: AppTest, key: str) -> AppTest:
    """The page after a click on the button whose key begins so: its ending counts the changes."""
    [button] = [one for one in page.button if one.key == key or one.key.rpartition("-")[0] == key]
    button.click().run()
    assert not page.exception
    return page


def field(elements, part: str):
    """The field whose key has this in it."""
    [found] = [one for one in elements if part in str(one.key)]
    return found


def texts(page: AppTest) -> str:
    return "\n".join(
        one.value
        for kind in (page.header, page.markdown, page.caption, page.info, page.success, page.error)
        for one in kind
    )


def disabled(page: AppTest) -> set[str]:
    return {one.key.rstrip("0123456789").rstrip("-") for one in page.button if one.disabled}


# --- what is shown


def test_the_head_says_what_it_is_and_how_it_is_doing(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair)
    assert page.title[0].value == pair
    said = texts(page)
    assert ":green-badge[:material/check: Ready]" in said
    assert "A \\*pair\\*" in said
    assert "created by `admin@local`" in said
    assert "you have CAN\\_MANAGE" in said
    assert "**`champion`**" in said


def test_only_the_open_part_asks_the_workspace(open_page: OpenPage, local_workspace, pair):
    open_page("endpoint", endpoint=pair)
    assert [one.path for one in local_workspace.requests() if pair in one.path] == [f"{ROOT}/{pair}"]
    open_page("endpoint", endpoint=pair, tab="Events and logs")
    asked = {one.path.rpartition("/")[2] for one in local_workspace.requests() if pair in one.path}
    assert asked == {pair, "events", "logs"}


def test_an_address_without_an_endpoint_says_where_to_choose_one(open_page: OpenPage):
    page = open_page("endpoint")
    assert "names no endpoint" in page.info[0].value


@pytest.mark.parametrize("name", ["no-such-endpoint", "../secrets", "**x**"])
def test_an_endpoint_that_is_not_there_is_told_with_a_next_step(open_page: OpenPage, name):
    page = open_page("endpoint", endpoint=name)
    assert "**Next:**" in page.error[0].value
    assert not page.tabs


def test_an_endpoint_that_is_deleted_while_it_is_shown_is_told_at_the_next_step(open_page: OpenPage, local_workspace):
    name = created(local_workspace)
    page = open_page("endpoint", endpoint=name, tab="Tags")
    call(local_workspace, "DELETE", f"{ROOT}/{name}")
    field(page.text_input, "tag.key").set_value("a").run()
    pressed(page, "endpoint-tag-save")
    assert name in page.error[0].value
    page.run()
    assert f"does not know endpoint {name}" in page.error[0].value


def test_events_logs_and_metrics_are_there(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair, tab="Events and logs")
    assert "Created by admin@local." in texts(page)
    metrics = open_page("endpoint", endpoint=pair, tab="Metrics")
    assert "`request_count_total`" in texts(metrics)
    assert "_bucket" not in texts(metrics)
    metrics.text_input(key="endpoint.metrics").set_value("4xx").run()
    assert "`request_count_total`" not in texts(metrics)
    assert "`request_4xx_count_total`" in texts(metrics)


def test_a_pending_config_stands_beside_the_present_one_with_what_differs(
    open_page: OpenPage, make_local_workspace, monkeypatch, tmp_path
):
    state = ("--state", str(tmp_path / "state"))
    quick = make_local_workspace(*state, "--deployment-seconds", "0")
    name = created(quick, entity("one"))
    quick.stop()
    slow = make_local_workspace(*state, "--deployment-seconds", "8")  # on a busy machine a page takes seconds to open
    two = {"served_entities": [entity("one"), entity("two")], "traffic_config": split(one=50, two=50)}
    monkeypatch.setenv("DATABRICKS_HOST", slow.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", slow.token)
    assert call(slow, "PUT", f"{ROOT}/{name}/config", two).ok
    page = open_page("endpoint", endpoint=name)
    said = texts(page)
    assert [one.value for one in page.header][-2:] == ["Serves now, version 1", "Is being deployed"]
    assert "`traffic_config.routes.one.traffic_percentage`: `100` → `50`" in said
    assert f"On its way: `{name}`" in said
    assert page.button(key="endpoint-change").disabled
    assert "the next one can begin when it is over" in said
    eventually(lambda: f"{name} is ready to be called" in texts(page.run()).replace("`", ""))
    settled(slow, name)


def test_an_update_that_is_not_to_be_watched_is_watched_again_only_after_close(
    open_page: OpenPage, make_local_workspace, monkeypatch
):
    slow = make_local_workspace("--deployment-seconds", "30")
    call(slow, "POST", ROOT, {"name": "slow", "config": {"served_entities": [entity("one")]}})
    monkeypatch.setenv("DATABRICKS_HOST", slow.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", slow.token)
    page = open_page("endpoint", endpoint="slow").button(key="deployment-leave").click().run()
    assert "No longer watched: `slow`" in texts(page.run())
    page.button(key="deployment-close").click().run()
    assert "On its way: `slow`" in texts(page)
    page.button(key="deployment-leave").click().run()


def test_a_log_of_any_length_is_drawn_in_part_and_downloaded_whole(open_page: OpenPage, monkeypatch):
    entities = {"served_entities": [{"name": "one", "entity_name": "m", "entity_version": "1"}]}
    log, metrics = "begin" + "x" * 500_000 + "end", "\n".join(f"metric_{number} 1" for number in range(20_000))
    words = {"name": "e", "id": "1", "userName": "me", "state": {"ready": "READY"}, "config": entities, "logs": log}

    def answer(exchange) -> None:
        asks_metrics = exchange.received.path.endswith("/metrics")
        body = metrics.encode() if asks_metrics else json.dumps(words).encode()
        exchange.head(content_type="application/json", content_length=str(len(body)))
        exchange.send(body)

    with reply_server(answer) as server:
        monkeypatch.setenv("DATABRICKS_HOST", server.host)
        monkeypatch.setenv("DATABRICKS_TOKEN", "t")
        page = open_page("endpoint", endpoint="e", tab="Events and logs")
        [drawn] = [one.value for one in page.code if one.value.endswith("xend")]
        assert len(drawn) < 100_000
        assert "of 500,008 characters" in texts(page)
        page = open_page("endpoint", endpoint="e", tab="Metrics")
        assert 0 < max(len(one.value) for one in page.code) < 100_000


# --- changes


def test_a_tag_is_set_and_said_and_a_second_click_sends_nothing(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Tags")
    field(page.text_input, "tag.key").set_value("team").run()
    field(page.text_input, "tag.value").set_value("벽돌 `x`").run()
    [button] = [one for one in page.button if one.key.startswith("endpoint-tag-save")]
    button.click()
    page.run()
    assert page.success[0].value == "Set the tag `team`."
    button.click()
    page.run()
    assert [one.json for one in changes(local_workspace)] == [{"add_tags": [{"key": "team", "value": "벽돌 `x`"}]}]
    assert field(page.text_input, "tag.key").value == ""
    pressed(page, "endpoint-tag-remove-0")
    assert changes(local_workspace)[-1].json == {"delete_tags": ["team"]}
    assert page.success[0].value == "Removed the tag `team`."
    page.run()
    assert not page.success


def test_what_cannot_be_sent_is_refused_at_the_field_and_stays_typed(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Tags")
    field(page.text_input, "tag.value").set_value("kept").run()
    pressed(page, "endpoint-tag-save")
    assert "A tag needs a key" in page.error[0].value
    assert field(page.text_input, "tag.value").value == "kept"
    assert changes(local_workspace) == []


def test_a_refusal_is_told_where_it_happened_and_nothing_typed_is_lost(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Tags")
    field(page.text_input, "tag.key").set_value("team").run()
    local_workspace.queue_fault("return-409", f"{ROOT}/{pair}/tags")
    pressed(page, "endpoint-tag-save")
    assert "is busy" in page.error[0].value
    assert field(page.text_input, "tag.key").value == "team"
    assert len(changes(local_workspace)) == 1
    field(page.text_input, "tag.key").set_value("other").run()
    assert len(changes(local_workspace)) == 1
    assert (
        "is busy" in page.error[0].value
    )  # what comes and goes above a button or below it moves it from under a click
    pressed(page, "endpoint-tag-save")
    assert len(changes(local_workspace)) == 2
    assert not page.error
    pressed(page, "endpoint-tag-remove-0")


def test_traffic_is_shifted_by_a_preset(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Traffic")
    assert "endpoint-traffic-save" in disabled(page)
    page.button(key="endpoint-preset-50").click().run()
    pressed(page, "endpoint-traffic-save")
    [sent] = changes(local_workspace)
    assert [one["traffic_percentage"] for one in sent.json["traffic_config"]["routes"]] == [50, 50]
    assert page.success[0].value == "The shift was begun: 50 % to `champion`, 50 % to `challenger`."
    settled(local_workspace, pair)


def test_shares_that_are_not_100_cannot_be_sent_and_say_so(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair, tab="Traffic")
    field(page.number_input, "champion").set_value(95).run()
    field(page.number_input, "challenger").set_value(15).run()
    assert "In sum 110 %: 10 % too much" in texts(page)
    assert "endpoint-traffic-save" in disabled(page)


def test_a_plain_key_stops_a_shift_with_the_reason(open_page: OpenPage, local_workspace):
    block = {"openai_api_key_plaintext": "sk-canary", "openai_api_base": "http://127.0.0.1:9/v1"}
    model = {"provider": "openai", "name": "m", "task": "llm/v1/chat", "openai_config": block}
    two = [{"name": name, "external_model": model} for name in ("a", "b")]
    name = created(local_workspace, *two, traffic_config=split(a=50, b=50))
    page = open_page("endpoint", endpoint=name, tab="Traffic")
    assert "The key of a, b was given as plain text" in texts(page)
    assert {"endpoint-traffic-save", "endpoint-preset"} <= disabled(page)
    assert "sk-canary" not in str(page)
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_a_permission_is_granted_and_revoked(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Permissions")
    page.selectbox(key="endpoint.grant.field").select("group_name").run()
    field(page.text_input, "grant.name").set_value("users").run()
    page.selectbox(key="endpoint.grant.level").select("CAN_VIEW").run()
    pressed(page, "endpoint-grant-save")
    users = {"group_name": "users", "permission_level": "CAN_VIEW"}
    assert changes(local_workspace)[-1].json == {"access_control_list": [users]}
    named = [one.value for one in page.markdown if one.value.startswith(("User", "Group"))]
    place = next(place for place, text in enumerate(named) if "`users`" in text)
    pressed(page, f"endpoint-revoke-{place}")
    kept = changes(local_workspace)[-1]
    assert kept.method == "PUT"
    assert users not in kept.json["access_control_list"]
    assert {"user_name": "analyst@local", "permission_level": "CAN_QUERY"} in kept.json["access_control_list"]
    assert page.success[0].value == "Revoked `CAN_VIEW` from `users`."


def test_the_older_limits_are_set_and_taken_away(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="Rate limits")
    field(page.number_input, "limit.user").set_value(9).run()
    pressed(page, "endpoint-limits-save")
    assert changes(local_workspace)[-1].json == {
        "rate_limits": [{"key": "user", "calls": 9, "renewal_period": "minute"}]
    }
    field(page.number_input, "limit.user").set_value(None).run()
    pressed(page, "endpoint-limits-save")
    assert changes(local_workspace)[-1].json == {"rate_limits": []}


def test_the_gateways_form_and_json_say_the_same_and_are_sent_whole(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="AI gateway")
    field(page.toggle, "usage_tracking_config").set_value(True).run()
    field(page.text_area, "input.invalid_keywords").set_value("foo\n\n bar ").run()
    page.button(key="endpoint-limit-add").click().run()
    field(page.number_input, "limit.0.tokens").set_value(500).run()
    body = {
        "usage_tracking_config": {"enabled": True},
        "guardrails": {"input": {"invalid_keywords": ["foo", "bar"]}},
        "rate_limits": [{"key": "user", "calls": 60, "renewal_period": "minute", "tokens": 500}],
    }
    assert json.loads(field(page.text_area, "json").value) == body
    field(page.text_area, "json").set_value(json.dumps(body | {"fallback_config": {"enabled": True}, "later": 1})).run()
    assert field(page.toggle, "fallback_config").value is True
    assert "`later`: nothing → `1`" in texts(page)
    pressed(page, "endpoint-gateway-save")
    assert changes(local_workspace)[-1].json == body | {"fallback_config": {"enabled": True}, "later": 1}
    assert page.success[0].value == "Saved the AI gateway."
    field(page.text_area, "json").set_value("{}").run()
    pressed(page, "endpoint-gateway-save")
    assert changes(local_workspace)[-1].json == {}
    assert page.success[0].value == "Took the AI gateway away."


def test_a_gateway_that_is_no_json_is_told_and_not_sent(open_page: OpenPage, local_workspace, pair):
    page = open_page("endpoint", endpoint=pair, tab="AI gateway")
    for text, sentence in (("{", "This is no JSON"), ("[1]", "no object")):
        field(page.text_area, "json").set_value(text).run()
        assert sentence in page.error[0].value
        assert field(page.text_area, "json").value == text
        assert "endpoint-gateway-save" in disabled(page)
    assert changes(local_workspace) == []


def test_a_guardrail_that_is_not_there_is_refused_in_the_workspaces_words(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair, tab="AI gateway")
    field(page.toggle, "input.safety").set_value(True).run()
    pressed(page, "endpoint-gateway-save")
    assert "guardrails.input.safety" in page.error[0].value.replace("\\", "")
    assert field(page.toggle, "input.safety").value is True


def test_a_stop_is_sent_once_and_the_refusal_of_it_shown(open_page: OpenPage, local_workspace):
    page = open_page("endpoint", endpoint="local-prompt-model", tab="Stop and delete")
    pressed(page, "endpoint-ask-stop")
    assert changes(local_workspace) == []
    pressed(page, "endpoint-stop")
    assert [one.path for one in changes(local_workspace)] == [f"{ROOT}/local-prompt-model/config:stop"]
    assert "comes with the workspace" in page.error[0].value
    assert "comes with the workspace" in page.run().error[0].value


def test_a_secret_that_is_missing_is_told_where_the_config_is(open_page: OpenPage, local_workspace):
    keys = {"openai_api_key": "{{secrets/gone/openai}}"}
    external = {"provider": "openai", "name": "gpt", "task": "llm/v1/chat", "openai_config": keys}
    assert post(local_workspace, "scopes/create", scope="gone").ok
    assert post(local_workspace, "put", scope="gone", key="openai", string_value="x").ok
    name = created(local_workspace, {"name": "gpt", "external_model": external})
    try:
        assert not open_page("endpoint", endpoint=name).warning
        assert post(local_workspace, "scopes/delete", scope="gone").ok
        [said] = [one.value for one in open_page("endpoint", endpoint=name).warning]
        assert "There is no secret scope gone." in said.replace("\\", "")
    finally:
        call(local_workspace, "DELETE", f"{ROOT}/{name}")


@pytest.fixture
def stopped(local_workspace: LocalWorkspace) -> Iterator[str]:
    """An endpoint of a custom model that somebody has stopped."""
    name = created(local_workspace, model("local.models.prompt-model", scale_to_zero_enabled=True))
    settled(local_workspace, name)
    assert call(local_workspace, "POST", f"{ROOT}/{name}/config:stop").ok
    yield name
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_a_stopped_endpoint_says_so_and_is_started_from_the_head_of_its_page(
    open_page: OpenPage, local_workspace, stopped
):
    local_workspace.clear()
    page = open_page("endpoint", endpoint=stopped)
    assert ":gray-badge[:material/stop_circle: Stopped]" in texts(page)
    assert "Not ready" not in texts(page)
    assert "Scaled to zero" not in texts(page)
    pressed(page, "endpoint-start-now")
    assert [one.path for one in changes(local_workspace)] == [f"{ROOT}/{stopped}/config:start"]


def test_what_belongs_to_a_switch_is_off_while_the_switch_is(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair, tab="AI gateway")
    assert field(page.text_input, "catalog_name").disabled
    field(page.toggle, "inference_table_config.enabled").set_value(True).run()
    assert not field(page.text_input, "catalog_name").disabled


# --- who may not


CHANGING = {
    "Traffic": {"endpoint-traffic-save", "endpoint-preset"},
    "Permissions": {"endpoint-grant-save", "endpoint-revoke-0"},
    "Tags": {"endpoint-tag-save"},
    "AI gateway": {"endpoint-gateway-save", "endpoint-limit-add"},
    "Rate limits": {"endpoint-limits-save"},
    "Stop and delete": {"endpoint-delete"},
}


@pytest.mark.parametrize("tab", CHANGING)
def test_an_analyst_sees_why_nothing_can_be_changed(open_page: OpenPage, local_workspace, monkeypatch, pair, tab):
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    page = open_page("endpoint", endpoint=pair, tab=tab)
    assert {key.rstrip("-0123456789") for key in CHANGING[tab]} <= {key.rstrip("-0123456789") for key in disabled(page)}
    assert page.button(key="endpoint-change").disabled
    assert "You have CAN\\_QUERY here; changes need CAN\\_MANAGE. Ask admin@local" in texts(page)
    assert changes(local_workspace) == []


# --- the ways on


def test_try_it_opens_a_new_chat_with_the_endpoint(open_page: OpenPage, pair):
    page = open_page("endpoint", endpoint=pair)
    page.button(key="endpoint-try").click().run()
    assert page.title[0].value == "Chat"
    assert page.multiselect[0].value == [pair]


def test_try_it_on_what_does_not_chat_opens_a_test_call(open_page: OpenPage):
    page = open_page("endpoint", endpoint="local-minilm-l6-v2")
    page.button(key="endpoint-try").click().run()
    assert page.query_params["tab"] in ("Test call", ["Test call"])


def test_answers_given_in_a_chat_are_counted_against_the_split(open_page: OpenPage, local_workspace, pair):
    routes = split(champion=90, challenger=10)
    assert call(local_workspace, "PUT", f"{ROOT}/{pair}/config", {"traffic_config": routes}).ok
    settled(local_workspace, pair)
    page = open_page("chat", endpoint=pair)
    field(page.number_input, "max_tokens").set_value(2).run()
    for _ in range(2):
        page.chat_input[0].set_value("Hello").run()
    page.query_params["endpoint"] = pair
    page.query_params["tab"] = "Traffic"
    page.switch_page(str(ROOT_FOLDER / "pages" / "endpoint.py")).run()
    said = texts(page)
    assert "| `champion` | 90 % | 2 of 2: 100 % |" in said
    assert "too few to tell more" in said
    page.button(key="endpoint-tally-restart").click().run()
    assert "| `champion` | 90 % | 0 of 0 |" in texts(page)


# --- the page's memory


def answered(entity_name: str, at: float, status: int = 200) -> Call:
    call_ = Call()
    call_.record.begun()
    call_.record.sent_at = at
    call_.record.headers_arrive(status, {"Served-Model-Name": entity_name} if entity_name else {})
    call_.record.ends()
    return call_


def described(version: int, **fields):
    wire = {"name": "e", "id": "1", "config": {"config_version": version}, "creation_timestamp": 5_000}
    return detail_from_wire(wire | fields)


def test_a_call_counts_once_for_its_own_workspace_and_only_when_it_was_answered():
    tallies, one = Tallies(), answered("a", 10.0)
    for _ in range(2):
        tallies.note("me", "e", one)
    for other in (answered("b", 11.0, 500), Call()):
        tallies.note("me", "e", other)
    tallies.note("you", "e", answered("b", 12.0))
    tallies.note("me", "f", answered("b", 12.0))
    silent = answered("", 13.0)
    tallies.note("me", "e", silent)
    tally = tallies.of("me", described(1))
    assert (dict(tally.calls), tally.silent) == ({"a": 1}, 1)


def test_counting_begins_anew_with_a_new_endpoint_of_that_name_and_with_a_new_config():
    tallies = Tallies()
    calls = [answered("a", at) for at in (1.0, 6.0, 20.0)]
    for one in calls:
        tallies.note("me", "e", one)
    assert tallies.of("me", described(1)).calls["a"] == 2
    assert tallies.of("me", described(2, last_updated_timestamp=15_000)).calls["a"] == 1
    assert tallies.of("me", described(2, last_updated_timestamp=99_000)).calls["a"] == 1


def test_a_gateway_draft_keeps_what_no_form_knows():
    draft = GatewayDraft.of({"later": {"x": 1}, "rate_limits": [{"key": "user", "calls": 1, "odd": 2}]})
    draft.put(("usage_tracking_config", "enabled"), True)
    draft.put(("rate_limits", 0, "calls"), 5)
    assert draft.body["later"] == {"x": 1}
    assert draft.limits == [{"key": "user", "calls": 5, "odd": 2}]
    assert draft.base["rate_limits"][0]["calls"] == 1
    draft.drop_limit(0)
    assert "rate_limits" not in draft.body
    assert draft.changed


def test_a_draft_of_odd_settings_shows_no_limits_and_breaks_nothing():
    draft = GatewayDraft.of({"rate_limits": 7, "guardrails": [1]})
    assert draft.limits == []
    draft.add_limit()
    assert len(draft.limits) == 1


# --- workspaces that answer oddly, or not at all


class Odd(ScriptedWorkspace):
    """Describes an endpoint as none is."""

    wire: Any = None

    def reply_to(self, path: str) -> Any:
        """The JSON of a control call."""
        return self.wire if path.startswith((ROOT, "/api/2.0/permissions")) else super().reply_to(path)


HALF = {
    "name": "half",
    "state": {"ready": "READY", "config_update": "IN_PROGRESS"},
    "config": {
        "served_entities": [{}, {"name": "a"}, {"name": "a"}],
        "traffic_config": {
            "routes": [7, {"traffic_percentage": 3}, {"served_model_name": "a", "traffic_percentage": 300}]
        },
    },
    "pending_config": {"served_entities": [{"name": "|`x`"}], "start_time": 10**30, "config_version": "x"},
    "tags": [7, {"key": 5}, {"key": "k|`"}],
    "rate_limits": [{"calls": "many"}, {"calls": -1, "key": "endpoint"}],
    "ai_gateway": {
        "rate_limits": [{"calls": "x", "key": "of_next_year"}],
        "guardrails": {"input": {"invalid_keywords": "x", "pii": {"behavior": "NEW"}, "safety": "yes"}},
        "inference_table_config": 7,
    },
    "last_updated_timestamp": 10**30,
    "events": [{"timestamp": 10**30, "message": "`|"}],
    "access_control_list": [{"user_name": "a", "all_permissions": [{"permission_level": "NEW"}]}],
}


@pytest.fixture
def odd(monkeypatch) -> Iterator[Odd]:
    """A workspace whose `wire` is what it says of everything."""
    workspace = Odd("")
    yield workspace
    workspace.close()


TABS = [
    "Config",
    "Traffic",
    "Events and logs",
    "Metrics",
    "Permissions",
    "Tags",
    "AI gateway",
    "Rate limits",
    "Stop and delete",
]


NOTHING_RIGHT = {"name": 7, "config": [], "tags": "x", "ai_gateway": 5, "state": [], "id": None}


@pytest.mark.parametrize("wire", [{}, NOTHING_RIGHT, HALF], ids=["nothing", "nothing right", "half right"])
def test_no_description_of_an_endpoint_breaks_its_page(open_page: OpenPage, monkeypatch, odd, wire):
    monkeypatch.setenv("DATABRICKS_HOST", odd.host)
    odd.wire = wire
    page = open_page("endpoint", endpoint="half")
    for tab in TABS:
        page.session_state["tab"] = tab
        page.run()
        assert not page.exception, tab
        assert len(page.tabs) == len(TABS) + 1


def test_an_answer_that_is_no_endpoint_and_a_workspace_that_is_gone_are_told(open_page: OpenPage, monkeypatch, odd):
    monkeypatch.setenv("DATABRICKS_HOST", odd.host)
    odd.wire = [7]
    page = open_page("endpoint", endpoint="half")
    assert "did not answer with an endpoint" in page.error[0].value
    odd.close()
    page.run()
    assert "**Next:**" in page.error[0].value


def test_a_failed_update_is_said_with_the_reason_and_where_to_read_more(open_page: OpenPage, monkeypatch, odd):
    monkeypatch.setenv("DATABRICKS_HOST", odd.host)
    failed = {
        "name": "two",
        "state": {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": "No such *model*."},
    }
    odd.wire = HALF | {
        "state": {"ready": "READY", "config_update": "UPDATE_FAILED"},
        "pending_config": {"served_entities": [failed]},
    }
    page = open_page("endpoint", endpoint="half")
    assert page.warning[0].value == (
        "Its last update failed. `two`: No such \\*model\\*. **Next:** read Events and logs."
    )
    assert "Could not be deployed" in [one.value for one in page.header]
