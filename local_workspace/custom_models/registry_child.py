"""The registry's process: MLflow's own tracking and registry server on SQLite, and what the workspace asks of it besides.

Run by `registry`. MLflow's server takes seconds to import, so it is loaded with the first call that is for it: the answer
to "where does this version lie" does not wait for that.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

if TYPE_CHECKING:
    pass

NOT_FOUND = 404
# Where an artifact lies for clients that come over HTTP: they fetch it from the server, never from a path.
PROXIED = "mlflow-artifacts"
# For clients that come over SQLite: an experiment whose artifacts they can write themselves.
LOCAL_EXPERIMENT = "local-files"


def make_app(order: dict[str, Any]) -> ASGIApp:
    """The app of the registry in `order["database"]`, whose artifacts lie in the folder `order["models"]`."""
    models = Path(order["models"])
    uri = f"sqlite:///{order['database']}"
    os.environ |= {
        "MLFLOW_TRACKING_URI": uri,
        # What `mlflow server` tells its app with options, it tells in the environment (mlflow/server/constants.py).
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": f"{PROXIED}:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": models.as_uri(),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        # It guards against browsers that reach a server without credentials; this one is behind the workspace's.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    }
    registry = LocalRegistry(uri, models)
    registry.seed()
    return Starlette(routes=[Route("/version", registry.version), Mount("/", _on_demand)])


class LocalRegistry:
    """What the workspace asks: which files are a version, and what its signature is."""

    def __init__(self, uri: str, models: Path) -> None:
        pass  # placeholder
