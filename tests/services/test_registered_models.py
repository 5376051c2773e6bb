"""Registered models of both registries: found by name, page by page, with their versions and what they take."""

import contextlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from services.doors import typed
from services.errors import EndpointFailed, NotFound, Unreachable
from services.registered_models import (
    Column,
    ModelVersion,
    RegisteredModel,
    Registry,
    get_signature,
    list_models,
    list_versions,
)
from services.registered_models.signature import NONE_LOGGED, NOT_TOLD
from tests.services.chats import at
from tests.services.replies import Exchange, whole

PROMPT_MODEL = "local.models.prompt-model"
API = "/api/2.0/mlflow"
CATALOG = "/api/2.1/unity-catalog/models"
SIGNATURE = {
    "inputs": json.dumps([
        {"name": "a", "type": "long", "required": True},
        {"name": "words", "type": "array", "items": {"type": "array", "items": {"type": "string"}}, "required": False},
        {"name": "who", "type": "object", "properties": {"first": {"type": "string"}, "last": {"type": "string"}}},
        {"name": "counts", "type": "map", "values": {"type": "double"}},
        {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}},
    ]),
    "outputs": json.dumps([{"type": "double"}]),
    "params": json.dumps([{"name": "stops", "type": "string", "default": None, "shape": [-1]}]),
}  # fmt: skip


def answers(routes):
    """A server whose replies depend on the path, and on the page asked for; anything else is 404 as the platform says it."""

    def reply(exchange: Exchange) -> None:
        parts = urlsplit(exchange.received.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = routes.get((parts.path, query.get("page_token", "")), routes.get(parts.path))
        if found is None:
            whole({"error_code": "ENDPOINT_NOT_FOUND", "message": f"No API found for {parts.path}"}, 404)(exchange)
        elif isinstance(found, tuple):
            whole(found[1], found[0])(exchange)
        else:
            whole(found, content_type="text/plain" if isinstance(found, str) else "application/json")(exchange)

    return reply


def asked(received):
    parts = urlsplit(received.path)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.fixture(scope="module")
def registry(local_workspace):
    """The shared workspace with models of these tests beside the seeded one, taken away at the end."""
    names = ["setup.it's", "Setup.Other"]
    with contextlib.closing(typed(local_workspace.host, local_workspace.users["admin"])) as admin:
        list_models(admin, Registry.WORKSPACE)  # starts the registry
        try:
            for name in names:
                admin.change("POST", f"{API}/registered-models/create", {"name": name}, name=name)
            for number in range(1, 12):
                made = {"name": names[0], "source": f"models:/{PROMPT_MODEL}/1", "description": f"number {number}"}
                admin.change("POST", f"{API}/model-versions/create", made, name=names[0])
            for alias, number in (("champion", "11"), ("first", "1"), ("eldest", "1")):
                alias_of = {"name": names[0], "alias": alias, "version": number}
                admin.change("POST", f"{API}/registered-models/alias", alias_of, name=names[0])
            yield admin
        finally:
            for name in names:
                with contextlib.suppress(NotFound):
                    admin.change("DELETE", f"{API}/registered-models/delete", {"name": name}, name=name)


# --- the workspace's registry


def test_models_are_listed_with_what_a_person_chooses_by(registry):
    page = list_models(registry, Registry.WORKSPACE)
    [model] = [one for one in page.models if one.name == PROMPT_MODEL]
    assert model.description.startswith("Continues a prompt.")
    assert (model.latest_version, page.next_token, page.note) == ("1", "", "")
    assert model.updated_ms


@pytest.mark.parametrize(
    ("typed_text", "found"),
    [("PROMPT", [PROMPT_MODEL]), ("it's", ["setup.it's"]), (" setup ", ["Setup.Other", "setup.it's"]), ("no such", [])],
)
def test_models_are_found_by_a_part_of_their_name_in_any_case(registry, typed_text, found):
    assert sorted(one.name for one in list_models(registry, Registry.WORKSPACE, typed_text).models) == found


@pytest.mark.parametrize("typed_text", ["' OR name = '", "'\"", "%'; DROP", "\\", "a\x00b", "벽돌"])
def test_a_search_for_anything_is_an_answer(registry, typed_text):
    assert list_models(registry, Registry.WORKSPACE, typed_text).models == ()


def test_versions_come_newest_first_with_their_aliases(registry):
    model = RegisteredModel(Registry.WORKSPACE, "setup.it's")
    versions = list_versions(registry, model)
    assert [one.version for one in versions] == [str(number) for number in range(11, 0, -1)]
    assert versions[0].aliases == ("champion",)
    assert sorted(versions[-1].aliases) == ["eldest", "first"]
    assert versions[0].description == "number 11"
    assert (versions[0].stage, versions[0].status) == ("", "READY")


def test_an_analyst_sees_them_too(registry, analyst):
    assert list_models(analyst, Registry.WORKSPACE, "prompt").models


def test_the_signature_is_read_where_the_workspace_serves_the_models_files(registry):
    [version] = list_versions(registry, RegisteredModel(Registry.WORKSPACE, PROMPT_MODEL))
    answer = get_signature(registry, version)
    assert answer.signature.inputs == (Column("prompt", "string"), Column("stop", "array of string", required=False))
    assert answer.signature.outputs == (Column("", "string"),)
    assert answer.signature.params == (
        Column("temperature", "double", default=0.2),
        Column("max_tokens", "integer", default=256),
    )


def test_the_signature_of_a_copied_version_is_the_one_of_what_it_copies(registry):
    version = list_versions(registry, RegisteredModel(Registry.WORKSPACE, "setup.it's"))[0]
    assert [one.name for one in get_signature(registry, version).signature.inputs] == ["prompt", "stop"]


# --- Unity Catalog, and registries that are not there


def test_a_registry_that_is_not_there_is_an_empty_answer_with_a_sentence(registry):
    page = list_models(registry, Registry.UNITY_CATALOG)
    assert (page.models, page.note) == ((), "This workspace has no Unity Catalog.")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, {"error_code": "METASTORE_DOES_NOT_EXIST", "message": "No metastore assigned"}, "has no Unity Catalog"),
        (400, {"error_code": "INVALID_STATE", "message": "No metastore assigned"}, "has no Unity Catalog"),
        (403, {"error_code": "PERMISSION_DENIED", "message": "no"}, "You may not list"),
    ],
)
def test_a_refusal_is_a_sentence_and_a_name_can_be_typed(make_reply_server, status, body, says):
    server = make_reply_server(answers({CATALOG: (status, body)}))
    assert says in list_models(at(server), Registry.UNITY_CATALOG).note


def test_a_workspace_that_fails_is_an_error(make_reply_server):
    server = make_reply_server(whole({"error_code": "INTERNAL", "message": "x"}, 500))
    with pytest.raises(EndpointFailed, match="models of Unity Catalog"):
        list_models(at(server), Registry.UNITY_CATALOG)


def catalog(*names, next_page_token=""):
    models = [{"full_name": name, "comment": f"About {name}", "updated_at": 5} for name in names]
    return {"registered_models": models, "next_page_token": next_page_token}


def test_unity_catalog_is_read_page_by_page(make_reply_server):
    routes = {
        (CATALOG, ""): catalog("main.a.one", "main.a.two", next_page_token="p2"),
        (CATALOG, "p2"): catalog(next_page_token="p3"),
        (CATALOG, "p3"): catalog("main.a.three"),
    }
    server = make_reply_server(answers(routes))
    first = list_models(at(server), Registry.UNITY_CATALOG)
    assert [one.name for one in first.models] == ["main.a.one", "main.a.two"]
    assert (first.next_token, first.models[0].description) == ("p2", "About main.a.one")
    second = list_models(at(server), Registry.UNITY_CATALOG, page_token=first.next_token)
    assert ([one.name for one in second.models], second.next_token) == (["main.a.three"], "")
    assert asked(server.received[0])[1] == {"max_results": "50"}


def test_a_search_in_unity_catalog_looks_through_pages_and_says_when_it_stopped(make_reply_server):
    first = catalog("m.s.Prompt", "m.s.other", next_page_token="p2")
    short = make_reply_server(answers({(CATALOG, ""): first, (CATALOG, "p2"): catalog("m.s.prompter")}))
    page = list_models(at(short), Registry.UNITY_CATALOG, "prompt")
    assert ([one.name for one in page.models], page.note) == (["m.s.Prompt", "m.s.prompter"], "")
    endless = make_reply_server(answers({CATALOG: catalog("m.s.other", next_page_token="on")}))
    page = list_models(at(endless), Registry.UNITY_CATALOG, "prompt")
    assert (page.models, page.next_token) == ((), "on")
    assert page.note == "10 models were looked through, and there are more."
    assert len(endless.received) == 10


def test_versions_in_unity_catalog_have_aliases_and_comments(make_reply_server):
    name = "main.my schema.model"
    path = f"{CATALOG}/main.my%20schema.model"
    versions = [{"version": 2, "comment": "better", "run_id": "r", "status": "FAILED_REGISTRATION"}, {"version": 10}]
    routes = {
        path: {"aliases": [{"alias_name": "champion", "version_num": 2}]},
        f"{path}/versions": {"model_versions": versions},
    }
    server = make_reply_server(answers(routes))
    found = list_versions(at(server), RegisteredModel(Registry.UNITY_CATALOG, name))
    assert [(one.version, one.aliases, one.description) for one in found] == [
        ("10", (), ""),
        ("2", ("champion",), "better"),
    ]
    assert found[1].status == "FAILED_REGISTRATION"


# --- signatures told elsewhere


def version(**fields):
    return ModelVersion(Registry.UNITY_CATALOG, "m", "1", run_id="r", **fields)


def run_that_logged(*models):
    tags = [{"key": "mlflow.user", "value": "x"}, {"key": "mlflow.log-model.history", "value": json.dumps(models)}]
    return {f"{API}/runs/get": {"run": {"data": {"tags": tags}}}}


def test_the_run_that_logged_a_model_may_tell_its_signature(make_reply_server):
    logged = run_that_logged(
        {"artifact_path": "other", "signature": None}, {"artifact_path": "model", "signature": SIGNATURE}
    )
    server = make_reply_server(answers(logged))
    found = get_signature(at(server), version(source="dbfs:/x/artifacts/model/")).signature
    assert [one.type for one in found.inputs] == [
        "long", "array of array of string", "object of first, last", "map of double", "tensor of float32 (-1, 3)",
    ]  # fmt: skip
    assert found.params == (Column("stops", "array of string"),)
    assert get_signature(at(server), version(source="dbfs:/x/artifacts/third")).sentence == NOT_TOLD
    assert get_signature(at(server), version(source="dbfs:/x/artifacts/other")).sentence == NONE_LOGGED


MODEL_FILE = "/api/2.0/mlflow-artifacts/artifacts/a%20b/MLmodel"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flavors: {}\n", NONE_LOGGED),
        ("signature: null\n", NONE_LOGGED),
        ("signature: [1]\n", NONE_LOGGED),
        ("signature:\n  inputs: 'no json'\n", NONE_LOGGED),
        ("a: [\n", NOT_TOLD),
        ("!!python/object/apply:os.system ['touch /tmp/never']\n", NOT_TOLD),
        ("just a text\n", NOT_TOLD),
        ("- " * 3000, NOT_TOLD),
        ("a: 2001-99-99\n", NOT_TOLD),
    ],
)
def test_an_odd_model_file_is_a_sentence(make_reply_server, text, says):
    routes = {f"{API}/model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/a b"}, MODEL_FILE: text}
    server = make_reply_server(answers(routes))
    one = ModelVersion(Registry.WORKSPACE, "m", "1")
    assert get_signature(at(server), one).sentence == says
    assert asked(server.received[1])[0] == MODEL_FILE


@pytest.mark.parametrize(
    "uri", ["dbfs:/databricks/x", "s3://bucket/x", "mlflow-artifacts:/a/../../secrets/list", "http://[", 5, ""]
)
def test_files_that_lie_elsewhere_are_not_reached_for(make_reply_server, uri):
    server = make_reply_server(answers({f"{API}/model-versions/get-download-uri": {"artifact_uri": uri}}))
    assert get_signature(at(server), ModelVersion(Registry.WORKSPACE, "m", "1")).sentence == NOT_TOLD
    assert len(server.received) == 1


@pytest.mark.parametrize("reply", [[], "text", {"registered_models": 3}, {"registered_models": [None, {"name": 5}]}])
def test_an_odd_list_is_no_failure(make_reply_server, reply):
    server = make_reply_server(whole(json.dumps(reply)))
    for registry_of in Registry:
        assert all(one.name == "" for one in list_models(at(server), registry_of).models)


def test_a_workspace_that_does_not_answer_is_an_error_also_for_a_signature(make_reply_server):
    def cut(exchange: Exchange) -> None:
        exchange.hang_up()

    server = make_reply_server(cut)
    with pytest.raises(Unreachable):
        get_signature(at(server), ModelVersion(Registry.WORKSPACE, "m", "1"))
