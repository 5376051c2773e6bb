"""databricks-sdk 0.33, which Databricks Apps come with, over TLS."""

from pathlib import Path

import pytest

from tests.clients.environments import LEGACY, run_script
from tests.clients.openai_provider import ANSWER

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

SCRIPT = Path(__file__).with_name("legacy") / "sdk_script.py"
NAME = "made-by-the-old-sdk"


@pytest.fixture(scope="module")
def found(tls_workspace, provider, provider_key):
    openai = {"openai_api_key": provider_key, "openai_api_base": provider.base}
    external = {"provider": "openai", "name": "gpt-4", "task": "llm/v1/chat", "openai_config": openai}
    given = {"name": NAME, "entity": {"name": "first", "external_model": external}}
    return run_script(LEGACY, SCRIPT, tls_workspace, given) | {"given": given}


def test_it_is_the_old_sdk_and_knows_who_calls(found):
    assert (found["version"], found["me"]) == ("0.33.0", "admin@local")


def test_a_machine_signs_in_without_a_probe_for_the_host(found):
    assert found["machine"] == {"auth_type": "oauth-m2m", "me": "admin@local"}


def test_an_endpoint_lives_from_creation_to_deletion(found):
    made, changed = found["endpoints"]["made"], found["endpoints"]["changed"]
    assert made["state"] == {"config_update": "NOT_UPDATING", "ready": "READY"}
    shown = made["config"]["served_entities"][0]
    assert {"name": shown["name"], "external_model": shown["external_model"]} == found["given"]["entity"]
    assert found["endpoints"]["text"] == ANSWER
    assert found["endpoints"]["served"] == "first"
    assert [entity["name"] for entity in changed["config"]["served_entities"]] == ["second"]
    assert changed["config"]["config_version"] == made["config"]["config_version"] + 1
    assert NAME not in found["endpoints"]["left"]


def test_secrets_go_in_and_come_back(found):
    assert found["secrets"]["value"] == "안녕"
    assert found["secrets"]["keys"] == ["key"]
    assert found["secrets"]["acls"] == [{"principal": "admin@local", "permission": "MANAGE"}]


def test_what_is_not_there_is_told(found):
    assert found["missing"]["kind"] == found["secrets"]["missing"]["kind"] == "ResourceDoesNotExist"
    assert "'nope' does not exist" in found["missing"]["text"]


def test_clusters_are_listed_with_their_states(found):
    assert sorted(found["clusters"]) == ["RUNNING", "TERMINATED"]
