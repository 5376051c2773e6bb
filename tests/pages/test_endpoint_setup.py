"""The setup page: the form and its JSON are one draft, what is wrong is told where it is, and what was sent is watched."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from services.endpoint_setup import EntityKind
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import CHAT_MODEL, ROOT, created, entity, new_name
from tests.local_workspaces import ROOT as TREE
from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage

MODEL = "config.served_entities[0].external_model.name"
CONFIG = "config.served_entities[0].external_model.openai_config"


@pytest.fixture
def scope(local_workspace: LocalWorkspace) -> Iterator[str]:
    """A secret scope with the key "key", and the name of a further one for the test's own."""
    assert call(local_workspace, "POST", "/api/2.0/secrets/scopes/create", {"scope": "setup"}).ok
    secret = {"scope": "setup", "key": "key", "string_value": "sk-x"}
    assert call(local_workspace, "POST", "/api/2.0/secrets/put", secret).ok
    yield "setup"
    call(local_workspace, "POST", "/api/2.0/secrets/scopes/delete", {"scope": "setup"})


@pytest.fixture
def name(local_workspace: LocalWorkspace) -> Iterator[str]:
    """The name of an endpoint that is gone after the test."""
    fresh = f"setup-{new_name()}"
    yield fresh
    call(local_workspace, "DELETE", f"{ROOT}/{fresh}")


@pytest.fixture
def as_analyst(open_page: OpenPage, local_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's own identity is the analyst."""
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])


def draft(page: AppTest) -> dict[str, Any]:
    """The body that the JSON shows."""
    body: dict[str, Any] = json.loads(page.text_area(key="setup.json").value)
    return body


def write(page: AppTest, body: Any) -> AppTest:
    text = body if isinstance(body, str) else json.dumps(body)
    return page.text_area(key="setup.json").set_value(text).run()


def fill(page: AppTest, key: str, text: str) -> AppTest:
    return page.text_input(key=f"setup.{key}").set_value(text).run()


def use_kind(page: AppTest, kind: str) -> AppTest:
    return page.radio(key="setup.kind").set_value(EntityKind(kind)).run()


def send(page: AppTest) -> AppTest:
    return page.button(key="setup.send").click().run()


def texts(page: AppTest) -> str:
    drawn = [*page.markdown, *page.caption, *page.error, *page.warning, *page.info, *page.success]
    return " ".join(one.value for one in drawn).replace("\\", "")


def until(page: AppTest, words: str, seconds: float = 30) -> AppTest:
    """Run the page again until it says so."""
    eventually(lambda: words in texts(page.run()), seconds)
    return page


def body(name: str, reference: str = "{{secrets/setup/key}}", **openai: str) -> dict[str, Any]:
    block = {"openai_api_key": reference, "openai_api_base": "http://127.0.0.1:9/v1"} | openai
    external = {"provider": "openai", "name": "gpt-x", "task": "llm/v1/chat", "openai_config": block}
    return {"name": name, "config": {"served_entities": [{"external_model": external}]}}


def posts(local_workspace: LocalWorkspace) -> list[Any]:
    """The bodies of the creations that arrived."""
    return [one.json for one in local_workspace.requests() if (one.method, one.path) == ("POST", ROOT)]


def test_what_is_filled_in_stands_in_the_json(open_page: OpenPage, scope: str):
    page = fill(open_page("endpoint_setup"), "name", "my-chat")
    page = fill(page, MODEL, "gpt-4o-mini")
    page = fill(page, f"{CONFIG}.openai_api_base", "https://api.example.com/v1")
    page.selectbox(key=f"setup.{CONFIG}.openai_api_key.scope").set_value(scope).run()
    page.selectbox(key=f"setup.{CONFIG}.openai_api_key.key").set_value("key").run()
    assert draft(page) == body("my-chat", openai_api_base="https://api.example.com/v1") | {
        "config": {
            "served_entities": [
                {
                    "external_model": {
                        "provider": "openai",
                        "name": "gpt-4o-mini",
                        "task": "llm/v1/chat",
                        "openai_config": {
                            "openai_api_key": "{{secrets/setup/key}}",
                            "openai_api_base": "https://api.example.com/v1",
                        },
                    }
                }
            ]
        }
    }
    fill(page, f"{CONFIG}.openai_api_base", "")
    assert "openai_api_base" not in json.dumps(draft(page))


def test_what_is_written_into_the_json_stands_in_the_form(open_page: OpenPage, scope: str):
    page = write(open_page("endpoint_setup"), body("from-json"))
    assert page.text_input(key="setup.name").value == "from-json"
    assert page.text_input(key=f"setup.{MODEL}").value == "gpt-x"
    assert page.text_input(key=f"setup.{CONFIG}.openai_api_base").value == "http://127.0.0.1:9/v1"
    assert page.selectbox(key=f"setup.{CONFIG}.openai_api_key.scope").value == "setup"


def test_what_is_no_json_stays_as_it_was_typed_and_the_form_waits(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), "name", "kept")
    typed = '{"name": "kept",'
    page = write(page, typed)
    assert page.text_area(key="setup.json").value == typed
    assert "line 1, column 17" in texts(page)
    assert page.text_input(key="setup.name").disabled
    assert page.button(key="setup.send").disabled
    assert "The JSON is not valid" in texts(page)
    page = page.run()
    assert page.text_area(key="setup.json").value == typed
    page = page.button(key="setup.drop").click().run()
    assert draft(page)["name"] == "kept"
    assert not page.text_input(key="setup.name").disabled


def test_fields_that_the_form_does_not_know_survive_it(open_page: OpenPage):
    page = write(open_page("endpoint_setup"), body("x") | {"ai_gateway": {"usage_tracking_config": {"enabled": True}}})
    page = fill(page, "name", "y")
    assert draft(page)["ai_gateway"] == {"usage_tracking_config": {"enabled": True}}
    assert draft(page)["name"] == "y"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": 7, "config": []},
        {"name": None, "config": {"served_entities": {}}},
        {"config": {"served_entities": [7, "x", None, []]}},
        {"config": {"served_entities": [{"external_model": "x"}, {"external_model": {"provider": 3, "task": {}}}]}},
        {"config": {"served_entities": [{"entity_name": 1, "environment_vars": [1], "workload_size": 4}]}},
        {"config": {"served_entities": [{"environment_vars": {"A": 1}, "scale_to_zero_enabled": "yes"}]}},
        {"tags": {"a": 1}, "ai_gateway": 4, "rate_limits": "x", "config": {"traffic_config": {"routes": 4}}},
        {"tags": [1, {"key": []}], "config": {"served_entities": [{}, {}], "traffic_config": {"routes": [1]}}},
    ],
)
def test_json_of_any_shape_breaks_nothing(open_page: OpenPage, wrong: dict[str, Any]):
    page = write(open_page("endpoint_setup"), wrong)
    assert not page.exception
    page = send(page)
    assert not page.exception
    assert draft(page) == wrong


def test_problems_are_told_at_their_field_and_above_the_button_once_it_was_to_be_sent(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    page = open_page("endpoint_setup")
    assert "Still missing" in texts(page)
    page = fill(page, "name", "-wrong-")
    assert "must begin and end with" in texts(page)  # at its field, while other things are only missing
    page = send(page)
    assert "Before it can be sent" in texts(page)
    assert texts(page).count(f"`{MODEL}`") == 1
    assert not posts(local_workspace)


def test_a_mended_value_is_a_click_away(open_page: OpenPage):
    page = write(open_page("endpoint_setup"), body("x", "{secrets/setup/key}"))
    assert "one brace on each side" in texts(page)
    page = page.button(key=f"setup.mend.{CONFIG}.openai_api_key").click().run()
    assert draft(page) == body("x")


def test_a_mistyped_field_gets_its_right_name_with_a_click(open_page: OpenPage):
    written = body("x", openai_organisation="mine")
    page = write(open_page("endpoint_setup"), written)
    page = page.button(key=f"setup.list.mend.{CONFIG}.openai_organisation").click().run()
    assert draft(page) == body("x", openai_organization="mine")


def test_a_key_in_the_clear_is_taken_out_and_kept_nowhere(open_page: OpenPage):
    canary = "sk-canary-0123456789abcdefghij"
    page = write(open_page("endpoint_setup"), body("x", canary))
    page = write(page, body("y", openai_api_key_plaintext=canary))
    assert "was taken out" in texts(page)
    assert canary not in str(page.main)
    assert canary not in str(page.session_state)


@pytest.mark.parametrize(
    "typed",
    [
        '{"openai_api_key_plaintext": "hunter2-canary",',
        '{"a": "sk-canary-0123456789abcdefghij", ]',
        '{"openai_api_key": "canary of no known format", ]',
        '{"openai_api_key": "sk-canary-0123456789abcdefghij\n}',
        "{'openai_api_key': 'canary-in-python', }",
        "openai_api_key: canary-in-yaml",
        "{sk-canary-0123456789abcdefghij}",
    ],
)
def test_a_key_in_what_is_no_json_yet_is_taken_out_too(open_page: OpenPage, typed: str):
    page = write(open_page("endpoint_setup"), typed)
    assert "This is not JSON" in texts(page)
    assert "was taken out" in texts(page)
    assert "canary" not in str(page.main)
    assert "canary" not in str(page.session_state)


def test_environment_variables_are_added_changed_and_taken_away(open_page: OpenPage, scope: str):
    page = use_kind(open_page("endpoint_setup"), "custom")
    at = "setup.config.served_entities[0].environment_vars"
    page.text_input(key=f"{at}.new").set_value("MODE").run()
    page.button(key=f"{at}.add.Value").click().run()
    page.text_input(key=f"{at}.MODE").set_value("fast").run()
    page.text_input(key=f"{at}.new").set_value("KEY").run()
    page.button(key=f"{at}.add.Secret").click().run()
    page.selectbox(key=f"{at}.KEY.scope").set_value(scope).run()
    page.selectbox(key=f"{at}.KEY.key").set_value("key").run()
    variables = draft(page)["config"]["served_entities"][0]["environment_vars"]
    assert variables == {"MODE": "fast", "KEY": "{{secrets/setup/key}}"}
    page.button(key=f"{at}.MODE.remove").click().run()
    assert list(draft(page)["config"]["served_entities"][0]["environment_vars"]) == ["KEY"]


def test_a_variable_with_a_name_that_none_can_have_is_not_added(open_page: OpenPage):
    page = use_kind(open_page("endpoint_setup"), "custom")
    at = "setup.config.served_entities[0].environment_vars"
    page.text_input(key=f"{at}.new").set_value("9-X").run()
    page.button(key=f"{at}.add.Value").click().run()
    assert "No variable can be called “9-X”" in texts(page)
    assert "environment_vars" not in draft(page)["config"]["served_entities"][0]
    page.text_input(key=f"{at}.new").set_value("KEY").run()
    page.button(key=f"{at}.add.Secret").click().run()
    assert "no secret is chosen" not in texts(page)  # nobody had the time to choose one
    assert not page.warning


def test_a_draft_that_was_left_says_from_when_it_is_until_it_is_changed(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), "name", "left")
    assert "Your draft from" not in texts(page)
    page.switch_page(str(TREE / "pages" / "connection.py")).run()
    page.switch_page(str(TREE / "pages" / "endpoint_setup.py")).run()
    assert "Your draft from" in texts(page)
    page = page.button(key="setup.start-new").click().run()
    assert draft(page)["name"] == ""
    assert "Your draft from" not in texts(page)


def test_tags_and_gateway_blocks_are_put_in_and_taken_out(open_page: OpenPage):
    page = open_page("endpoint_setup")
    page.text_input(key="setup.tag.key").set_value("team")
    page.text_input(key="setup.tag.value").set_value("search").run()
    page.button(key="setup.tag.add").click().run()
    page.button(key="setup.gateway.usage_tracking_config").click().run()
    assert draft(page)["tags"] == [{"key": "team", "value": "search"}]
    assert draft(page)["ai_gateway"] == {"usage_tracking_config": {"enabled": True}}
    page.button(key="setup.tag.0.remove").click().run()
    assert "tags" not in draft(page)


def test_another_provider_brings_its_own_fields_and_variants(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), MODEL, "gpt-x")
    page = page.selectbox(key="setup.provider.0").set_value("amazon-bedrock").run()
    page = page.radio(key="setup.variant.0").set_value("Instance profile").run()
    block = draft(page)["config"]["served_entities"][0]["external_model"]["amazon_bedrock_config"]
    assert "instance_profile_arn" in block
    assert "aws_access_key_id" not in block
    page = page.button(key="setup.undo").click().run()
    page = page.button(key="setup.undo").click().run()
    assert page.text_input(key=f"setup.{MODEL}").value == "gpt-x"


def test_a_model_of_the_registry_is_chosen_with_its_version(open_page: OpenPage):
    page = use_kind(open_page("endpoint_setup"), "custom")
    page.session_state["setup.models.0"] = True
    page = page.run()
    models = page.selectbox(key="setup.models.0.model.WORKSPACE")
    page = models.select_index(models.options.index("local.models.prompt-model")).run()
    page = page.button(key="setup.models.0.use").click().run()
    served = draft(page)["config"]["served_entities"][0]
    assert (served["entity_name"], served["entity_version"]) == ("local.models.prompt-model", "1")


def test_another_kind_and_back_loses_nothing(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), MODEL, "gpt-x")
    page = use_kind(page, "custom")
    assert "entity_name" in draft(page)["config"]["served_entities"][0]
    page = use_kind(page, "external")
    assert page.text_input(key=f"setup.{MODEL}").value == "gpt-x"


def test_traffic_of_two_is_split_and_shown_as_a_sum(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), MODEL, "gpt-x")
    page = page.button(key="setup.add-entity").click().run()
    page = page.button(key="setup.split.90 / 10").click().run()
    assert "Together **100 %**" in texts(page)
    shares = [route["traffic_percentage"] for route in draft(page)["config"]["traffic_config"]["routes"]]
    assert shares == [90, 10]
    page = page.slider(key="setup.share.0").set_value(70).run()
    assert [one.value for one in page.slider] == [70, 30]
    wrong = draft(page)
    wrong["config"]["traffic_config"]["routes"][0]["traffic_percentage"] = 80
    page = write(page, wrong)
    assert "Together **110 %**" in texts(page)
    page = page.button(key="setup.remove.1").click().run()
    assert "traffic_config" not in draft(page)["config"]


def test_the_draft_survives_leaving_the_page_and_undo_goes_back(open_page: OpenPage):
    page = fill(open_page("endpoint_setup"), "name", "stays")
    page.switch_page(str(TREE / "pages" / "connection.py")).run()
    page.switch_page(str(TREE / "pages" / "endpoint_setup.py")).run()
    assert page.text_input(key="setup.name").value == "stays"
    page = page.button(key="setup.start-over").click().run()
    assert page.text_input(key="setup.name").value == ""
    page = page.button(key="setup.undo").click().run()
    assert page.text_input(key="setup.name").value == "stays"


def test_an_endpoint_is_created_watched_and_called_once(
    open_page: OpenPage, local_workspace: LocalWorkspace, name: str
):
    asked = {"name": name, "config": {"served_entities": [entity("one")]}}
    page = write(open_page("endpoint_setup"), asked)
    send(page)
    until(page, "Accepted by the workspace")
    assert page.query_params["endpoint"] == name
    assert page.button(key="setup.send").disabled
    until(page, "is ready to be called")
    until(page, "It answered")
    assert posts(local_workspace) == [asked]
    assert [one.path for one in local_workspace.requests()].count(f"/serving-endpoints/{name}/invocations") == 1


def test_a_name_that_is_taken_offers_to_update_what_is_there(open_page: OpenPage, local_workspace: LocalWorkspace):
    taken = created(local_workspace, entity("old"))
    config = {"served_entities": [entity("new")]}
    page = write(open_page("endpoint_setup"), {"name": taken, "config": config})
    send(page)
    until(page, "There is already an endpoint")
    assert not [one for one in posts(local_workspace) if one["name"] == taken and one["config"] == config]
    page = page.button(key="setup.update-instead").click().run()
    assert draft(page) == {"name": taken, "config": config}
    assert "What changes" in str([one.label for one in page.expander])
    send(page)
    until(page, "is ready to be called")
    put = local_workspace.last_request(f"{ROOT}/{taken}/config")
    assert (put.method, put.json) == ("PUT", config)
    call(local_workspace, "DELETE", f"{ROOT}/{taken}")


def test_a_secret_that_is_not_there_is_told_before_anything_is_sent(
    open_page: OpenPage, local_workspace: LocalWorkspace, scope: str
):
    page = write(open_page("endpoint_setup"), body("never", "{{secrets/setup/nothing}}"))
    send(page)
    until(page, "nothing")
    assert "Before it can be sent" in texts(page)
    assert not posts(local_workspace)


def test_a_refusal_is_a_sentence_and_the_draft_stays(open_page: OpenPage, name: str):
    written = {"name": name, "config": {"served_entities": [entity("one")]}, "route_optimized": True}
    page = send(write(open_page("endpoint_setup"), written))
    until(page, "Route optimization does not exist")
    assert "Nothing was changed" in texts(page)
    assert draft(page) == written


def test_an_update_shows_what_changes_and_begins_from_what_serves(open_page: OpenPage, local_workspace: LocalWorkspace):
    name = created(local_workspace, entity("one"))
    page = open_page("endpoint_setup", endpoint=name)
    assert draft(page) == {"name": name, "config": draft(page)["config"]}
    assert draft(page)["config"]["served_entities"][0]["entity_name"] == CHAT_MODEL
    assert "is what serves now" in texts(page)
    assert page.button(key="setup.send").disabled
    changed = draft(page)
    changed["config"]["served_entities"][0]["name"] = "two"
    changed["config"].pop("traffic_config", None)
    page = write(page, changed)
    assert "two" in texts(page)
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_an_analyst_may_not_change_what_others_made_and_is_told_why(
    open_page: OpenPage, local_workspace: LocalWorkspace, as_analyst: None
):
    name = created(local_workspace, entity("one"))
    found = call(local_workspace, "GET", f"{ROOT}/{name}").json()
    grant = {"access_control_list": [{"user_name": "analyst@local", "permission_level": "CAN_QUERY"}]}
    assert call(local_workspace, "PATCH", f"/api/2.0/permissions/serving-endpoints/{found['id']}", grant).ok
    local_workspace.clear()
    page = open_page("endpoint_setup", endpoint=name)
    assert page.button(key="setup.send").disabled
    assert "changes need CAN_MANAGE" in texts(page)
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_an_endpoint_that_is_not_there_is_a_sentence(open_page: OpenPage):
    page = open_page("endpoint_setup", endpoint="nobody-made-this")
    assert "nobody-made-this" in texts(page)
    assert "**Next:**" in page.error[0].value
