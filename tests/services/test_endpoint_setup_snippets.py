"""An endpoint's setup as code: it is of its language, holds no key, and makes what the body itself makes when it is run."""

import ast
import contextlib
import json
import re
import subprocess
import sys

import hcl2
import pytest
import yaml
from hypothesis import example, given, settings

from services.doors import typed
from services.endpoint_setup import (
    create_endpoint,
    draft_of,
    new_body,
    new_custom_entity,
    new_foundation_entity,
    update_config,
    with_entity,
    with_shares,
    with_value,
)
from services.endpoints import get_endpoint_detail
from services.snippets.endpoint_setup import creation_snippets, update_snippets
from services.snippets.terraform import text as hcl_text
from tests.local_workspace.serving_calls import settled
from tests.services.chats import TOKEN
from tests.services.replies import Exchange, reply_server, whole
from tests.services.setup_bodies import ANY, CASES, external_body, openai_body
from tests.services.snippet_cases import HOSTILE, environment, run_python

CANARY = "canary-7e6d5c4b3a291807"
CHAT_MODEL = "local.models.smollm2-135m-instruct"
SECOND = openai_body()["config"]["served_entities"][0]
HOSTILE_TEXT = HOSTILE + " $${a} %%{b} $$${c} %{ if true } ${file(\"/etc/passwd\")} 1e3 '''"


def everything(name="everything"):
    """A body with every block that there is."""
    body = with_shares(with_entity(openai_body(name), SECOND), [90, 10])
    return body | {
        "tags": [{"key": "team", "value": "벽돌 ${var.x} %{y}"}, {"key": "bare"}],
        "description": 'Says "hello" \\ and\nmore',
        "ai_gateway": {
            "rate_limits": [
                {"calls": 5, "key": "user", "renewal_period": "minute"},
                {"tokens": 100, "key": "endpoint", "renewal_period": "minute"},
            ],
            "usage_tracking_config": {"enabled": True},
            "fallback_config": {"enabled": False},
            "guardrails": {"input": {"invalid_keywords": ["on", "1e3", "secret"]}},
        },
    }


def variables(name="variables"):
    values = {
        "ON": "yes",
        "A_KEY": "{{secrets/setup-tests/provider-key}}",
        "with-dash": "1e3",
        "1": "",
        "T": HOSTILE_TEXT,
    }
    return new_body(new_custom_entity("a.b.c", "1e3") | {"environment_vars": values}, name)


BODIES = {
    "everything": everything(),
    "variables": variables(),
    "model units": new_body(new_foundation_entity(CHAT_MODEL, "1", 50), "units"),
    "unknown field": openai_body("unknown") | {"quantum": {"deep": [1, None, True]}},
    "hostile text": openai_body("hostile") | {"description": HOSTILE_TEXT},
} | {
    f"{provider.name} {variant.name} {task}": external_body("my-endpoint", provider, variant, task)
    for provider, variant, task in CASES
    if task == provider.tasks[0]
}
KNOWN = {name: body for name, body in BODIES.items() if name != "unknown field"}
bodies = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def by_dialect(body, *, update=False):
    found = update_snippets(body["name"], body["config"]) if update else creation_snippets(body)
    return {one.dialect: one for one in found}


# --- code is of its language


@bodies
@pytest.mark.parametrize("update", [False, True], ids=["create", "update"])
def test_code_is_of_its_language(body, update):
    snippets = by_dialect(body, update=update)
    assert list(snippets)[:2] == ["JSON", "databricks-sdk"]
    assert ("mlflow.deployments" in snippets) == (body["name"] != "units")
    for one in snippets.values():
        assert one.code.endswith("\n")
        assert one.file_name
        if one.language == "python":
            compile(one.code, one.dialect, "exec")
        if one.language == "bash":
            checked = subprocess.run(["bash", "-n"], input=one.code, capture_output=True, text=True)
            assert (checked.returncode, checked.stderr) == (0, "")
    assert json.loads(snippets["JSON"].code) == (body if not update else sent_config(body))


def sent_config(body):
    return {"config": body["config"]} if body["name"] == "units" else body["config"]


@bodies
def test_yaml_is_the_resource_and_loads_back_as_the_body(body):
    code = by_dialect(body)["Bundle"].code
    [(key, resource)] = yaml.safe_load(code)["resources"]["model_serving_endpoints"].items()
    assert re.fullmatch(r"[A-Za-z_]\w*", key)
    assert resource == body
    assert "&" not in re.sub(r'"[^"]*"', "", code)


def test_every_text_in_yaml_is_in_quotes_since_other_readers_have_other_numbers():
    code = by_dialect(variables())["Bundle"].code
    assert 'with-dash": "1e3"' in code
    assert 'entity_version: "1e3"' in code
    assert '"ON": "yes"' in code or "'ON': \"yes\"" in code


def test_a_text_that_a_bundle_would_take_for_a_variable_is_told():
    assert "${...}" in by_dialect(everything())["Bundle"].note
    assert "${...}" not in by_dialect(openai_body())["Bundle"].note


# --- HCL


def from_hcl(value, shape):
    """What python-hcl2 read, as JSON; *shape* is the body, which says where one block is an object and not a list."""
    if isinstance(value, str):
        return from_quotes(value)
    if isinstance(value, list) and isinstance(shape, dict):
        [value] = value
    if isinstance(value, dict):
        given = {from_quotes(name): inner for name, inner in value.items() if name != "__is_block__"}
        return {name: from_hcl(inner, shape.get(name)) for name, inner in given.items()}
    if isinstance(value, list):
        return [from_hcl(one, form) for one, form in zip(value, shape, strict=True)]
    return value


def from_quotes(text):
    """What a quoted text of HCL says: its escapes, and what stands for the beginning of a template."""
    if not text.startswith('"'):
        return text
    plain = text[1:-1].replace("$${", "${").replace("%%{", "%{")
    return json.loads(f'"{plain}"')


def blocks_in(value, path=()):
    """The names that HCL has as blocks, and those that it has as attributes."""
    for name, inner in value.items():
        many = inner if isinstance(inner, list) else [inner]
        for one in many:
            if isinstance(one, dict):
                yield (*path, from_quotes(name)), "__is_block__" in one
                yield from blocks_in({key: kept for key, kept in one.items() if key != "__is_block__"}, (*path, name))


@pytest.mark.parametrize("body", KNOWN.values(), ids=KNOWN)
def test_terraform_parses_back_to_the_body(body):
    [resource] = hcl2.loads(by_dialect(body)["Terraform"].code)["resource"]
    [(kind, labelled)] = resource.items()
    [(label, found)] = labelled.items()
    units = body["name"] == "units"
    assert from_quotes(kind) == (
        "databricks_model_serving_provisioned_throughput" if units else "databricks_model_serving"
    )
    assert re.fullmatch(r"[A-Za-z_]\w*", from_quotes(label))
    assert from_hcl(found, body) == body
    for path, is_block in blocks_in({key: inner for key, inner in found.items() if key != "__is_block__"}):
        assert is_block == (path[-1] != "environment_vars"), path


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("${a}", '"$${a}"'),
        ("%{a}", '"%%{a}"'),
        ("$${a}", '"\\u0024$${a}"'),
        ("100% {a} $ {b}", '"100% {a} $ {b}"'),
        ("{{secrets/a/b}}", '"{{secrets/a/b}}"'),
        ('\\b "q"\n\t\r', '"\\\\b \\"q\\"\\n\\t\\r"'),
        ("\x00\u2028\ufeff", '"\\u0000\\u2028\\ufeff"'),
        ("벽돌 🧱", '"벽돌 🧱"'),
    ],
)
def test_a_text_in_hcl_begins_no_template(value, written):
    assert hcl_text(value) == written


def test_an_endpoint_that_is_there_is_imported_before_terraform_changes_it():
    code = by_dialect(openai_body("my-chat"), update=True)["Terraform"].code
    assert code.startswith('import {\n  to = databricks_model_serving.my_chat\n  id = "my-chat"\n}\n')


@pytest.mark.parametrize("name", ["1st", "a-b", "", 'a b"c\n}', "${x}"])
def test_a_resource_has_a_label_whatever_the_endpoint_is_called(name):
    [resource] = hcl2.loads(by_dialect(openai_body(name))["Terraform"].code)["resource"]
    [[label]] = resource.values()
    assert re.fullmatch(r"[A-Za-z_]\w*", from_quotes(label))


# --- no key is in it


@bodies
def test_code_takes_its_credentials_from_the_environment(body):
    for one in creation_snippets(body):
        assert "dapi" not in one.code
        assert one.language not in ("python", "bash") or "DATABRICKS_TOKEN" in one.code


@pytest.mark.parametrize("field", ["openai_api_key", "openai_api_key_plaintext", "openai_organization"])
def test_a_key_that_is_in_the_body_is_in_no_code(field):
    body = openai_body(**{field: f"sk-{CANARY}"})
    for one in (*creation_snippets(body), *update_snippets("x", body["config"])):
        assert CANARY not in one.code + one.note


@settings(max_examples=60)
@example({"": "", "name": None})
@example({"tags": [None], "config": {"served_entities": [{"x": ""}]}})
@given(ANY)
def test_code_is_written_for_any_draft_however_odd(body):
    drafted = {"name": "x", "config": body} if not isinstance(body, dict) else body
    for one in creation_snippets(drafted):
        if one.language == "python" and "\x00" not in one.code:
            ast.parse(one.code.encode("utf-8", "replace"))
    config = drafted.get("config")
    update_snippets("x'; rm -rf /", config if isinstance(config, dict) else {})


def test_hostile_names_are_quoted_in_code():
    name = "a'b\"c$(touch /tmp/never)`d` e/\\"
    for one in update_snippets(name, openai_body()["config"]):
        if one.language == "python":
            compile(one.code, one.dialect, "exec")
        if one.dialect == "curl":
            assert (
                "/api/2.0/serving-endpoints/a%27b%22c%24%28touch%20%2Ftmp%2Fnever%29%60d%60%20e%2F%5C/config"
                in one.code
            )


# --- what it sends


def ready(exchange: Exchange) -> None:
    """An endpoint that is ready, whoever asks."""
    whole({"name": "x", "state": {"ready": "READY", "config_update": "NOT_UPDATING"}})(exchange)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """What each Python snippet sends, by (name, dialect, update)."""
    home = tmp_path_factory.mktemp("home")
    keys, codes = [], []
    for name, body in BODIES.items():
        for update in (False, True):
            for one in by_dialect(body, update=update).values():
                if one.language == "python":
                    keys.append((name, one.dialect, update))
                    codes.append(one.code)
    with reply_server(ready) as server:
        results = run_python(sys.executable, [(code, environment(server.host, TOKEN, home)) for code in codes])
    changes = [one for one in server.received if one.method in ("POST", "PUT")]
    assert len(changes) == len(keys), "\n".join(result["failed"] for result in results)
    return {key: (result, change) for key, result, change in zip(keys, results, changes, strict=True)}


WAYS = [
    (name, dialect, update)
    for name in BODIES
    for dialect in ("databricks-sdk", "mlflow.deployments")
    for update in (False, True)
    if (name, dialect) != ("model units", "mlflow.deployments")  # which has no call for them
]


@pytest.mark.parametrize(("name", "dialect", "update"), WAYS)
def test_python_sends_the_body_once(sent, name, dialect, update):
    result, change = sent[name, dialect, update]
    body = change.json
    if dialect == "databricks-sdk" and not update and name != "unknown field":
        assert body["config"].pop("name", body["name"]) == body["name"]
    assert result["failed"] == ""
    assert body == (sent_config(BODIES[name]) if update else BODIES[name])
    units = "/pt" if name == "model units" else ""
    path = f"/api/2.0/serving-endpoints{units}"
    assert change.path.rstrip("/") == (f"{path}/{BODIES[name]['name']}/config" if update else path)


@bodies
def test_curl_sends_the_body_once(tmp_path, body):
    with reply_server(ready) as server:
        for update in (False, True):
            code = by_dialect(body, update=update)["curl"].code
            ran = subprocess.run(
                ["bash", "-c", code],
                capture_output=True,
                text=True,
                env=environment(server.host + "/", TOKEN, tmp_path),
                timeout=30,
            )
            assert ran.returncode == 0, ran.stderr
    created, updated = server.received
    assert (created.method, created.json) == ("POST", body)
    assert (updated.method, updated.json) == ("PUT", sent_config(body))


def test_the_sdk_is_asked_in_its_own_classes_and_waits():
    code = by_dialect(everything())["databricks-sdk"].code
    assert "create_and_wait(" in code
    assert "timeout=timedelta(minutes=" in code
    assert "provider=ExternalModelProvider('openai')" in code
    assert "api_client" not in code
    assert "api_client" in by_dialect(BODIES["unknown field"])["databricks-sdk"].code


def test_mlflow_may_be_told_of_route_optimization_although_its_default_says_no():
    code = by_dialect(openai_body() | {"route_optimized": True})["mlflow.deployments"].code
    assert "route_optimized=None" in code


# --- run against a fresh workspace


def run(machine, home, snippets):
    """Run each snippet as a person would; those in Python in one process, whose imports take seconds."""
    variables = environment(machine.host, machine.token, home)
    for one in snippets:
        if one.language == "bash":
            ran = subprocess.run(["bash", "-c", one.code], capture_output=True, text=True, env=variables, timeout=60)
            assert ran.returncode == 0, ran.stderr + ran.stdout
    python = [(one.code, variables) for one in snippets if one.language == "python"]
    for result in run_python(sys.executable, python) if python else ():
        assert result["failed"] == ""


RUN = ("databricks-sdk", "mlflow.deployments", "curl")
MADE = {"external": everything("made"), "model units": BODIES["model units"]}


@pytest.fixture(scope="module")
def made(machine, tmp_path_factory):
    """Runs all code that creates and updates; gives names by what was done, and by dialect, "" being the app itself."""
    names: dict[str, dict[str, str]] = {"update": {"": "update-itself"}}
    snippets = []
    with contextlib.closing(typed(machine.host, machine.users["admin"])) as admin:
        for what, body in MADE.items():
            names[what] = {"": f"{body['name']}-itself"}
            create_endpoint(admin, body | {"name": names[what][""]})
            for place, dialect in enumerate(one for one in RUN if one in by_dialect(body)):
                names[what][dialect] = f"{body['name']}-{place}"
                snippets.append(by_dialect(body | {"name": names[what][dialect]})[dialect])
        names["update"] |= {dialect: f"update-{place}" for place, dialect in enumerate(RUN)}
        for name in names["update"].values():
            create_endpoint(admin, openai_body(name))
            settled(machine, name)
        config = everything()["config"]
        update_config(admin, "update-itself", config)
        for dialect in RUN:
            body = {"name": names["update"][dialect], "config": config}
            snippets.append(by_dialect(body, update=True)[dialect])
    run(machine, tmp_path_factory.mktemp("home"), snippets)
    return names


def same_but_for_itself(admin, machine, name):
    """The endpoint as it is, without its name, its ids and its times."""
    settled(machine, name)
    wire = json.loads(json.dumps(get_endpoint_detail(admin, name).wire).replace(json.dumps(name), '"this"'))

    def plain(value):
        if isinstance(value, dict):
            own = {key: plain(inner) for key, inner in value.items() if "timestamp" not in key}
            return {key: inner for key, inner in own.items() if key not in ("id", "start_time")}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    return plain(wire)


@pytest.mark.parametrize("what", ["external", "model units", "update"])
def test_code_makes_the_endpoint_that_the_app_makes_itself(machine, admin, made, what):
    wanted = same_but_for_itself(admin, machine, made[what][""])
    assert len(made[what]) == (3 if what == "model units" else 4)
    for dialect, name in made[what].items():
        assert same_but_for_itself(admin, machine, name) == wanted, dialect


def test_an_update_that_was_made_by_code_splits_the_traffic(admin, made):
    draft = draft_of(get_endpoint_detail(admin, made["update"]["curl"]))
    assert draft["config"]["traffic_config"] == everything()["config"]["traffic_config"]


def test_a_value_of_a_body_is_not_run_by_the_shell(machine, admin, tmp_path):
    trap = f"x'\nJSON\ntouch {tmp_path}/trapped\n'; touch {tmp_path}/trapped; $(touch {tmp_path}/trapped)"
    body = with_value(openai_body("trap"), ("description",), trap)
    run(machine, tmp_path, [by_dialect(body)["curl"]])
    assert get_endpoint_detail(admin, "trap").endpoint.description == trap
    assert not (tmp_path / "trapped").exists()
