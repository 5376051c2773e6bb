"""databricks-sdk's `serving_endpoints`, every call of it, over TLS: what comes back as the SDK's own records."""

import contextlib
import json
from datetime import timedelta

import pytest
from databricks.sdk import errors
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.errors.platform import ResourceAlreadyExists
from databricks.sdk.service.serving import (
    AiGatewayGuardrailParameters,
    AiGatewayGuardrails,
    AiGatewayRateLimit,
    AiGatewayRateLimitKey,
    AiGatewayRateLimitRenewalPeriod,
    AiGatewayUsageTrackingConfig,
    ChatMessage,
    ChatMessageRole,
    DataframeSplitInput,
    EmailNotifications,
    EndpointCoreConfigInput,
    EndpointStateConfigUpdate,
    EndpointStateReady,
    EndpointTag,
    ExternalFunctionRequestHttpMethod,
    ExternalModel,
    ExternalModelProvider,
    OpenAiConfig,
    PtEndpointCoreConfig,
    PtServedModel,
    RateLimit,
    RateLimitKey,
    RateLimitRenewalPeriod,
    Route,
    ServedEntityInput,
    ServedModelStateDeployment,
    ServingEndpointAccessControlRequest,
    ServingEndpointDetailedPermissionLevel,
    ServingEndpointPermissionLevel,
    TelemetryConfig,
    TrafficConfig,
)

from tests.clients.openai_provider import ANSWER
from tests.local_workspace.calls import CHAT, EMBEDDINGS

PROMPT = "local-prompt-model"
CHAT_ENTITY = "local.models.smollm2-135m-instruct"
SOON = timedelta(seconds=30)
HELLO = [ChatMessage(role=ChatMessageRole.USER, content="Say hello.")]
CANARY = "sk-canary-in-plaintext"


def external(name="gpt", **config):
    """A served entity at OpenAI, with a plaintext key unless `config` says otherwise."""
    model = ExternalModel(
        provider=ExternalModelProvider.OPENAI,
        name="gpt-4",
        task="llm/v1/chat",
        openai_config=OpenAiConfig(**(config or {"openai_api_key_plaintext": CANARY})),
    )
    return ServedEntityInput(name=name, external_model=model)


def foundation(name="small"):
    """A served entity that is the workspace's own chat model."""
    return ServedEntityInput(name=name, entity_name=CHAT_ENTITY, entity_version="1")


def split(**percentages):
    """A traffic config by served entity."""
    routes = [Route(served_model_name=name, traffic_percentage=share) for name, share in percentages.items()]
    return TrafficConfig(routes=routes)


def config_of(*entities, traffic=None):
    """A config. The SDK asks for a name in it too, which the platform does not read."""
    return EndpointCoreConfigInput("ignored", served_entities=list(entities), traffic_config=traffic)


@pytest.fixture
def api(sdk):
    return sdk.serving_endpoints


@pytest.fixture
def make_endpoint(api, request):
    """A factory of endpoints that are gone after the test."""
    made = []

    def make(*entities, name="made-by-sdk", **options):
        config = config_of(*entities, traffic=options.pop("traffic", None))
        made.append(name)
        return api.create_and_wait(name, config=config, timeout=SOON, **options)

    yield make
    for name in made:
        with contextlib.suppress(NotFound):  # when it could not be created, the test says so
            api.delete(name)


def test_what_is_created_comes_back(api, make_endpoint, sdk):
    entities = [external("first", openai_api_key="{{secrets/sdk/key}}"), external("second")]
    sdk.secrets.create_scope("sdk")
    sdk.secrets.put_secret("sdk", "key", string_value="value")
    made = make_endpoint(
        *entities,
        traffic=split(first=70, second=30),
        tags=[EndpointTag(key="team", value="a"), EndpointTag(key="bare")],
        description="Made by a test.",
        rate_limits=[RateLimit(calls=100, renewal_period=RateLimitRenewalPeriod.MINUTE, key=RateLimitKey.USER)],
        email_notifications=EmailNotifications(on_update_failure=["admin@local"]),
    )
    sdk.secrets.delete_scope("sdk")
    assert made.state.as_dict() == {"ready": "READY", "config_update": "NOT_UPDATING"}
    assert made.pending_config is None
    assert (made.task, made.description, made.creator) == ("llm/v1/chat", "Made by a test.", "admin@local")
    assert made.permission_level == ServingEndpointDetailedPermissionLevel.CAN_MANAGE
    assert len(made.id) == 32
    assert {tag.key: tag.value or "" for tag in made.tags} == {"team": "a", "bare": ""}
    assert made.email_notifications.on_update_failure == ["admin@local"]
    shown = made.config.served_entities
    assert ServedEntityInput.from_dict(shown[0].as_dict()) == entities[0]
    # Of a plaintext key nothing comes back, so that is all the second lacks.
    entities[1].external_model.openai_config.openai_api_key_plaintext = None
    assert ServedEntityInput.from_dict(shown[1].as_dict()).external_model.as_dict() | {"openai_config": {}} == {
        **entities[1].external_model.as_dict(),
        "openai_config": {},
    }
    assert [entity.state.deployment for entity in shown] == [ServedModelStateDeployment.DEPLOYMENT_READY] * 2
    assert [model.name for model in made.config.served_models] == ["first", "second"]
    assert {route.served_model_name: route.traffic_percentage for route in made.config.traffic_config.routes} == {
        "first": 70,
        "second": 30,
    }
    again = EndpointCoreConfigInput.from_dict(made.config.as_dict())
    assert [entity.name for entity in again.served_entities] == ["first", "second"]
    assert again.traffic_config.as_dict() == made.config.traffic_config.as_dict()
    assert CANARY not in json.dumps(api.get(made.name).as_dict())
    (listed,) = [endpoint for endpoint in api.list() if endpoint.name == made.name]
    assert listed.config.served_entities[0].external_model.provider == ExternalModelProvider.OPENAI
    assert listed.id == made.id


def test_create_answers_at_once_and_is_waited_for(api, make_endpoint, tls_workspace):
    waiter = api.create("made-slowly", config=config_of(foundation()))
    first = waiter.response
    assert first.state.config_update == EndpointStateConfigUpdate.IN_PROGRESS
    assert first.state.ready == EndpointStateReady.NOT_READY
    assert first.pending_config.served_entities[0].state.deployment == ServedModelStateDeployment.DEPLOYMENT_CREATING
    assert first.pending_config.start_time >= first.creation_timestamp
    seen = []
    done = waiter.result(timeout=SOON, callback=seen.append)
    assert done.state.ready == EndpointStateReady.READY
    assert done.config.served_entities[0].foundation_model.display_name == "SmolLM2 135M Instruct"
    assert done.config.traffic_config.routes[0].traffic_percentage == 100
    assert api.query("made-slowly", messages=HELLO, max_tokens=2).served_model_name == "small"
    api.delete("made-slowly")
    with pytest.raises(NotFound):
        api.get("made-slowly")


def test_a_config_is_replaced_and_its_version_counts(api, make_endpoint):
    made = make_endpoint(foundation("one"))
    changed = api.update_config_and_wait(
        made.name,
        served_entities=[foundation("one"), foundation("two")],
        traffic_config=split(one=0, two=100),
        timeout=SOON,
    )
    assert changed.config.config_version == made.config.config_version + 1
    assert [entity.name for entity in changed.config.served_entities] == ["one", "two"]
    assert changed.id == made.id
    assert {api.query(made.name, messages=HELLO, max_tokens=1).served_model_name for _ in range(3)} == {"two"}


def test_an_update_is_visible_while_the_old_config_answers(api, make_endpoint):
    made = make_endpoint(foundation("old"))
    waiter = api.update_config(made.name, served_entities=[foundation("new")])
    assert waiter.response.state.as_dict() == {"ready": "READY", "config_update": "IN_PROGRESS"}
    assert waiter.response.pending_config.config_version == made.config.config_version + 1
    assert waiter.response.config.served_entities[0].name == "old"
    assert waiter.result(timeout=SOON).config.served_entities[0].name == "new"


def test_throughput_is_provisioned_for_a_foundation_model(api):
    entity = PtServedModel(entity_name=CHAT_ENTITY, entity_version="1", provisioned_model_units=50, name="units")
    config = PtEndpointCoreConfig(served_entities=[entity])
    made = api.create_provisioned_throughput_endpoint_and_wait("made-with-units", config, timeout=SOON)
    try:
        assert made.config.served_entities[0].provisioned_model_units == 50
        config.served_entities[0].provisioned_model_units = 100
        changed = api.update_provisioned_throughput_endpoint_config_and_wait(made.name, config, timeout=SOON)
        assert changed.config.served_entities[0].provisioned_model_units == 100
    finally:
        api.delete(made.name)


def test_tags_are_added_and_deleted(api, make_endpoint):
    made = make_endpoint(external(), tags=[EndpointTag(key="old", value="1"), EndpointTag(key="kept", value="2")])
    changed = api.patch(made.name, add_tags=[EndpointTag(key="new", value="3")], delete_tags=["old"])
    assert {tag.key: tag.value for tag in changed.tags} == {"kept": "2", "new": "3"}
    assert {tag.key: tag.value for tag in api.get(made.name).tags} == {"kept": "2", "new": "3"}


def test_older_rate_limits_are_put(api, make_endpoint):
    made = make_endpoint(external())
    limits = [RateLimit(calls=7, renewal_period=RateLimitRenewalPeriod.MINUTE, key=RateLimitKey.ENDPOINT)]
    assert api.put(made.name, rate_limits=limits).rate_limits == limits
    assert api.put(made.name, rate_limits=[]).rate_limits in ([], None)


def test_an_ai_gateway_is_put_whole_and_taken_away(api, make_endpoint):
    made = make_endpoint(external())
    limit = AiGatewayRateLimit(
        renewal_period=AiGatewayRateLimitRenewalPeriod.MINUTE, calls=5, key=AiGatewayRateLimitKey.USER
    )
    rules = AiGatewayGuardrails(input=AiGatewayGuardrailParameters(invalid_keywords=["zebra"]))
    tracking = AiGatewayUsageTrackingConfig(enabled=True)
    put = api.put_ai_gateway(made.name, rate_limits=[limit], guardrails=rules, usage_tracking_config=tracking)
    assert (put.rate_limits, put.guardrails, put.usage_tracking_config) == ([limit], rules, tracking)
    assert api.get(made.name).ai_gateway.as_dict() == put.as_dict()
    second = api.put_ai_gateway(made.name, usage_tracking_config=tracking)
    assert second.rate_limits in ([], None)
    assert api.get(made.name).ai_gateway.as_dict() == second.as_dict()
    api.put_ai_gateway(made.name)
    assert api.get(made.name).ai_gateway is None


def test_notifications_are_kept(api, make_endpoint):
    made = make_endpoint(external())
    wanted = EmailNotifications(on_update_success=["analyst@local"], on_update_failure=[])
    changed = api.update_notifications(made.name, email_notifications=wanted)
    assert (changed.name, changed.email_notifications.on_update_success) == (made.name, ["analyst@local"])
    assert api.get(made.name).email_notifications.on_update_success == ["analyst@local"]


def test_telemetry_is_for_models_of_ones_own(api, make_endpoint):
    made = make_endpoint(external())
    with pytest.raises(BadRequest, match="external"):
        api.patch_telemetry_config(made.name, telemetry_config=TelemetryConfig(telemetry_profile_id="p"))
    own = make_endpoint(foundation(), name="own")
    changed = api.patch_telemetry_config(own.name, telemetry_config=TelemetryConfig(telemetry_profile_id="p"))
    assert changed.telemetry_config.telemetry_profile_id == "p"


def test_logs_are_text(api, make_endpoint):
    made = make_endpoint(foundation("small"))
    api.query(made.name, messages=HELLO, max_tokens=1)
    assert isinstance(api.logs(made.name, "small").logs, str)
    assert CHAT_ENTITY in api.build_logs(made.name, "small").logs
    with pytest.raises(NotFound):
        api.logs(made.name, "nope")


def test_metrics_are_in_prometheus_text(api, make_endpoint):
    made = make_endpoint(foundation("small"))
    api.query(made.name, messages=HELLO, max_tokens=1)
    text = api.export_metrics(made.name).contents.read().decode()
    counted = [line for line in text.splitlines() if line.startswith("request_count_total{")]
    assert counted
    assert f'endpoint_name="{made.name}"' in counted[0]


def test_an_openapi_description_says_how_to_ask(api):
    document = json.loads(api.get_open_api(CHAT).contents.read())
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == CHAT
    assert document["servers"][0]["url"].endswith(f"/serving-endpoints/{CHAT}")
    assert any(path.endswith("/invocations") for path in document["paths"])


def test_a_custom_model_is_described_by_its_signature(api):
    document = json.loads(api.get_open_api(PROMPT).contents.read())
    assert "dataframe_records" in json.dumps(document)
    assert "prompt" in json.dumps(document)


def test_chat_completions_and_embeddings_are_queried(api):
    chat = api.query(CHAT, messages=HELLO, max_tokens=3, n=2, stop=["zebra"], temperature=0.5)
    assert [choice.index for choice in chat.choices] == [0, 1]
    assert chat.choices[0].message.role == ChatMessageRole.ASSISTANT
    assert chat.usage.total_tokens == chat.usage.prompt_tokens + chat.usage.completion_tokens
    extras = api.query(CHAT, messages=HELLO, max_tokens=1, client_request_id="mine", usage_context={"team": "a"})
    assert extras.choices
    vectors = api.query(EMBEDDINGS, input=["a", "b"])
    assert [len(item.embedding) for item in vectors.data] == [384, 384]
    assert vectors.object.value == "list"


def test_models_of_a_provider_are_queried(api, external_endpoints):
    chat = api.query(external_endpoints["chat"], messages=HELLO)
    assert (chat.choices[0].message.content, chat.served_model_name) == (ANSWER, "openai-chat")
    assert chat.usage.total_tokens == 17
    completion = api.query(external_endpoints["completions"], prompt="Say hello.", max_tokens=5)
    assert completion.choices[0].text == ANSWER
    vectors = api.query(external_endpoints["embeddings"], input=["four", "a"])
    assert [item.embedding for item in vectors.data] == [[4.0, 1.0, 0.0], [1.0, 1.0, 0.0]]


@pytest.mark.timeout(90)
def test_a_custom_model_takes_every_form_of_input(api):
    row = {"prompt": "Say hello.", "stop": ["zebra"]}
    answers = [
        api.query(PROMPT, dataframe_records=[row]),
        api.query(PROMPT, dataframe_records=[row, row]),
        api.query(PROMPT, dataframe_split=DataframeSplitInput(columns=["prompt", "stop"], data=[list(row.values())])),
        api.query(PROMPT, inputs=[row]),
        # mlflow makes arrays of what instances hold, and none of a list in each row.
        api.query(PROMPT, instances=[{"prompt": "Say hello."}]),
    ]
    assert [len(answer.predictions) for answer in answers] == [1, 2, 1, 1, 1]
    assert all(isinstance(text, str) for answer in answers for text in answer.predictions)
    assert answers[0].served_model_name


def test_a_stream_cannot_be_read_by_this_client(api):
    """A defect of the SDK that people meet: it reads the events as one JSON."""
    with pytest.raises(ValueError, match="Expecting value"):
        api.query(CHAT, messages=HELLO, max_tokens=2, stream=True)


def test_permissions_go_by_id_and_change_what_is_allowed(api, make_endpoint, analyst_sdk):
    made = make_endpoint(foundation())
    with pytest.raises((NotFound, PermissionDenied)):
        analyst_sdk.serving_endpoints.get(made.name)
    grant = ServingEndpointAccessControlRequest(
        user_name="analyst@local", permission_level=ServingEndpointPermissionLevel.CAN_VIEW
    )
    updated = api.update_permissions(made.id, access_control_list=[grant])
    assert (updated.object_id, updated.object_type) == (f"/serving-endpoints/{made.id}", "serving-endpoint")
    seen = analyst_sdk.serving_endpoints.get(made.name)
    assert seen.permission_level == ServingEndpointDetailedPermissionLevel.CAN_VIEW
    with pytest.raises(PermissionDenied):
        analyst_sdk.serving_endpoints.query(made.name, messages=HELLO)
    grant.permission_level = ServingEndpointPermissionLevel.CAN_QUERY
    api.set_permissions(made.id, access_control_list=[grant])
    assert analyst_sdk.serving_endpoints.query(made.name, messages=HELLO, max_tokens=1).choices
    with pytest.raises(PermissionDenied):
        analyst_sdk.serving_endpoints.delete(made.name)
    levels = {
        control.user_name or control.group_name: [held.permission_level for held in control.all_permissions]
        for control in api.get_permissions(made.id).access_control_list
    }
    assert levels["analyst@local"] == [ServingEndpointPermissionLevel.CAN_QUERY]
    assert ServingEndpointPermissionLevel.CAN_MANAGE in levels["admins"]
    described = api.get_permission_levels(made.id).permission_levels
    assert {item.permission_level for item in described} == set(ServingEndpointPermissionLevel)
    assert all(item.description for item in described)


def test_the_openai_client_it_makes_answers(api, tls_workspace, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", tls_workspace.ca_bundle)
    with pytest.deprecated_call():
        client = api.get_open_ai_client(max_retries=0, timeout=60)
    reply = client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": "hi"}], max_tokens=2)
    assert reply.choices[0].message.content


def test_a_call_through_a_connection_is_refused_in_a_sentence(api):
    with pytest.raises(errors.NotImplemented, match="Unity Catalog connection"):
        api.http_request("conn", ExternalFunctionRequestHttpMethod.GET, "/")


@pytest.mark.parametrize(
    ("entities", "traffic", "sentence"),
    [
        ([external("a"), external("a")], split(a=100), "'a'"),
        ([external("a"), external("b")], None, "add up to 100"),
        ([external("a"), external("b")], split(a=50, b=49), "99"),
        ([external("a"), foundation("b")], split(a=50, b=50), "not both"),
        ([external(openai_api_key="secrets/x/y")], None, "openai_api_key"),
        ([external(openai_api_key="{{secrets/a/b}}", openai_api_key_plaintext=CANARY)], None, "openai_api_key"),
        ([external(openai_api_base="https://x.example/v1")], None, "openai_api_key"),
        ([ServedEntityInput(name="x")], None, "entity_name"),
    ],
)
def test_a_bad_config_is_refused_and_leaves_nothing(api, entities, traffic, sentence):
    config = config_of(*entities, traffic=traffic)
    with pytest.raises(BadRequest, match=sentence) as refused:
        api.create("never-made", config=config)
    assert CANARY not in str(refused.value)
    assert "never-made" not in {endpoint.name for endpoint in api.list()}


@pytest.mark.parametrize("name", ["", "a b", "x" * 64, "databricks-mine", "안녕"])
def test_a_bad_name_is_refused(api, name):
    with pytest.raises(InvalidParameterValue):
        api.create(name, config=config_of(external()))


def test_names_are_taken_once_and_unknown_ones_are_told(api, make_endpoint):
    made = make_endpoint(external())
    with pytest.raises(ResourceAlreadyExists, match=made.name):
        api.create(made.name, config=config_of(external()))
    for ask in (
        api.get,
        api.delete,
        api.export_metrics,
        lambda name: api.update_config(name, served_entities=[external()]),
        lambda name: api.patch(name, delete_tags=["a"]),
        lambda name: api.put_ai_gateway(name),
        lambda name: api.query(name, messages=HELLO),
    ):
        with pytest.raises(NotFound, match="'nope'"):
            ask("nope")


def test_an_unknown_model_or_secret_is_told_when_the_endpoint_is_created(api):
    custom = ServedEntityInput(name="m", entity_name="no.such.model", entity_version="1", scale_to_zero_enabled=True)
    with pytest.raises((NotFound, BadRequest), match=r"no\.such\.model"):
        api.create("never-made", config=config_of(custom))
    missing = external(openai_api_key="{{secrets/no-such-scope/key}}")
    with pytest.raises((NotFound, BadRequest), match="no-such-scope"):
        api.create("never-made", config=config_of(missing))


def test_the_workspaces_own_endpoints_stay(api):
    with pytest.raises((BadRequest, PermissionDenied)):
        api.delete(CHAT)
    assert CHAT in {endpoint.name for endpoint in api.list()}
