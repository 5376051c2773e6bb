"""An endpoint's creation, or a change of its config, as code in every dialect. Pure: from the body that is sent.

What looks like a key is taken out first, whatever the caller did.
"""

import json
import shlex
import textwrap
from collections.abc import Mapping
from typing import Any

from services.endpoint_setup import (
    ENTITIES,
    Body,
    by_model_units,
    create_call,
    shown,
    update_call,
    value_at,
    without_values,
)
from services.endpoint_setup.draft import block, items
from services.endpoint_setup.schema import CREATE, PROVISIONED_CREATE, PROVISIONED_ENTITY
from services.endpoint_setup.shape_checks import shape_problems
from services.snippets.bundle import bundle_yaml, has_interpolation, resource_key
from services.snippets.python_source import literal
from services.snippets.sdk_source import Source
from services.snippets.snippet import Snippet
from services.snippets.terraform import resource_kind, terraform_hcl

MINUTES = 30
"""How long the code waits until what it made is deployed."""
_CONNECTS = "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
_SDK_INSTALL = 'pip install "databricks-sdk>=0.156"'
_MLFLOW_INSTALL = 'pip install "mlflow>=3"'
_MLFLOW_NOTE = "This client sends the change again by itself when the workspace answers 429 or 5xx."
_RETURNS = "It returns before the endpoint is ready."


def creation_snippets(body: Body) -> tuple[Snippet, ...]:
    """What creates the endpoint, in six dialects; five with provisioned model units, which mlflow.deployments cannot make."""
    clean, _ = without_values(body)
    method, path, sent = create_call(clean)
    cli = "databricks serving-endpoints create --json @endpoint.json"
    if by_model_units(clean.get("config")):
        cli = f"databricks api post {path} --json @endpoint.json"
    return (
        Snippet("JSON", "json", shown(sent) + "\n", note=f"{method} {path}, or: {cli}", file_name="endpoint.json"),
        Snippet("databricks-sdk", "python", _sdk_creation(clean), install=_SDK_INSTALL, file_name="create_endpoint.py"),
        *_mlflow(clean, clean, _mlflow_creation(clean), "create_endpoint.py"),
        Snippet("curl", "bash", _curl(method, path, sent), note=_RETURNS, file_name="create_endpoint.sh"),
        *_declared(clean, exists=False),
    )


def update_snippets(name: str, config: Mapping[str, Any]) -> tuple[Snippet, ...]:
    """What has the endpoint serve that config, in the same dialects."""
    clean, _ = without_values({"name": name, "config": dict(config)})
    config = block(clean.get("config"))
    method, path, sent = update_call(name, config)
    cli = f"databricks serving-endpoints update-config {shlex.quote(name)} --json @config.json"
    if by_model_units(config):
        cli = f"databricks api put {path} --json @config.json"
    return (
        Snippet("JSON", "json", shown(sent) + "\n", note=f"{method} {path}, or: {cli}", file_name="config.json"),
        Snippet(
            "databricks-sdk", "python", _sdk_update(name, config), install=_SDK_INSTALL, file_name="update_config.py"
        ),
        *_mlflow(clean, sent, _mlflow_update(name), "update_config.py"),
        Snippet("curl", "bash", _curl(method, path, sent), note=_RETURNS, file_name="update_config.sh"),
        *_declared(clean, exists=True),
    )


def _declared(body: Body, *, exists: bool) -> tuple[Snippet, ...]:
    """The endpoint as a resource, for tools that make what is declared."""
    key = resource_key(body.get("name"))
    bind = f"databricks bundle deployment bind {key} {shlex.quote(str(body.get('name')))}"
    notes = [f"To take over the endpoint that is there: {bind}"] if exists else []
    if has_interpolation(body):
        notes.append("Bundles read ${...} as a variable of their own, and there is such a text in it.")
    if by_model_units(body.get("config")):
        notes.append("Whether bundles can make endpoints of provisioned model units is in no public reference.")
    preview = "This resource is in private preview." if by_model_units(body.get("config")) else ""
    return (
        Snippet("Bundle", "yaml", bundle_yaml(body), note=" ".join(notes), file_name="endpoint.yml"),
        Snippet(
            "Terraform",
            "hcl",
            terraform_hcl(body, exists=exists),
            note=f"A resource {resource_kind(body)} of the provider databricks/databricks. {preview}".strip(),
            file_name="endpoint.tf",
        ),
    )


# --- databricks-sdk


def _sdk_creation(body: Body) -> str:
    if not _is_typed(body):
        return _sdk_untyped(*create_call(body))
    config, arguments = block(body.get("config")), dict(body)
    call = "create_and_wait"
    source = Source()
    if by_model_units(config):
        call = "create_provisioned_throughput_endpoint_and_wait"
        written = {"config": source.value(config, "PtEndpointCoreConfig")}
    else:
        # The SDK's class wants the endpoint's name once more; the platform ignores it.
        named = {"name": body.get("name", ""), **{key: value for key, value in config.items() if key != "name"}}
        written = {"config": source.value(named, "EndpointCoreConfigInput")} if config else {}
    return _sdk_call(source, call, arguments, written)


def _sdk_update(name: str, config: Mapping[str, Any]) -> str:
    if not _is_typed({"name": name, "config": config}):
        return _sdk_untyped(*update_call(name, config))
    source = Source()
    if by_model_units(config):
        written = {"config": source.value(dict(config), "PtEndpointCoreConfig")}
        return _sdk_call(
            source, "update_provisioned_throughput_endpoint_config_and_wait", {"name": name, "config": config}, written
        )
    arguments = {"name": name, **{key: value for key, value in config.items() if key != "name"}}
    return _sdk_call(source, "update_config_and_wait", arguments, {})


def _is_typed(body: Mapping[str, Any]) -> bool:
    """Whether the SDK's classes can hold the body: every field known and of its type. What is still empty does no harm."""
    if next(shape_problems(body, CREATE, whole=False), None):
        return False
    if not by_model_units(body.get("config")):
        return True
    entities = items(value_at(body, ENTITIES))
    return body.keys() <= PROVISIONED_CREATE and all(entity.keys() <= PROVISIONED_ENTITY for entity in entities)


def _sdk_call(source: Source, call: str, arguments: Mapping[str, Any], written: Mapping[str, str]) -> str:
    """The call; *written* are those of its arguments whose source is there already."""
    lines = ""
    for name, value in arguments.items():
        given = textwrap.indent(f"{name}={written[name]},\n", "    ") if name in written else ""
        lines += given or source.arguments({name: value})
    return (
        f"{_CONNECTS}from datetime import timedelta\n\nfrom databricks.sdk import WorkspaceClient\n{source.imports}\n"
        f"endpoint = WorkspaceClient().serving_endpoints.{call}(\n{lines}"
        f"    timeout=timedelta(minutes={MINUTES}),\n)\nprint(endpoint.name, endpoint.state.ready.value)\n"
    )


def _sdk_untyped(method: str, path: str, body: Mapping[str, Any]) -> str:
    return (
        f"{_CONNECTS}# The SDK's classes do not know every field of this body, so this uses the client below them.\n"
        "from databricks.sdk import WorkspaceClient\n\n"
        f"body = {literal(dict(body))}\n"
        f"endpoint = WorkspaceClient().api_client.do({method!r}, {path!r}, body=body)\n"
        'print(endpoint["name"], endpoint["state"])\n'
    )


# --- mlflow.deployments, curl


def _mlflow(body: Body, sent: Mapping[str, Any], call: str, file_name: str) -> tuple[Snippet, ...]:
    if by_model_units(body.get("config")):
        return ()
    code = (
        f"{_CONNECTS}import time\n\nfrom mlflow.deployments import get_deploy_client\n\n"
        f'client = get_deploy_client("databricks")\nconfig = {literal(dict(sent))}\n{call}'
        f"give_up = time.monotonic() + {MINUTES * 60}\n"
        'while endpoint["state"]["config_update"] == "IN_PROGRESS" and time.monotonic() < give_up:\n'
        '    time.sleep(2)\n    endpoint = client.get_endpoint(endpoint["name"])\n'
        'print(endpoint["name"], endpoint["state"])\n'
    )
    return (
        Snippet("mlflow.deployments", "python", code, install=_MLFLOW_INSTALL, note=_MLFLOW_NOTE, file_name=file_name),
    )


def _mlflow_creation(body: Body) -> str:
    # Its own default, False, is refused beside a body that says True.
    optimized = ", route_optimized=None" if "route_optimized" in body else ""
    # Without "config" in it, mlflow takes the body for the config of an older form of this call.
    return f"endpoint = client.create_endpoint(config=config{optimized})\n"


def _mlflow_update(name: str) -> str:
    return f"endpoint = client.update_endpoint_config(endpoint={name!r}, config=config)\n"


def _curl(method: str, path: str, body: Mapping[str, Any]) -> str:
    return (
        f'curl --fail-with-body --request {method} "${{DATABRICKS_HOST%/}}{path}" \\\n'
        '  --header "Authorization: Bearer $DATABRICKS_TOKEN" \\\n'
        '  --header "Content-Type: application/json" \\\n'
        "  --data-binary @- <<'JSON'\n"
        f"{json.dumps(body, indent=2, ensure_ascii=False)}\n"
        "JSON\n"
    )
