"""Run by the legacy environment's python: what databricks-sdk 0.33 sees, as one JSON object."""

import json
import sys

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.serving import (
    ChatMessage,
    ChatMessageRole,
    EndpointCoreConfigInput,
    ServedEntityInput,
    TrafficConfig,
)
from databricks.sdk.version import __version__


def refusal(call):
    try:
        call()
    except DatabricksError as error:
        return {"kind": type(error).__name__, "text": str(error)}
    return None


def endpoints(workspace, given):
    """An endpoint from its creation to its end."""
    api = workspace.serving_endpoints
    config = EndpointCoreConfigInput.from_dict({"name": given["name"], "served_entities": [given["entity"]]})
    made = api.create_and_wait(given["name"], config)
    asked = api.query(given["name"], messages=[ChatMessage(role=ChatMessageRole.USER, content="hello")])
    changed = api.update_config_and_wait(
        given["name"],
        served_entities=[ServedEntityInput.from_dict(given["entity"] | {"name": "second"})],
        traffic_config=TrafficConfig.from_dict(
            {"routes": [{"served_model_name": "second", "traffic_percentage": 100}]}
        ),
    )
    api.delete(given["name"])
    return {
        "made": made.as_dict(),
        "text": asked.choices[0].message.content,
        "served": asked.served_model_name,
        "changed": changed.as_dict(),
        "left": [endpoint.name for endpoint in api.list()],
    }


def secrets(workspace):
    """A scope from its creation to its end, and a secret read the way a notebook reads it."""
    workspace.secrets.create_scope("old-sdk")
    workspace.secrets.put_secret("old-sdk", "key", string_value="안녕")
    found = {
        "value": workspace.dbutils.secrets.get("old-sdk", "key"),
        "keys": [secret.key for secret in workspace.secrets.list_secrets("old-sdk")],
        "acls": [acl.as_dict() for acl in workspace.secrets.list_acls("old-sdk")],
        "missing": refusal(lambda: workspace.secrets.get_secret("old-sdk", "nope")),
    }
    workspace.secrets.delete_scope("old-sdk")
    return found


def main(given):
    workspace = WorkspaceClient()
    host, token = workspace.config.host, workspace.config.token
    machine = WorkspaceClient(host=host, client_id="admin", client_secret=token, auth_type="oauth-m2m")
    found = {
        "version": __version__,
        "me": workspace.current_user.me().user_name,
        "secrets": secrets(workspace),
        "endpoints": endpoints(workspace, given),
        "clusters": [cluster.state.value for cluster in workspace.clusters.list()],
        "missing": refusal(lambda: workspace.serving_endpoints.get("nope")),
        "machine": {"auth_type": machine.config.auth_type, "me": machine.current_user.me().user_name},
    }
    sys.stdout.write(json.dumps(found, default=str) + "\n")


main(json.loads(sys.argv[1]))
