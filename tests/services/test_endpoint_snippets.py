"""A change of an endpoint as code: it compiles, holds no credential, and sends the same request when it is run."""

import json
import shlex
import subprocess
import sys

import pytest

from services.endpoint_setup import traffic_change
from services.endpoints import (
    Grant,
    ai_gateway_change,
    delete_change,
    grant_change,
    rate_limits_change,
    revoke_change,
    start_change,
    stop_change,
    tags_change,
)
from services.endpoints.reading import detail_from_wire
from services.snippets.endpoints import endpoint_snippets
from tests.local_workspace.serving_calls import entity
from tests.services.chats import TOKEN
from tests.services.replies import reply_server, whole
from tests.services.snippet_cases import environment, run_python

NAME = "an-endpoint_2"
ID = "0123456789abcdef0123456789abcdef"
HOSTILE = 'it\'s "quoted" $(touch /tmp/never) `x` \\ {a} 벽'
ANN, BOB = Grant("user_name", "ann@example.com", "CAN_MANAGE"), Grant("group_name", "bob's", "CAN_QUERY")
LIMIT = {"calls": 5, "key": "user", "renewal_period": "minute"}
EXTERNAL = {
    "provider": "openai",
    "name": "m",
    "task": "llm/v1/chat",
    "openai_config": {"openai_api_key": "{{secrets/s/k}}"},
}


def serving(*entities):
    return detail_from_wire({"name": NAME, "config": {"served_entities": list(entities)}})


CHANGES = {
    "tags": tags_change(NAME, {"team": HOSTILE, "tier": ""}, ["old"]),
    "tags gone": tags_change(NAME, {}, ["old", "o'"]),
    "rate limits": rate_limits_change(NAME, [LIMIT]),
    "no rate limits": rate_limits_change(NAME, []),
    "gateway": ai_gateway_change(
        NAME,
        {
            "guardrails": {"input": {"invalid_keywords": [HOSTILE], "pii": {"behavior": "BLOCK"}}},
            "rate_limits": [LIMIT | {"tokens": 7}],
            "usage_tracking_config": {"enabled": True},
            "fallback_config": {"enabled": False},
            "inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s"},
        },
    ),
    "no gateway": ai_gateway_change(NAME, {}),
    "gateway of next year": ai_gateway_change(NAME, {"of_next_year": {"deep": [1, None, HOSTILE]}}),
    "traffic": traffic_change(
        serving(entity("a", scale_to_zero_enabled=True, environment_vars={"K": "{{secrets/s/k}}"}), entity("b")),
        {"a": 90, "b": 10},
    ),
    "external traffic": traffic_change(serving({"name": "a", "external_model": EXTERNAL}), {"a": 100}),
    "provisioned traffic": traffic_change(serving(entity("a", provisioned_model_units=50)), {"a": 100}),
    "grant": grant_change(ID, NAME, BOB),
    "revoke": revoke_change(ID, NAME, [ANN, BOB], BOB),
    "stop": stop_change(NAME),
    "start": start_change(NAME),
    "delete": delete_change(NAME),
}
every = pytest.mark.parametrize("case", CHANGES)


def code(case, dialect):
    return next(one for one in endpoint_snippets(CHANGES[case]) if one.dialect == dialect)


@every
def test_code_is_of_its_language_and_takes_its_credentials_from_the_environment(case):
    for snippet in endpoint_snippets(CHANGES[case]):
        if snippet.language == "python":
            compile(snippet.code, snippet.dialect, "exec")
        else:
            checked = subprocess.run(["bash", "-n"], input=snippet.code, capture_output=True, text=True)
            assert (checked.returncode, checked.stderr) == (0, "")
        assert "dapi" not in snippet.code
        assert "://" not in snippet.code


@every
def test_the_cli_gets_the_body_that_is_sent(case):
    words = shlex.split(code(case, "Databricks CLI").code)
    change = CHANGES[case]
    assert words[0] == "databricks"
    if "--json" in words:
        assert json.loads(words[words.index("--json") + 1]) == change.body
    else:
        assert change.body is None
    assert NAME in " ".join(words) or ID in words


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """What the SDK's and curl's code of each change sends, by case."""
    home = tmp_path_factory.mktemp("home")
    reply = {"name": NAME, "tags": [], "state": {"config_update": "NOT_UPDATING"}}
    with reply_server(whole(reply)) as server:
        here = environment(server.host, TOKEN, home)
        ran = run_python(sys.executable, [(code(case, "databricks-sdk").code, here) for case in CHANGES])
        assert [one["failed"] for one in ran] == [""] * len(CHANGES)
        python = [one for one in server.received if one.path.startswith("/api/2.0/")]
        server.received.clear()
        for case in CHANGES:
            done = subprocess.run(
                ["bash", "-c", code(case, "curl").code], env=here, capture_output=True, text=True, timeout=30
            )
            assert done.returncode == 0, done.stderr
        return {case: pair for case, pair in zip(CHANGES, zip(python, server.received, strict=True), strict=True)}  # noqa: C416


@every
def test_code_sends_the_request_that_the_page_sends(sent, case):
    change = CHANGES[case]
    for received in sent[case]:
        assert (received.method, received.path) == (change.method, change.path)
        assert received.headers["Authorization"] == f"Bearer {TOKEN}"
        assert (json.loads(received.body) if received.body else None) == change.body


def test_what_replaces_or_destroys_says_so():
    notes = {case: {one.note for one in endpoint_snippets(change)} for case, change in CHANGES.items()}
    assert notes["gateway"] == {"It replaces all settings of the gateway: what is not in it is taken away."}
    assert notes["delete"] == {"It cannot be undone."}
    assert "every permission" in next(iter(notes["revoke"]))
    assert notes["tags"] == {""}
