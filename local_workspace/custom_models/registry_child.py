"""The registry's process: MLflow's own tracking and registry server on SQLite, and what the workspace asks of it besides.

Run by `registry`. MLflow's server takes seconds to import, so it is loaded with the first call that is for it: the answer
to "which files are this version" does not wait for that.
"""

import asyncio
import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace.workers.child import serve

# Artifacts go through the server, so clients elsewhere need no path of this machine.
PROXIED_ROOT = "mlflow-artifacts:/"


def make_app(order: dict[str, Any]) -> ASGIApp:
    """The app of the registry in the file `order["database"]`, whose artifacts lie in the folder `order["models"]`."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # where it listens is of no interest
    from local_workspace.custom_models.local_registry import LocalRegistry

    models = Path(order["models"])
    uri = f"sqlite:///{order['database']}"
    os.environ |= {
        "MLFLOW_TRACKING_URI": uri,
        # What `mlflow server` is told by options, its app is told by these (mlflow/server/constants.py).
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": PROXIED_ROOT,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": models.as_uri(),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        # It guards a server without credentials against web pages; this one is reached through the workspace only.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    }
    registry = LocalRegistry(uri, PROXIED_ROOT, models)
    registry.seed()
    return Starlette(routes=[Route("/_registry/version", registry.version), Mount("/", _mlflow)])


async def _mlflow(scope: Scope, receive: Receive, send: Send) -> None:
    app = await asyncio.to_thread(_mlflow_server)
    await app(scope, receive, send)


@cache
def _mlflow_server() -> ASGIApp:
    """MLflow's server: its streaming routes for artifacts, and its Flask app for everything else.

    Not `mlflow.server.fastapi_app`, which joins the same two: its start also ends Docker containers that another MLflow
    server of this machine may have begun.
    """
    from fastapi import FastAPI
    from mlflow.server import app as flask_app
    from mlflow.server.artifact_router import artifact_router
    from starlette.middleware.wsgi import WSGIMiddleware

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(artifact_router)
    app.mount("/", WSGIMiddleware(flask_app))
    return app


if __name__ == "__main__":
    serve(make_app)
