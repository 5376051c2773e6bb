"""The AI gateway over HTTP: limits, forbidden words, what is recorded and what is exported."""

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.local_workspace.calls import call, events
from tests.local_workspaces import LocalWorkspace, eventually, start_local_workspace

MODEL = "local.models.smollm2-135m-instruct"
EMBEDDINGS = "local.models.all-minilm-l6-v2"
API = "/api/2.0/serving-endpoints"
HELLO = {"messages": [{"role": "user", "content": "Say hello."}]}
TABLE = {"inference_table_config": {"enabled": True, "catalog_name": "main", "schema_name": "logs"}}
TRACKED = {"usage_tracking_config": {"enabled": True}}
NAMES = (f"gateway-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """A workspace whose endpoints are ready at once."""
    stderr = tmp_path_factory.mktemp("gateway") / "stderr.txt"
    started = start_local_workspace(stderr, "--deployment-seconds", "0")
    yield started
    started.stop()


def ready(workspace: LocalWorkspace, name: str) -> bool:
    state = call(workspace, "GET", f"{API}/{name}").json()["state"]
    return state == {"ready": "READY", "config_update": "NOT_UPDATING"}


def create(workspace: LocalWorkspace, model: str = MODEL, **settings: Any) -> str:
    name = next(NAMES)
    config = {"served_entities": [{"name": "brick", "entity_name": model, "entity_version": "1"}]}
    made = call(workspace, "POST", API, {"name": name, "config": config} | settings)
    assert made.status_code == 200, made.text
    eventually(lambda: ready(workspace, name))
    grant = {"access_control_list": [{"group_name": "users", "permission_level": "CAN_QUERY"}]}
    assert call(workspace, "PATCH", f"/api/2.0/permissions/serving-endpoints/{made.json()['id']}", grant).ok
    return name


@pytest.fixture
def endpoint(workspace) -> Callable[..., str]:
    """Makes an endpoint with this AI gateway, and gives its name."""
    return lambda **gateway: create(workspace, ai_gateway=gateway)


def ask(workspace: LocalWorkspace, name: str, fault: str = "scripted-0-3", user: str = "admin", **body: Any) -> Any:
    path = f"/serving-endpoints/{name}/invocations"
    return call(workspace, "POST", path, HELLO | body, fault=fault, token=workspace.users[user])


def recorded(workspace: LocalWorkspace, table: str, name: str) -> list[dict[str, Any]]:
    [rows] = call(workspace, "GET", f"/_local/{table}?endpoint={name}").json().values()
    return rows


def usage(workspace: LocalWorkspace, name: str, count: int = 1) -> list[dict[str, Any]]:
    """The rows of an endpoint, once there are `count`: they are written after the reply."""
    return eventually(lambda: len(rows := recorded(workspace, "usage", name)) == count and rows)


def inferences(workspace: LocalWorkspace, name: str, count: int = 1) -> list[dict[str, Any]]:
    """The rows of an endpoint, once there are `count`: they are written after the reply."""
    return eventually(lambda: len(rows := recorded(workspace, "inference-log", name)) == count and rows)


def put_gateway(workspace: LocalWorkspace, name: str, gateway: Any, path: str = "ai-gateway") -> requests.Response:
    return call(workspace, "PUT", f"{API}/{name}/{path}", gateway)


def per_minute(**limit: Any) -> dict[str, Any]:
    return {"renewal_period": "minute"} | limit


def test_a_call_over_the_limit_is_429_and_says_when_to_come_back(workspace, endpoint):
    name = endpoint(rate_limits=[per_minute(calls=2, key="endpoint")])
    assert [ask(workspace, name, user=user).status_code for user in ("admin", "analyst")] == [200, 200]
    refused = ask(workspace, name)
    assert refused.status_code == 429
    assert refused.json() == {
        "error_code": "REQUEST_LIMIT_EXCEEDED",
        "message": f"User defined rate limit(s) exceeded for '{name}'. "
        "Requests-per-minute (RPM) rate limit exceeded for endpoint.",
    }
    assert 50 <= int(refused.headers["retry-after"]) <= 60


def test_openais_routes_and_single_entities_are_limited_alike(workspace, endpoint):
    name = endpoint(rate_limits=[per_minute(calls=1, key="user")])
    assert ask(workspace, name).status_code == 200
    body = HELLO | {"model": name}
    for path in ("/serving-endpoints/chat/completions", "/ai-gateway/mlflow/v1/chat/completions"):
        assert call(workspace, "POST", path, body, fault="scripted-0-1").status_code == 429
    entity = f"/serving-endpoints/{name}/served-models/brick/invocations"
    assert call(workspace, "POST", entity, HELLO, fault="scripted-0-1").status_code == 429
    assert ask(workspace, name, user="analyst").status_code == 200


def test_limits_can_be_changed_and_taken_away_at_once(workspace, endpoint):
    name = endpoint()
    assert put_gateway(workspace, name, {"rate_limits": [per_minute(calls=1)]}).json() == {
        "rate_limits": [per_minute(calls=1, key="endpoint")]
    }
    assert [ask(workspace, name).status_code for _ in range(2)] == [200, 429]
    put_gateway(workspace, name, {"rate_limits": [per_minute(calls=2)]})
    assert [ask(workspace, name).status_code for _ in range(2)] == [200, 429]
    assert put_gateway(workspace, name, {}).json() == {}
    assert ask(workspace, name).status_code == 200


def test_older_rate_limits_hold_too(workspace, endpoint):
    name = endpoint()
    wanted = {"rate_limits": [per_minute(calls=1, key="endpoint")]}
    assert put_gateway(workspace, name, wanted, "rate-limits").json() == wanted
    assert [ask(workspace, name).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_counted_from_replies_and_streams(workspace, endpoint, stream):
    name = endpoint(rate_limits=[per_minute(tokens=30, key="user")])
    assert ask(workspace, name, "scripted-0-28", stream=stream).status_code == 200
    refused = ask(workspace, name)
    assert refused.status_code == 429
    assert "Tokens-per-minute (TPM) rate limit exceeded for user." in refused.json()["message"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("ai-gateway", {"rate_limits": [{"calls": 5}]}, "The field 'rate_limits[0].renewal_period' is missing."),
        ("ai-gateway", {"rate_limits": [per_minute(calls=0)]}, "'rate_limits[0].calls' must be greater than 0."),
        ("ai-gateway", {"rate_limits": [per_minute(calls="5")]}, "'rate_limits[0].calls' must be an integer."),
        ("ai-gateway", {"rate_limits": [per_minute()]}, "A rate limit needs 'calls' or 'tokens'."),
        ("ai-gateway", {"rate_limits": [per_minute(calls=1, key="user_group")]}, "needs a 'principal'."),
        ("ai-gateway", {"rate_limits": [per_minute(calls=1)] * 2}, "There are two rate limits of calls"),
        ("ai-gateway", {"rate_limits": [per_minute(calls=1)] * 21}, "a list of at most 20 items."),
        ("ai-gateway", {"rate_limits": {}}, "The field 'rate_limits' must be a list."),
        ("ai-gateway", {"guardrails": {"input": {"safety": True}}}, "'guardrails.input.safety' needs a model"),
        (
            "ai-gateway",
            {"guardrails": {"output": {"pii": {"behavior": "MASK"}}}},
            "'guardrails.output.pii' needs a model",
        ),
        (
            "ai-gateway",
            {"guardrails": {"input": {"valid_topics": ["bricks"]}}},
            "'guardrails.input.valid_topics' needs",
        ),
        ("ai-gateway", {"guardrails": {"input": {"invalid_keywords": [""]}}}, "a string that is not empty."),
        (
            "ai-gateway",
            {"inference_table_config": {"enabled": True}},
            "'inference_table_config.catalog_name' is needed",
        ),
        ("ai-gateway", {"usage_tracking_config": {"enabled": "yes"}}, "must be true or false."),
        ("rate-limits", {"rate_limits": [per_minute(tokens=5)]}, "The field 'rate_limits[0].calls' is missing."),
        ("rate-limits", {"rate_limits": [per_minute(calls=5, key="user_group")]}, "'rate_limits[0].key' must be"),
    ],
)
def test_settings_that_cannot_work_are_refused_and_change_nothing(workspace, endpoint, path, body, sentence):
    name = endpoint(**TRACKED)
    refused = put_gateway(workspace, name, body, path)
    assert refused.status_code == 400
    assert refused.json()["error_code"] in {"BAD_REQUEST", "INVALID_PARAMETER_VALUE"}
    assert sentence in refused.json()["message"]
    shown = call(workspace, "GET", f"{API}/{name}").json()
    assert shown["ai_gateway"] == TRACKED
    if path == "ai-gateway":
        made = call(workspace, "POST", API, {"name": next(NAMES), "ai_gateway": body})
        assert (made.status_code, made.json()["message"]) == (400, refused.json()["message"])


def test_an_inference_table_must_be_disabled_before_it_is_renamed(workspace, endpoint):
    name = endpoint(**TABLE)
    renamed = {"inference_table_config": TABLE["inference_table_config"] | {"catalog_name": "other"}}
    refused = put_gateway(workspace, name, renamed)
    assert refused.status_code == 400
    assert "disable it first" in refused.json()["message"]
    assert put_gateway(workspace, name, {"inference_table_config": {"enabled": False}}).ok
    assert put_gateway(workspace, name, renamed).ok


def test_only_a_manager_changes_the_gateway(workspace, endpoint):
    name = endpoint()
    for path in ("ai-gateway", "rate-limits"):
        refused = call(workspace, "PUT", f"{API}/{name}/{path}", {}, token=workspace.users["analyst"])
        assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "content", ["Tell me about RED Mortar.", [{"type": "text", "text": "fine"}, {"type": "text", "text": "red mortar"}]]
)
def test_a_forbidden_word_in_a_prompt_never_reaches_the_model(workspace, endpoint, content):
    name = endpoint(guardrails={"input": {"invalid_keywords": ["red mortar"]}}, **TRACKED)
    turns = [{"role": "user", "content": content}, {"role": "assistant", "content": "ok"}]
    refused = ask(workspace, name, messages=[*turns, {"role": "user", "content": "go on"}])
    assert (refused.status_code, refused.json()["error_code"]) == (400, "BAD_REQUEST")
    found = json.loads(refused.json()["message"])
    assert found["finishReason"] == "input_guardrail_triggered"
    assert found["input_guardrail"][0]["flagged"] is True
    assert found["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
    assert ask(workspace, name, messages=[{"role": "user", "content": "blue mortar"}]).status_code == 200
    assert [row["status_code"] for row in usage(workspace, name, 2)] == [400, 200]


def test_prompts_and_texts_to_embed_are_looked_at_too(workspace, endpoint):
    gateway = {"guardrails": {"input": {"invalid_keywords": ["mortar"]}}}
    name = endpoint(**gateway)
    body = {"model": name, "prompt": ["bricks", "and mortar"]}
    assert "input_guardrail" in call(workspace, "POST", "/serving-endpoints/completions", body).json()["message"]
    vectors = create(workspace, EMBEDDINGS, ai_gateway=gateway)
    path = f"/serving-endpoints/{vectors}/invocations"
    assert "input_guardrail" in call(workspace, "POST", path, {"input": ["mortar"]}).json()["message"]


def test_a_forbidden_word_in_an_answer_blocks_it_unless_it_streams(workspace, endpoint):
    name = endpoint(guardrails={"output": {"invalid_keywords": ["벽돌"]}})
    refused = ask(workspace, name)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "BAD_REQUEST")
    found = json.loads(refused.json()["message"])
    assert found["finishReason"] == "output_guardrail_triggered"
    assert found["output_guardrail"][0]["flagged"] is True
    assert found["usage"]["completion_tokens"] == 3
    assert "벽돌" not in refused.text
    assert ask(workspace, name, "scripted-0-1").status_code == 200
    assert events(ask(workspace, name, stream=True))[-1] == "[DONE]"


def test_usage_has_who_asked_what_and_what_it_took(workspace, endpoint):
    name = endpoint(**TRACKED)
    context = {"project": "wall"}
    replied = ask(workspace, name, user="analyst", client_request_id="mine-1", usage_context=context)
    [row] = usage(workspace, name)
    assert row["databricks_request_id"] == replied.headers["x-request-id"]
    assert (row["requester"], row["client_request_id"], row["usage_context"]) == ("analyst@local", "mine-1", context)
    assert (row["endpoint_name"], row["task"], row["status_code"]) == (name, "llm/v1/chat", 200)
    assert row["served_entity_name"] == replied.headers["served-model-name"]
    assert (row["outcome"], row["request_streaming"]) == ("complete", False)
    counted = replied.json()["usage"]
    assert (row["input_token_count"], row["output_token_count"]) == (counted["prompt_tokens"], 3)
    assert row["response_bytes"] == len(replied.content)
    assert 0 < row["time_to_first_byte_ms"] <= row["execution_duration_ms"] < 60_000


@pytest.mark.parametrize("words", ["scripted-0-4", "scripted-0-4 usage-on-every-chunk"])
def test_a_streams_usage_is_its_last(workspace, endpoint, words):
    name = endpoint(**TRACKED)
    ask(workspace, name, words, stream=True)
    [row] = usage(workspace, name)
    assert (row["output_token_count"], row["request_streaming"], row["outcome"]) == (4, True, "complete")


def test_a_stream_is_not_held_up_by_being_watched(workspace, endpoint):
    name = endpoint(**TRACKED, **TABLE)
    path = f"/serving-endpoints/{name}/invocations"
    reply = call(workspace, "POST", path, HELLO | {"stream": True}, fault="scripted-10-20", stream=True)
    pieces = reply.iter_content(None)
    first = next(pieces)
    assert workspace.last_request(path).outcome == "running"  # for two seconds
    assert first.startswith(b"data: ")
    rest = b"".join(pieces)
    [row] = usage(workspace, name)
    assert row["time_to_first_byte_ms"] < row["execution_duration_ms"] / 2
    assert row["response_bytes"] == len(first + rest)


def test_a_caller_who_hangs_up_is_recorded(workspace, endpoint):
    name = endpoint(**TRACKED, **TABLE)
    address = urlsplit(workspace.host)
    body = json.dumps(HELLO | {"stream": True})
    head = (
        f"POST /serving-endpoints/{name}/invocations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {workspace.token}\r\n"
        f"x-local-fault: scripted-20-200\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port or 80), timeout=10) as connection:
        connection.sendall((head + body).encode())
        while b"Brick" not in connection.recv(65536):
            pass
    [row] = usage(workspace, name)
    assert (row["outcome"], row["status_code"]) == ("client_closed", 200)
    [logged] = inferences(workspace, name)
    assert "Brick" in logged["response"]
    assert "[DONE]" not in logged["response"]


def test_a_reply_that_breaks_is_recorded(workspace, endpoint):
    name = endpoint(**TRACKED)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(workspace, name, "scripted-0-9 break-after-2", stream=True)
    [row] = usage(workspace, name)
    assert (row["outcome"], row["status_code"]) == ("broken", 200)


def test_embeddings_count_the_tokens_asked(workspace):
    name = create(workspace, EMBEDDINGS, ai_gateway=TRACKED)
    vectors = call(workspace, "POST", f"/serving-endpoints/{name}/invocations", {"input": ["brick"] * 40}).json()
    [row] = usage(workspace, name)
    assert (row["input_token_count"], row["output_token_count"]) == (vectors["usage"]["prompt_tokens"], None)
    assert row["task"] == "llm/v1/embeddings"


def test_refusals_are_recorded_with_their_status(workspace, endpoint):
    name = endpoint(**TRACKED, **TABLE)
    refused = ask(workspace, name, temperature="hot")
    assert refused.status_code == 400
    [row], [logged] = usage(workspace, name), inferences(workspace, name)
    assert (row["status_code"], row["outcome"], row["input_token_count"]) == (400, "complete", None)
    assert json.loads(logged["response"]) == refused.json()


def test_nothing_is_recorded_unless_it_is_asked_for(workspace, endpoint):
    name = endpoint(usage_tracking_config={"enabled": False})
    assert ask(workspace, name).status_code == 200
    assert [recorded(workspace, table, name) for table in ("usage", "inference-log")] == [[], []]


def test_the_inference_log_has_what_was_said_word_for_word(workspace, endpoint):
    name = endpoint(**TABLE)
    whole = ask(workspace, name, client_request_id="mine-2")
    streamed = ask(workspace, name, stream=True)
    first, second = inferences(workspace, name, 2)
    assert json.loads(first["request"]) == HELLO | {"client_request_id": "mine-2"}
    assert first["response"].encode() == whole.content
    assert second["response"].encode() == streamed.content
    assert (first["client_request_id"], first["sampling_fraction"], first["requester"]) == (
        "mine-2",
        1.0,
        "admin@local",
    )
    assert first["request_time"].startswith(first["request_date"])
    assert (first["logging_error_codes"], first["status_code"]) == ([], 200)
    assert recorded(workspace, "usage", name) == []


def test_a_body_over_a_megabyte_is_cut_in_the_log(workspace, endpoint):
    name = endpoint(**TABLE)
    turns = [{"role": "user", "content": "벽" * 200_000}]
    ask(workspace, name, messages=turns)
    [row] = inferences(workspace, name)
    assert row["logging_error_codes"] == ["MAX_REQUEST_SIZE_EXCEEDED"]
    assert len(row["request"]) == 1024 * 1024


@pytest.mark.parametrize("table", ["usage", "inference-log"])
def test_only_the_admin_reads_the_tables_and_only_with_good_parameters(workspace, table):
    refused = call(workspace, "GET", f"/_local/{table}", token=workspace.users["analyst"])
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    for since in ("x", "-1", "1.5", "9" * 40):
        assert call(workspace, "GET", f"/_local/{table}?since={since}").status_code == 400
    assert call(workspace, "GET", f"/_local/{table}?endpoint=no-such").status_code == 200


def test_since_gives_later_rows_only(workspace, endpoint):
    name = endpoint(**TRACKED)
    for _ in range(3):
        ask(workspace, name)
    first, *_ = usage(workspace, name, 3)
    later = call(workspace, "GET", f"/_local/usage?endpoint={name}&since={first['id']}").json()["endpoint_usage"]
    assert len(later) == 2


def metrics(workspace: LocalWorkspace, name: str) -> dict[str, float]:
    """The sums of an endpoint's exported series, by name."""
    exported = call(workspace, "GET", f"{API}/{name}/metrics")
    assert exported.headers["content-type"].startswith("text/plain")
    sums: dict[str, float] = {}
    for line in exported.text.splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            assert f'endpoint_name="{name}"' in series
            metric = series.partition("{")[0]
            sums[metric] = sums.get(metric, 0.0) + float(value)
    return sums


def test_metrics_count_the_last_minute(workspace, endpoint):
    name = endpoint()
    assert metrics(workspace, name)["request_count_total"] == 0
    for words, body in (("scripted-0-3", {}), ("scripted-0-3", {"stream": True}), ("scripted-0-1", {"n": 9})):
        ask(workspace, name, words, **body)
    found = eventually(lambda: (them := metrics(workspace, name))["request_count_total"] == 3 and them)
    assert (found["request_4xx_count_total"], found["request_5xx_count_total"]) == (1, 0)
    assert found["request_latency_ms_count"] == 3
    assert found["request_latency_ms_sum"] > 0
    assert (found["local_output_tokens"], found["local_concurrent_requests"]) == (6, 0)


def test_metrics_show_what_is_being_answered_now(workspace, endpoint):
    name = endpoint()
    path = f"/serving-endpoints/{name}/invocations"
    reply = call(workspace, "POST", path, HELLO | {"stream": True}, fault="scripted-20-100", stream=True)
    pieces = reply.iter_content(None)
    next(pieces)
    assert metrics(workspace, name)["local_concurrent_requests"] == 1
    reply.close()
    eventually(lambda: metrics(workspace, name)["local_concurrent_requests"] == 0)


def test_what_was_recorded_survives_the_servers_sudden_end(make_local_workspace, tmp_path):
    first = make_local_workspace("--state", str(tmp_path), "--deployment-seconds", "0")
    name = create(first, ai_gateway=TRACKED | TABLE)
    asked = ask(first, name)
    inferences(first, name)
    first.process.kill()
    first.process.wait()
    second = make_local_workspace("--state", str(tmp_path), "--deployment-seconds", "0")
    assert [row["databricks_request_id"] for row in usage(second, name)] == [asked.headers["x-request-id"]]
    assert len(inferences(second, name)) == 1
