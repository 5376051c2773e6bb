"""Fixtures of the real clients: a workspace over TLS, and the provider that external models are at."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from tests.clients.environments import LEGACY, clean_environment, environment_bin
from tests.clients.openai_provider import KEY, OpenAiProvider
from tests.local_workspace.calls import call
from tests.local_workspaces import LocalWorkspace, eventually, start_local_workspace


@pytest.fixture(scope="session")
def tls_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """One workspace over TLS for all clients in environments of their own."""
    stderr = tmp_path_factory.mktemp("tls-workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--tls", "--deployment-seconds", "0.3")
    yield workspace
    workspace.stop()


@pytest.fixture
def make_sdk(tls_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WorkspaceClient]:
    """A factory of databricks-sdk clients of the workspace over TLS: `make_sdk(token)`, or any of Config's arguments."""
    assert tls_workspace.ca_bundle
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tls_workspace.ca_bundle)

    def make(token: str | None = None, **options: str) -> WorkspaceClient:
        options = {"host": tls_workspace.host} | options
        if not options.keys() & {"client_id", "username"}:
            options["token"] = token or tls_workspace.token
        limits = {"retry_timeout_seconds": 30, "http_timeout_seconds": 60}
        return WorkspaceClient(config=Config(**options, **limits))

    return make


@pytest.fixture
def sdk(make_sdk: Callable[..., WorkspaceClient]) -> WorkspaceClient:
    """The admin's client."""
    return make_sdk()


@pytest.fixture
def analyst_sdk(make_sdk: Callable[..., WorkspaceClient], tls_workspace: LocalWorkspace) -> WorkspaceClient:
    """The analyst's client."""
    return make_sdk(tls_workspace.users["analyst"])


@pytest.fixture(scope="session")
def provider() -> Iterator[OpenAiProvider]:
    """The provider of external models."""
    provider = OpenAiProvider()
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def provider_key(tls_workspace: LocalWorkspace) -> str:
    """The reference of the secret that holds the provider's key."""
    for path, body in (
        ("scopes/create", {"scope": "provider"}),
        ("put", {"scope": "provider", "key": "openai-api-key", "string_value": KEY}),
    ):
        assert call(tls_workspace, "POST", f"/api/2.0/secrets/{path}", body).ok
    return "{{secrets/provider/openai-api-key}}"


@pytest.fixture(scope="session")
def external_endpoints(tls_workspace: LocalWorkspace, provider: OpenAiProvider, provider_key: str) -> dict[str, str]:
    """The names of an endpoint for each task, of models at the provider."""
    names = {}
    for task, model in (("chat", "gpt-4"), ("completions", "davinci"), ("embeddings", "ada-002")):
        names[task] = f"provider-{task}"
        openai = {"openai_api_key": provider_key, "openai_api_base": provider.base}
        external = {"provider": "openai", "name": model, "task": f"llm/v1/{task}", "openai_config": openai}
        config = {"served_entities": [{"name": f"openai-{task}", "external_model": external}]}
        body = {"name": names[task], "config": config}
        made = call(tls_workspace, "POST", "/api/2.0/serving-endpoints", body)
        assert made.ok, made.text
    for name in names.values():
        shown = f"/api/2.0/serving-endpoints/{name}"
        eventually(lambda shown=shown: call(tls_workspace, "GET", shown).json()["state"]["ready"] == "READY", 30)
    return names


@pytest.fixture(scope="session")
def legacy_cli(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs databricks-cli 0.18: `legacy_cli(workspace, "secrets", "list-scopes")`, as the admin unless told a `token`.

    It forgets the port of its host, so it is told that the workspace is its proxy: requests for `http://workspace.local`
    then arrive there, with the whole URL in the request line.
    """
    home = tmp_path_factory.mktemp("home")

    def run(workspace: LocalWorkspace, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
        given = {"DATABRICKS_HOST": "http://workspace.local", "http_proxy": workspace.host, "HOME": str(home)}
        environment = clean_environment(workspace, token)
        kept = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
        command = [environment_bin(LEGACY) / "databricks", *arguments]
        return subprocess.run(command, env=kept | given, capture_output=True, text=True, timeout=60, check=False)

    return run
