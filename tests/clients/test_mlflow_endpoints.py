"""mlflow.deployments' management of endpoints, every call of it, over TLS."""

import pytest
import requests
from mlflow.deployments import get_deploy_client
from mlflow.exceptions import MlflowException

from tests.clients.openai_provider import ANSWER
from tests.local_workspace.calls import CHAT
from tests.local_workspaces import eventually

NAME = "made-by-mlflow"
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def deployments(tls_workspace, monkeypatch):
    for name, value in {
        "DATABRICKS_HOST": tls_workspace.host,
        "DATABRICKS_TOKEN": tls_workspace.token,
        "REQUESTS_CA_BUNDLE": tls_workspace.ca_bundle,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_DEPLOYMENT_PREDICT_TIMEOUT": "60",
        "MLFLOW_DEPLOYMENT_PREDICT_TOTAL_TIMEOUT": "60",
        "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": "3",
    }.items():
        monkeypatch.setenv(name, value)
    return get_deploy_client("databricks")


@pytest.fixture
def entity(provider, provider_key):
    """A served entity at the provider."""
    openai = {"openai_api_key": provider_key, "openai_api_base": provider.base}
    external = {"provider": "openai", "name": "gpt-4", "task": "llm/v1/chat", "openai_config": openai}
    return {"name": "gpt", "external_model": external}


@pytest.fixture
def make(deployments):
    """A factory of endpoints, ready, and gone after the test."""
    made = []

    def make(name=NAME, **config):
        endpoint = deployments.create_endpoint(config={"name": name} | config)
        made.append(name)
        if config.get("config"):
            until_settled(deployments, name)
        return endpoint

    yield make
    for name in made:
        deployments.delete_endpoint(endpoint=name)


def until_settled(deployments, name):
    """The endpoint, once its update is over."""
    eventually(lambda: deployments.get_endpoint(name)["state"]["config_update"] != "IN_PROGRESS", 30)
    return deployments.get_endpoint(name)


def test_the_new_form_of_create(deployments, make, entity, tls_workspace):
    made = make(config={"served_entities": [entity]}, tags=[{"key": "team", "value": "a"}])
    assert made["state"] == {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}
    assert made.name == NAME  # its replies are read as attributes too
    found = deployments.get_endpoint(endpoint=NAME)
    assert found["state"]["ready"] == "READY"
    assert (found["task"], found["endpoint_type"], found["creator"]) == ("llm/v1/chat", "EXTERNAL_MODEL", "admin@local")
    assert (found["creator_display_name"], found["creator_kind"]) == ("Local admin", "User")
    shown = found["config"]["served_entities"][0]
    assert {"name": shown["name"], "external_model": shown["external_model"]} == entity
    assert found["tags"] == [{"key": "team", "value": "a"}]
    assert NAME in [endpoint["name"] for endpoint in deployments.list_endpoints()]
    sent = [entry for entry in tls_workspace.requests() if entry.method == "POST"][-1]
    assert (sent.path, sent.headers["x-databricks-endpoints-api-client"]) == (
        "/api/2.0/serving-endpoints/",
        "Databricks Deployment Client",
    )


def test_the_old_form_of_create(deployments, entity, tls_workspace):
    limit = {"key": "user", "renewal_period": "minute", "calls": 100}
    config = {"served_entities": [entity], "tags": [{"key": "k"}], "rate_limits": [limit]}
    with pytest.warns(UserWarning, match="deprecated"):
        made = deployments.create_endpoint(name="old-form", config=config)
    assert made["name"] == "old-form"
    assert tls_workspace.last_request("/api/2.0/serving-endpoints/").json.keys() == {
        "name",
        "config",
        "route_optimized",
        "tags",
        "rate_limits",
    }
    found = until_settled(deployments, "old-form")
    assert found["rate_limits"] == [limit]
    assert found["tags"][0]["key"] == "k"
    assert deployments.delete_endpoint(endpoint="old-form") == {}
    assert "old-form" not in [endpoint["name"] for endpoint in deployments.list_endpoints()]


def test_predict_and_predict_stream_ask_the_provider(deployments, make, entity):
    make(config={"served_entities": [entity]})
    reply = deployments.predict(endpoint=NAME, inputs=HELLO | {"n": 2})
    assert [choice["message"]["content"] for choice in reply["choices"]] == [ANSWER, ANSWER]
    assert reply["usage"]["total_tokens"] == 17
    chunks = list(deployments.predict_stream(endpoint=NAME, inputs=HELLO))
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text.strip() == ANSWER


def test_a_config_is_updated(deployments, make, entity):
    make(config={"served_entities": [entity]})
    before = deployments.get_endpoint(NAME)
    second = entity | {"name": "second"}
    routes = [
        {"served_model_name": "gpt", "traffic_percentage": 40},
        {"served_model_name": "second", "traffic_percentage": 60},
    ]
    config = {"served_entities": [entity, second], "traffic_config": {"routes": routes}}
    begun = deployments.update_endpoint_config(endpoint=NAME, config=config)
    assert begun["state"] == {"ready": "READY", "config_update": "IN_PROGRESS"}
    assert [item["name"] for item in begun["pending_config"]["served_entities"]] == ["gpt", "second"]
    after = until_settled(deployments, NAME)
    assert "pending_config" not in after
    assert after["config"]["config_version"] == before["config"]["config_version"] + 1
    assert [route["traffic_percentage"] for route in after["config"]["traffic_config"]["routes"]] == [40, 60]
    with pytest.warns(FutureWarning, match="deprecated"):
        deployments.update_endpoint(endpoint=NAME, config={"served_entities": [entity]})
    assert len(until_settled(deployments, NAME)["config"]["served_entities"]) == 1


def test_tags_are_updated(deployments, make, entity):
    make(config={"served_entities": [entity]}, tags=[{"key": "old", "value": "1"}])
    changed = deployments.update_endpoint_tags(
        endpoint=NAME, config={"add_tags": [{"key": "project", "value": "test"}], "delete_tags": ["old"]}
    )
    assert changed == {"tags": [{"key": "project", "value": "test"}]}


def test_rate_limits_are_updated(deployments, make, entity):
    make(config={"served_entities": [entity]})
    limits = [{"key": "user", "renewal_period": "minute", "calls": 10}]
    changed = deployments.update_endpoint_rate_limits(endpoint=NAME, config={"rate_limits": limits})
    assert changed["rate_limits"] == limits
    assert deployments.get_endpoint(NAME)["rate_limits"] == limits


def test_an_ai_gateway_is_updated(deployments, make, entity):
    make(config={"served_entities": [entity]})
    wanted = {
        "usage_tracking_config": {"enabled": True},
        "inference_table_config": {"enabled": True, "catalog_name": "my_catalog", "schema_name": "my_schema"},
        "rate_limits": [{"calls": 9, "key": "endpoint", "renewal_period": "minute"}],
    }
    changed = deployments.update_endpoint_ai_gateway(endpoint=NAME, config=wanted)
    assert changed == wanted
    assert deployments.get_endpoint(NAME)["ai_gateway"] == wanted


def test_a_name_is_taken_once(deployments, make, entity):
    make(config={"served_entities": [entity]})
    with pytest.raises(requests.HTTPError, match="RESOURCE_ALREADY_EXISTS") as refused:
        deployments.create_endpoint(config={"name": NAME, "config": {"served_entities": [entity]}})
    # mlflow takes the status from the error code, and knows this one as 400.
    assert str(refused.value).startswith("400 Client Error")
    assert NAME in str(refused.value)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get_endpoint("nope"),
        lambda client: client.delete_endpoint("nope"),
        lambda client: client.update_endpoint_config("nope", {"served_entities": []}),
        lambda client: client.update_endpoint_tags("nope", {"add_tags": [{"key": "a"}]}),
        lambda client: client.update_endpoint_rate_limits("nope", {"rate_limits": []}),
        lambda client: client.update_endpoint_ai_gateway("nope", {}),
        lambda client: client.predict(endpoint="nope", inputs=HELLO),
        lambda client: list(client.predict_stream(endpoint="nope", inputs=HELLO)),
    ],
)
def test_an_unknown_endpoint_is_a_404_with_its_name(deployments, ask):
    with pytest.raises(requests.HTTPError, match="'nope' does not exist") as refused:
        ask(deployments)
    assert str(refused.value).startswith("404 Client Error")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"served_entities": [{"name": "x"}]}, "entity_name"),
        ({"served_entities": [{"name": "x", "external_model": {"provider": "nobody"}}]}, "nobody"),
        ({"served_entities": "all of them"}, "served_entities"),
        ({"served_entities": [], "traffic_config": {"routes": [{"traffic_percentage": "half"}]}}, "traffic_percentage"),
    ],
)
def test_a_bad_config_is_a_400_that_names_the_field(deployments, config, sentence):
    with pytest.raises(requests.HTTPError, match=sentence) as refused:
        deployments.create_endpoint(config={"name": "never-made", "config": config})
    assert str(refused.value).startswith("400 Client Error")
    assert "never-made" not in [endpoint["name"] for endpoint in deployments.list_endpoints()]


def test_what_the_provider_refuses_is_quoted(deployments, make, entity, provider):
    external = entity["external_model"]
    openai = {"openai_api_key_plaintext": "sk-wrong", "openai_api_base": provider.base}
    make(config={"served_entities": [{"name": "gpt", "external_model": external | {"openai_config": openai}}]})
    with pytest.raises(requests.HTTPError, match="Incorrect API key provided") as refused:
        deployments.predict(endpoint=NAME, inputs=HELLO)
    assert "external_model_provider" in str(refused.value)
    assert "sk-wrong" not in str(refused.value)


def test_the_analyst_may_not_change_what_is_not_theirs(deployments, make, entity, tls_workspace, monkeypatch):
    make(config={"served_entities": [entity]})
    for ask in (
        lambda: deployments.delete_endpoint(NAME),
        lambda: deployments.update_endpoint_tags(CHAT, {"add_tags": [{"key": "a"}]}),
        lambda: deployments.predict(endpoint=NAME, inputs=HELLO),
    ):
        with monkeypatch.context() as theirs:
            theirs.setenv("DATABRICKS_TOKEN", tls_workspace.users["analyst"])
            with pytest.raises(requests.HTTPError, match="PERMISSION_DENIED"):
                ask()


def test_deployments_are_not_a_thing_here(deployments):
    with pytest.raises(NotImplementedError):
        deployments.list_deployments()
    with pytest.raises(MlflowException, match="mismatch"):
        deployments.create_endpoint(name="a", config={"name": "b", "config": {}})
