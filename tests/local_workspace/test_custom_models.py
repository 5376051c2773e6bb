"""Custom models: how they are asked, what they answer, and what is refused."""

import json

import pytest

from tests.local_workspace.calls import call, events
from tests.local_workspace.custom_model_calls import ask, model, obey, order, serving
from tests.local_workspace.secrets_calls import post
from tests.local_workspace.serving_calls import ROOT, create, created, new_name, settled

NUMBERS = {"a": [1, 2], "b": [0.5, 1.5]}
RECORDS = [{"a": 1, "b": 0.5}, {"a": 2, "b": 1.5}]
FORMS = {
    "dataframe_records": RECORDS,
    "dataframe_split": {"columns": ["b", "a"], "data": [[0.5, 1], [1.5, 2]]},
    "inputs": NUMBERS,
    "instances": RECORDS,
}
ONE_FORM = "The input must be a JSON dictionary with exactly one of the input fields"


@pytest.mark.parametrize("form", FORMS)
def test_a_typed_model_takes_every_form_of_mlflows_scoring(model_workspace, form):
    response = ask(model_workspace, serving(model_workspace, "tests.sum"), {form: FORMS[form]})
    assert (response.status_code, response.json()) == (200, {"predictions": [1.5, 3.5]})
    assert response.headers["served-model-name"] == "model"
    assert response.headers["content-type"] == "application/json"


def test_a_typed_model_takes_csv(model_workspace):
    path = f"/serving-endpoints/{serving(model_workspace, 'tests.sum')}/invocations"
    response = call(model_workspace, "POST", path, data="a,b\n1,0.5\n", headers={"content-type": "text/csv"})
    assert response.json() == {"predictions": [1.5]}


def test_params_reach_the_model_and_must_fit_their_schema(model_workspace):
    endpoint = serving(model_workspace, "tests.sum")
    assert ask(model_workspace, endpoint, {"inputs": NUMBERS, "params": {"times": 10}}).json()["predictions"] == [
        15,
        35,
    ]
    wrong = ask(model_workspace, endpoint, {"inputs": NUMBERS, "params": {"times": "often"}})
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "Invalid parameters found" in wrong.json()["message"]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, ONE_FORM),
        ({"rows": []}, ONE_FORM),
        ({"inputs": NUMBERS, "dataframe_records": RECORDS}, ONE_FORM),
        ({"dataframe_records": [{"b": 1.0}]}, "Failed to enforce schema"),
        ({"dataframe_records": [{"a": "one"}]}, "Failed to convert column a to type 'int64'"),
        ({"dataframe_records": 7}, "must be a list of records"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, ""),
        ({"dataframe_split": []}, ""),
        ({"inputs": None}, ""),
        ({"instances": "벽돌" * 1000}, ""),
        ({"inputs": {"a": [[[[]]]]}}, ""),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_mlflows_sentence(model_workspace, body, part):
    response = ask(model_workspace, serving(model_workspace, "tests.sum"), body)
    assert response.status_code == 400
    assert response.json()["error_code"] in {"BAD_REQUEST", "INVALID_PARAMETER_VALUE"}
    assert part in response.json()["message"]


@pytest.mark.parametrize(
    ("content_type", "data", "status"),
    [
        ("text/plain", b"a,b\n1,2\n", 415),
        ("application/octet-stream", b"\0\xff", 415),
        ("text/csv", b"\xff\xfe", 400),
        ("text/csv", b"", 400),
        ("application/vnd.apache.parquet", b"PAR1 but not really", 400),
        ("application/json", b"{", 400),
        ("application/json", b"[1]", 400),
        ("", b"\xff", 400),
    ],
)
def test_bytes_that_are_no_input_are_refused(model_workspace, content_type, data, status):
    path = f"/serving-endpoints/{serving(model_workspace, 'tests.sum')}/invocations"
    response = call(model_workspace, "POST", path, data=data, headers={"content-type": content_type})
    assert response.status_code == status, response.text
    assert set(response.json()) >= {"error_code", "message"}


def test_a_model_without_a_signature_gets_what_was_sent(model_workspace):
    endpoint = serving(model_workspace, "tests.echo")
    table = ask(model_workspace, endpoint, {"dataframe_records": [{"x": "벽돌", "y": [1, 2]}]}).json()["predictions"]
    assert table == {"kind": "DataFrame", "got": [{"x": "벽돌", "y": [1, 2]}]}
    array = ask(model_workspace, endpoint, {"inputs": [[1, 2], [3, 4]]}).json()["predictions"]
    assert array == {"kind": "ndarray", "got": [[1, 2], [3, 4]]}


def test_a_chat_shaped_body_is_answered_without_predictions_around_it(model_workspace):
    endpoint = serving(model_workspace, "tests.obedient")
    body = {"messages": [{"role": "user", "content": "Hello, 벽돌."}]}
    assert ask(model_workspace, endpoint, body).json()["choices"][0]["message"]["content"] == "Hello, 벽돌."


def test_a_stream_has_one_event_for_each_chunk_and_ends_with_done(model_workspace):
    response = ask(model_workspace, serving(model_workspace, "tests.echo"), {"inputs": "one two", "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["served-model-name"] == "model"
    assert events(response) == [{"predictions": {"word": "one"}}, {"predictions": {"word": "two"}}, "[DONE]"]


def test_a_stream_of_a_prompt_has_the_models_own_chunks(model_workspace):
    response = ask(
        model_workspace, serving(model_workspace, "tests.echo"), {"prompt": "", "words": "a b", "stream": True}
    )
    assert events(response) == [{"word": "a"}, {"word": "b"}, "[DONE]"]


@pytest.mark.parametrize("stream", [{}, {"stream": False}, {"stream": "true"}, {"stream": None}])
def test_without_stream_the_same_model_answers_whole(model_workspace, stream):
    response = ask(model_workspace, serving(model_workspace, "tests.echo"), {"inputs": ["a b"]} | stream)
    assert response.json() == {"predictions": {"kind": "ndarray", "got": ["a b"]}}


def test_a_stream_that_fails_on_its_way_ends_with_an_error_event(model_workspace):
    said = events(ask(model_workspace, serving(model_workspace, "tests.echo"), {"inputs": "one fail", "stream": True}))
    assert said[0] == {"predictions": {"word": "one"}}
    assert (said[1]["error_code"], len(said)) == ("BAD_REQUEST", 2)
    assert said[1]["error"]["message"] == said[1]["message"]


def test_a_stream_that_fails_at_once_is_a_plain_error(model_workspace):
    failed = ask(model_workspace, serving(model_workspace, "tests.echo"), {"inputs": "fail", "stream": True})
    assert (failed.status_code, failed.json()["error_code"]) == (400, "BAD_REQUEST")
    assert "This word is too much." in failed.json()["stack_trace"]
    unable = ask(model_workspace, serving(model_workspace, "tests.sum"), {"inputs": NUMBERS, "stream": True})
    assert unable.status_code == 400


def test_an_error_in_the_model_is_400_with_its_stack_trace(model_workspace):
    response = ask(model_workspace, serving(model_workspace, "tests.obedient"), order("fail This is my own fault."))
    assert (response.status_code, response.json()["error_code"]) == (400, "BAD_REQUEST")
    assert response.json()["message"].startswith("Encountered an unexpected error while evaluating the model.")
    assert response.json()["message"].endswith("Error 'This is my own fault.'")
    assert "ValueError: This is my own fault." in response.json()["stack_trace"]


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("refuse too often", 429, "RESOURCE_EXHAUSTED"),
        ("blame_mlflow it says 500", 400, "BAD_REQUEST"),
        ("leave now", 400, "BAD_REQUEST"),
        ("no_such_order", 400, "BAD_REQUEST"),
        ("fail_speechless now", 400, "BAD_REQUEST"),
    ],
)
def test_whatever_a_model_raises_is_a_4xx_and_the_model_goes_on(model_workspace, words, status, code):
    endpoint = serving(model_workspace, "tests.obedient")
    pid = obey(model_workspace, endpoint, "pid")
    response = ask(model_workspace, endpoint, order(words))
    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert obey(model_workspace, endpoint, "pid") == pid


def test_the_environment_has_resolved_secrets_and_the_way_back_as_the_creator(model_workspace):
    post(model_workspace, "scopes/create", scope="models")
    post(model_workspace, "put", scope="models", key="key", string_value="canary-벽돌-17")
    variables = {"MODEL_KEY": "{{secrets/models/key}}", "PLAIN": "a=b {{not a reference}}"}
    endpoint = created(model_workspace, model("tests.obedient", environment_vars=variables))
    assert obey(model_workspace, endpoint, "environment MODEL_KEY") == "canary-벽돌-17"
    assert obey(model_workspace, endpoint, "environment PLAIN") == "a=b {{not a reference}}"
    assert obey(model_workspace, endpoint, "environment DATABRICKS_HOST") == model_workspace.host
    token = obey(model_workspace, endpoint, "environment DATABRICKS_TOKEN")
    assert token not in model_workspace.users.values()
    me = call(model_workspace, "GET", "/api/2.0/preview/scim/v2/Me", token=token).json()
    assert me["userName"] == "admin@local"
    shown = call(model_workspace, "GET", f"{ROOT}/{endpoint}").text
    logs = call(model_workspace, "GET", f"{ROOT}/{endpoint}/served-models/model/logs").text
    assert "{{secrets/models/key}}" in shown
    for text in (shown, logs, model_workspace.stderr.read_text()):
        assert "canary" not in text


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"entity_name": "tests.nothing"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ({"entity_version": "99"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ({"entity_version": "latest"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"entity_version": "0"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"entity_version": "-1"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"entity_version": "9" * 400}, 400, "INVALID_PARAMETER_VALUE"),
        ({"entity_name": "../../etc"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"entity_name": "벽돌" * 400}, 400, "INVALID_PARAMETER_VALUE"),
        ({"environment_vars": {"KEY": "{{secrets/nowhere/nothing}}"}}, 400, "INVALID_PARAMETER_VALUE"),
        ({"environment_vars": {"A=B": "x"}}, 400, "INVALID_PARAMETER_VALUE"),
        ({"environment_vars": {"": "x"}}, 400, "INVALID_PARAMETER_VALUE"),
        ({"environment_vars": {"NUL": "a\0b"}}, 400, "INVALID_PARAMETER_VALUE"),
        ({"environment_vars": {"LONG": "x" * 200_000}}, 400, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_what_can_never_be_served_is_refused_at_once(model_workspace, fields, status, code):
    config = {"served_entities": [model("tests.sum", **fields)]}
    response = call(model_workspace, "POST", ROOT, {"name": new_name(), "config": config})
    assert (response.status_code, response.json()["error_code"]) == (status, code), response.text
    assert len(response.text) < 1000


def test_a_model_that_cannot_be_loaded_fails_its_deployment_with_the_reason(model_workspace):
    name = new_name()
    create(model_workspace, name, model("tests.unloadable"))
    failed = settled(model_workspace, name)
    assert failed["state"] == {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}
    [entity] = failed["pending_config"]["served_entities"]
    assert entity["state"]["deployment"] == "DEPLOYMENT_FAILED"
    assert "a_package_that_nobody_has" in entity["state"]["deployment_state_message"]
    build_log = call(model_workspace, "GET", f"{ROOT}/{name}/served-models/model/build-logs").json()["logs"]
    assert "Loading version 1 of the registered model 'tests.unloadable'." in build_log
    assert "ModuleNotFoundError" in build_log


def test_the_schema_is_made_from_the_signature(model_workspace):
    document = call(model_workspace, "GET", f"{ROOT}/{serving(model_workspace, 'tests.sum')}/openapi").json()
    post_ = document["paths"]["/served-models/model/invocations"]["post"]
    asked = post_["requestBody"]["content"]["application/json"]["schema"]
    forms = {form["required"][0]: form["properties"] for form in asked["oneOf"]}
    assert set(forms) == set(FORMS)
    row = forms["dataframe_records"]["dataframe_records"]["items"]
    assert (row["properties"]["a"]["type"], row["required"]) == ("integer", ["a"])
    assert forms["inputs"]["params"]["properties"]["times"]["default"] == 1
    answered = post_["responses"]["200"]["content"]["application/json"]["schema"]
    assert answered["properties"]["predictions"]["items"]["type"] == "number"


def test_a_model_without_a_signature_has_no_schema(model_workspace):
    response = call(model_workspace, "GET", f"{ROOT}/{serving(model_workspace, 'tests.echo')}/openapi")
    assert (response.status_code, "without a signature" in response.json()["message"]) == (400, True)


def test_what_a_model_prints_is_in_its_logs(model_workspace):
    endpoint = serving(model_workspace, "tests.obedient")
    obey(model_workspace, endpoint, "say A brick in the log.")
    logs = call(model_workspace, "GET", f"{ROOT}/{endpoint}/served-models/model/logs").json()["logs"]
    assert "A brick in the log." in logs.splitlines()


def test_what_a_model_raised_is_in_its_logs_for_clients_that_show_only_the_message(model_workspace):
    endpoint = serving(model_workspace, "tests.obedient")
    ask(model_workspace, endpoint, order("fail A brick fell out."))
    logs = call(model_workspace, "GET", f"{ROOT}/{endpoint}/served-models/model/logs").json()["logs"]
    assert "ValueError: A brick fell out." in logs.splitlines()


def test_a_body_over_16_mb_is_413_and_one_below_is_answered(model_workspace):
    endpoint = serving(model_workspace, "tests.echo")
    small = {"dataframe_records": [{"x": "x" * 6_000_000}]}
    assert len(json.dumps(ask(model_workspace, endpoint, small).json())) > 6_000_000
    assert ask(model_workspace, endpoint, {"inputs": ["x" * 17_000_000]}).status_code == 413
