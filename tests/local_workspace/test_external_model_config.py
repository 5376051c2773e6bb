"""What an `external_model` block may say, and the sentence for each way to get it wrong."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_workspace.calls import call
from tests.local_workspace.external_calls import COMPLETIONS, EMBEDDINGS, REFERENCE, external_model
from tests.local_workspace.secrets_calls import post
from tests.local_workspace.serving_calls import ROOT, create, new_name, settled, shown
from tests.local_workspaces import LocalWorkspace, launch, start_local_workspace

CANARY = "sk-canary-1a2b3c4d5e6f"
PLAIN = {"openai_api_key_plaintext": CANARY}
AZURE = {
    "openai_api_type": "azure",
    "openai_api_base": "https://x.openai.azure.com",
    "openai_api_version": "2024-02-01",
    "openai_deployment_name": "dep",
}
ENTRA = AZURE | {"openai_api_type": "azuread", "microsoft_entra_tenant_id": "t", "microsoft_entra_client_id": "c"}
BEARER = {"bearer_token_auth": {"token_plaintext": CANARY}}
BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "Anthropic"}
AWS_KEYS = {"aws_access_key_id_plaintext": CANARY, "aws_secret_access_key_plaintext": CANARY}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """One with quick deployments, and the secret that REFERENCE names."""
    made = start_local_workspace(tmp_path_factory.mktemp("workspace") / "stderr.txt", "--deployment-seconds", "0.01")
    assert post(made, "scopes/create", scope="providers").ok
    assert post(made, "put", scope="providers", key="key", string_value=CANARY).ok
    yield made
    made.stop()


def refusal(workspace: LocalWorkspace, external: Any, **options: Any) -> str:
    """The sentence with which an endpoint of that external model is refused."""
    body = {"name": new_name(), "config": {"served_entities": [{"name": "e", "external_model": external}]}}
    response = call(workspace, "POST", ROOT, body, **options)
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), response.text
    assert CANARY not in response.text
    message: str = response.json()["message"]
    return message


@pytest.mark.parametrize(
    ("provider", "block", "task"),
    [
        ("openai", PLAIN, EMBEDDINGS),
        ("openai", PLAIN | {"openai_api_base": "http://127.0.0.1:8000/v1", "openai_organization": None}, COMPLETIONS),
        ("openai", PLAIN | AZURE | {"openai_api_type": "Azure"}, EMBEDDINGS),
        ("openai", ENTRA | {"microsoft_entra_client_secret": REFERENCE}, COMPLETIONS),
        ("anthropic", {"anthropic_api_key": REFERENCE}, COMPLETIONS),
        ("cohere", {"cohere_api_key": REFERENCE, "cohere_api_base": "https://api.cohere.ai/v1"}, EMBEDDINGS),
        ("amazon-bedrock", BEDROCK | AWS_KEYS, EMBEDDINGS),
        ("amazon-bedrock", BEDROCK | {"instance_profile_arn": "arn:aws:x"}, COMPLETIONS),
        ("google-cloud-vertex-ai", {"project_id": "p", "region": "r", "private_key": REFERENCE}, EMBEDDINGS),
        ("ai21labs", {"ai21labs_api_key": REFERENCE}, COMPLETIONS),
        (
            "databricks-model-serving",
            {"databricks_workspace_url": "https://x.cloud.databricks.com", "databricks_api_token": REFERENCE},
            EMBEDDINGS,
        ),
        ("palm", {"palm_api_key": REFERENCE}, EMBEDDINGS),
        ("custom", {"custom_provider_url": "https://x.example/v1/chat"} | BEARER, COMPLETIONS),
        (
            "custom",
            {"custom_provider_url": "http://localhost:1/", "api_key_auth": {"key": "x-key", "value": REFERENCE}},
            EMBEDDINGS,
        ),
    ],
)
def test_every_provider_is_taken_and_shown_without_plaintext(
    workspace: LocalWorkspace, provider: str, block: dict[str, Any], task: str
) -> None:
    name = new_name()
    made = create(workspace, name, {"name": "e", "external_model": external_model(provider, block, task)})
    [entity] = made["pending_config"]["served_entities"]
    given = {field: value for field, value in block.items() if value is not None and not field.endswith("_plaintext")}
    if "bearer_token_auth" in given:
        given["bearer_token_auth"] = {}
    assert entity["external_model"] == external_model(provider, given, task)
    assert CANARY not in str(settled(workspace, name))
    assert shown(workspace, name)["task"] == task


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("secrets/a/b", "the braces are missing. Did you mean '{{secrets/a/b}}'?"),
        ("{secrets/a/b}", "two braces on each side, '{{secrets/a/b}}'"),
        ("{{{secrets/a/b}}}", "two braces on each side, '{{secrets/a/b}}'"),
        ("{{secrets/a/b}", "two braces on each side, '{{secrets/a/b}}'"),
        ("{{secrets/<scope>/openai-api-key}}", "put the names of your scope and key in place of <...>"),
        ("{{ secrets/a/b }}", "it has no spaces"),
        ("{{secrets/a}}", "does not have three parts"),
        ("{{a/b}}", "the word 'secrets/' is missing"),
        ("{{secrets/a/b$}}", "Names have letters"),
        (CANARY, "To send a key, use 'openai_api_key_plaintext'"),
        ("", "must be a secret reference"),
        (5, "must be a secret reference"),
        (["{{secrets/a/b}}"], "must be a secret reference"),
    ],
)
def test_a_wrong_reference_is_told_what_is_wrong_with_it(workspace: LocalWorkspace, reference: Any, words: str) -> None:
    message = refusal(workspace, external_model("openai", {"openai_api_key": reference}))
    assert "external_model.openai_config.openai_api_key" in message
    assert words in message


@pytest.mark.parametrize(
    ("provider", "block", "words"),
    [
        ("openai", {}, "'served_entities[0].external_model.openai_config.openai_api_key' is missing"),
        ("openai", PLAIN | {"openai_api_key": REFERENCE}, "send only one of them"),
        (
            "openai",
            PLAIN | {"organization": "x"},
            "Unknown field 'served_entities[0].external_model.openai_config.organiz",
        ),
        ("openai", {"openai_api_key_plaintext": REFERENCE}, "send it as 'openai_api_key'"),
        ("openai", {"openai_api_key_plaintext": ""}, "must be a string of 1 byte to 128 KB"),
        ("openai", {"openai_api_key_plaintext": {"a": CANARY}}, "must be a string of 1 byte to 128 KB"),
        ("openai", PLAIN | {"openai_api_type": "bing"}, "'openai', 'azure' or 'azuread', not 'bing'"),
        ("openai", PLAIN | {"openai_api_type": 1}, "openai_api_type' must be a string"),
        ("openai", PLAIN | {"openai_api_type": "azure"}, "is missing when openai_api_type is 'azure'"),
        (
            "openai",
            PLAIN | ENTRA,
            "Unknown field 'served_entities[0].external_model.openai_config.openai_api_key_plaintext'",
        ),
        ("openai", PLAIN | {"openai_api_base": "api.openai.com"}, "must be a URL"),
        ("openai", PLAIN | {"openai_api_base": "file:///etc/passwd"}, "must be a URL"),
        ("openai", PLAIN | {"openai_api_base": f"https://me:{CANARY}@x/"}, "without a user name"),
        ("openai", PLAIN | {"openai_api_base": "https://x:99999/"}, "must be a URL"),
        ("openai", PLAIN | {"openai_organization": "a\r\nx: y"}, "control character"),
        ("openai", "text", "must be an object"),
        ("openai", PLAIN | {"x" * 5000: 1}, "Unknown field"),
        ("custom", {"custom_provider_url": "http://far.example/v1"} | BEARER, "please change to https"),
        ("custom", {"custom_provider_url": "https://x"}, "exactly one of 'bearer_token_auth' or 'api_key_auth'"),
        (
            "custom",
            {"custom_provider_url": "https://x", "api_key_auth": {"key": "a: b", "value": REFERENCE}},
            "the name of a header",
        ),
        (
            "custom",
            {"custom_provider_url": "https://x", "api_key_auth": {"key": "Host", "value": REFERENCE}},
            "the name of a header",
        ),
        (
            "custom",
            {"custom_provider_url": "https://x", "bearer_token_auth": {}},
            "bearer_token_auth.token' is missing",
        ),
        ("amazon-bedrock", BEDROCK, "aws_access_key_id' is missing"),
        ("amazon-bedrock", AWS_KEYS | {"aws_region": "x", "bedrock_provider": "meta"}, "not 'meta'"),
        ("amazon-bedrock", BEDROCK | AWS_KEYS | {"instance_profile_arn": "a"}, "Unknown field"),
        ("databricks-model-serving", {"databricks_api_token": REFERENCE}, "databricks_workspace_url' is missing"),
        ("hugging-face", {}, "must be 'openai', 'anthropic'"),
        (7, {}, "provider' must be a string"),
        (None, {}, "provider' is missing"),
    ],
)
def test_a_wrong_block_is_told_what_is_wrong_with_it(
    workspace: LocalWorkspace, provider: Any, block: Any, words: str
) -> None:
    assert words in refusal(workspace, external_model(provider, block))


def test_the_block_and_the_task_must_be_the_providers(workspace: LocalWorkspace) -> None:
    anthropic = {"anthropic_api_key": REFERENCE}
    assert "'anthropic_config', not 'openai_config'" in refusal(
        workspace, {**external_model("openai", PLAIN), "provider": "anthropic"}
    )
    assert "has both" in refusal(workspace, external_model("openai", PLAIN, anthropic_config=anthropic))
    assert "must be 'llm/v1/chat' or 'llm/v1/completions'" in refusal(
        workspace, external_model("anthropic", anthropic, EMBEDDINGS)
    )
    assert "task' is missing" in refusal(workspace, {**external_model("openai", PLAIN), "task": None})
    assert "name' must be a string" in refusal(workspace, external_model("openai", PLAIN, name=""))
    assert refusal(workspace, {})


def test_a_secret_that_the_creator_cannot_read_is_refused_at_once(workspace: LocalWorkspace) -> None:
    external = external_model("openai", {"openai_api_key": "{{secrets/providers/none}}"})
    body = {"name": new_name(), "config": {"served_entities": [{"external_model": external}]}}
    missing = call(workspace, "POST", ROOT, body)
    assert missing.status_code == 400
    assert "{{secrets/providers/none}}" in missing.json()["message"]
    external["openai_config"] = {"openai_api_key": REFERENCE}
    foreign = call(workspace, "POST", ROOT, body, token=workspace.users["analyst"])
    assert foreign.status_code == 403
    assert REFERENCE in foreign.json()["message"]


@pytest.mark.parametrize(
    ("block", "words"),
    [(BEDROCK | AWS_KEYS, "pip install boto3"), (BEDROCK | {"instance_profile_arn": "arn"}, "instance_profile_arn")],
)
def test_a_deployment_that_cannot_work_here_says_why(
    workspace: LocalWorkspace, block: dict[str, Any], words: str
) -> None:
    name = new_name()
    create(workspace, name, {"name": "e", "external_model": external_model("amazon-bedrock", block)})
    failed = settled(workspace, name)
    assert failed["state"] == {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}
    assert words in str(failed["pending_config"])


def test_the_description_of_an_endpoint_has_its_tasks_fields(workspace: LocalWorkspace) -> None:
    name = new_name()
    create(workspace, name, {"name": "e", "external_model": external_model("openai", PLAIN)})
    assert settled(workspace, name)["state"]["ready"] == "READY"
    described = call(workspace, "GET", f"{ROOT}/{name}/openapi").text
    assert '"messages"' in described
    assert '"top_logprobs"' in described
    assert '"additionalProperties": false' not in described


@pytest.mark.parametrize("text", ["openai=http://127.0.0.1:1", "anthropic", "anthropic=ftp://x", "=http://x"])
def test_a_provider_url_that_makes_no_sense_ends_the_start(tmp_path: Any, text: str) -> None:
    process = launch(tmp_path / "stderr.txt", "--provider-url", text)
    with process:
        assert process.wait(20) == 2
    assert "PROVIDER=URL" in (tmp_path / "stderr.txt").read_text()
