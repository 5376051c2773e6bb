"""A change of an endpoint as code: the CLI, the SDK and curl. Pure: from the change that is sent, never from widgets."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from services.endpoints.change import Change, ChangeKind
from services.snippets.python_source import literal
from services.snippets.snippet import Snippet

_CLI = {
    ChangeKind.TAGS: "patch",
    ChangeKind.RATE_LIMITS: "put",
    ChangeKind.AI_GATEWAY: "put-ai-gateway",
    ChangeKind.TRAFFIC: "update-config",
    ChangeKind.GRANT: "update-permissions",
    ChangeKind.REVOKE: "set-permissions",
    ChangeKind.DELETE: "delete",
}
_REPLACES = {
    ChangeKind.AI_GATEWAY: "It replaces all settings of the gateway: what is not in it is taken away.",
    ChangeKind.REVOKE: "It replaces every permission that is given here: what is not in it is taken away.",
    ChangeKind.RATE_LIMITS: "It replaces all of these limits. Databricks advises the AI gateway's instead.",
    ChangeKind.TRAFFIC: "It deploys what is served again with these shares; until that is over no other change is taken.",
    ChangeKind.DELETE: "It cannot be undone.",
    ChangeKind.STOP: "The path is in no public reference.",
    ChangeKind.START: "The path is in no public reference.",
}
_CONNECTS = "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
_INSTALL_SDK = "pip install databricks-sdk"
# Of each list: the SDK's class of its items, by the name of the argument.
_ITEMS = {
    (ChangeKind.TAGS, "add_tags"): "EndpointTag",
    (ChangeKind.RATE_LIMITS, "rate_limits"): "RateLimit",
    (ChangeKind.AI_GATEWAY, "rate_limits"): "AiGatewayRateLimit",
    (ChangeKind.TRAFFIC, "served_entities"): "ServedEntityInput",
    (ChangeKind.GRANT, "access_control_list"): "ServingEndpointAccessControlRequest",
    (ChangeKind.REVOKE, "access_control_list"): "ServingEndpointAccessControlRequest",
}
_BLOCKS = {
    "traffic_config": "TrafficConfig",
    "auto_capture_config": "AutoCaptureConfigInput",
    "fallback_config": "FallbackConfig",
    "guardrails": "AiGatewayGuardrails",
    "inference_table_config": "AiGatewayInferenceTableConfig",
    "usage_tracking_config": "AiGatewayUsageTrackingConfig",
}


def endpoint_snippets(change: Change) -> tuple[Snippet, ...]:
    """The change in three dialects."""
    note = _REPLACES.get(change.kind, "")
    return (
        Snippet("Databricks CLI", "bash", _cli(change), note=note, file_name="change.sh"),
        Snippet("databricks-sdk", "python", _sdk(change), install=_INSTALL_SDK, note=note, file_name="change.py"),
        Snippet("curl", "bash", _curl(change), note=note, file_name="change.sh"),
    )


def _cli(change: Change) -> str:
    command = _CLI.get(change.kind)
    if command is None or _is_provisioned(change):
        json_of_body = f" --json {shlex.quote(_json(change.body))}" if change.body is not None else ""
        return f"databricks api {change.method.lower()} {shlex.quote(change.path)}{json_of_body}\n"
    words = ["databricks", "serving-endpoints", command, shlex.quote(_target(change))]
    if change.body is not None:
        words += ["\\\n  --json", shlex.quote(_json(change.body))]
    return " ".join(words) + "\n"


def _curl(change: Change) -> str:
    head = (
        f'curl --fail-with-body --request {change.method} "${{DATABRICKS_HOST%/}}"{shlex.quote(change.path)} \\\n'
        '  --header "Authorization: Bearer $DATABRICKS_TOKEN"'
    )
    if change.body is None:
        return f"{head}\n"
    sent = "--header \"Content-Type: application/json\" \\\n  --data-binary @- <<'JSON'"
    return f"{head} \\\n  {sent}\n{_json(change.body)}\nJSON\n"


def _sdk(change: Change) -> str:
    arguments = {} if change.body is None else _typed(change.kind, change.body)
    command = _CLI.get(change.kind)
    if command is None or arguments is None or _is_provisioned(change):
        body = "" if change.body is None else f", body={literal(dict(change.body))}"
        call = f"WorkspaceClient().api_client.do({change.method!r}, {change.path!r}{body})\n"
        return f"{_CONNECTS}from databricks.sdk import WorkspaceClient\n\n{call}"
    classes = sorted({kind for kind, _ in arguments.values() if kind})
    imported = f"from databricks.sdk.service.serving import {', '.join(classes)}\n" if classes else ""
    lines = [f"    {_target(change)!r},\n", *(f"    {name}={text},\n" for name, (_, text) in arguments.items())]
    call = f"WorkspaceClient().serving_endpoints.{command.replace('-', '_')}(\n{''.join(lines)})\n"
    return f"{_CONNECTS}from databricks.sdk import WorkspaceClient\n{imported}\n{call}"


def _typed(kind: ChangeKind, body: Mapping[str, Any]) -> dict[str, tuple[str, str]] | None:
    """The SDK's arguments: for each the class it needs and its source. None where the SDK has no argument for a field."""
    found = {}
    for name, value in body.items():
        if item := _ITEMS.get((kind, name)):
            found[name] = (item, f"[{item}.from_dict(one) for one in {_source(value)}]") if value else ("", "[]")
        elif block := _BLOCKS.get(name):
            found[name] = block, f"{block}.from_dict({_source(value)})"
        elif name == "delete_tags":
            found[name] = "", _source(value)
        else:
            return None
    return found


def _source(value: Any) -> str:
    return literal(value).replace("\n", "\n    ")


def _target(change: Change) -> str:
    """What the command names: permissions go by the endpoint's id, the last part of their path."""
    return change.path.rpartition("/")[2] if change.kind in (ChangeKind.GRANT, ChangeKind.REVOKE) else change.endpoint


def _is_provisioned(change: Change) -> bool:
    return change.kind is ChangeKind.TRAFFIC and "config" in (change.body or {})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
