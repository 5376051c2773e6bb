"""The model registry: MLflow's own, in a process of its own that starts when someone first asks for it."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local_workspace import refusals
from local_workspace.workers.worker import Worker, WorkerError

MODULE = "local_workspace.custom_models.registry_child"
DATABASE_NAME = "mlflow.db"
MODELS_NAME = "models"
# MLflow reports its use to its makers unless told not to; nothing leaves this machine.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model: its files, and its signature as MLflow writes it (JSON texts by part) or None.

    `task` is the one it was logged with, such as `llm/v1/chat` or `agent/v1/chat`; None for most.
    """

    name: str
    version: str
    path: Path
    signature: dict[str, str | None] | None
    task: str | None


class Registry:
    """The registry of the state folder `folder`: `mlflow.db` and `models/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worker: Worker | None = None
        self._starting: asyncio.Task[Worker] | None = None

    async def find(self, name: str, version: str) -> ModelVersion:
        """The version `version` of the registered model `name`.

        Raises RefusalError: 404 for an unknown model or version, 400 for files that are not here, 503 without a registry.
        """
        response = await self._ask(httpx.QueryParams(name=name, version=version))
        if response.status_code == httpx.codes.NOT_FOUND:
            unknown_model = response.json()["missing"] == "model"
            if unknown_model:
                raise refusals.no_such_registered_model(name)
            raise refusals.no_such_model_version(name, version)
        if response.status_code == httpx.codes.CONFLICT:
            source = response.json()["source"]
            raise refusals.bad_request(
                f"Version {version} of '{name}' cannot be served: there is no MLflow model at its source {source[:500]}."
            )
        if response.is_error:
            raise refusals.unavailable("The model registry could not look the model up; the workspace's log says why.")
        found: dict[str, Any] = response.json()
        return ModelVersion(name, version, Path(found["path"]), found["signature"], found["task"])

    async def _ask(self, query: httpx.QueryParams) -> httpx.Response:
        client = await self.client()
        try:
            return await client.get("/_registry/version", params=query)
        except httpx.TransportError as error:
            raise refusals.unavailable("The model registry's process ended; ask again.") from error

    async def client(self) -> httpx.AsyncClient:
        """A client of MLflow's server, which is started if need be. Raises RefusalError (503)."""
        if self._worker is None or not self._worker.running:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(self._start())
            try:
                self._worker = await asyncio.shield(self._starting)
            except WorkerError as error:
                raise refusals.unavailable(f"The model registry cannot be opened: {error}") from error
        return self._worker.client

    async def _start(self) -> Worker:
        models = self._folder / MODELS_NAME
        models.mkdir(mode=0o700, exist_ok=True)
        if self._worker:
            await self._worker.stop()
        order = {"database": str(self._folder / DATABASE_NAME), "models": str(models)}
        worker = Worker(MODULE, order, environment=QUIET, on_line=lambda line: log.info("registry: %s", line))
        await worker.start()
        log.info("The model registry is ready.")
        return worker

    async def close(self) -> None:
        """End its process."""
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._worker:
            await self._worker.stop()
