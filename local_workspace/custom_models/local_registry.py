"""Inside the registry's process: which files a model version is, what its signature says, and what is there at first."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlparse

from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from starlette.requests import Request
from starlette.responses import JSONResponse

from local_workspace.custom_models.seeded import ENTITY_NAME, MODEL_DESCRIPTION, SEEDED_EXPERIMENT

SEEDED_PATH = "seeded/prompt-model"
NOT_FOUND = 404
CONFLICT = 409


class LocalRegistry:
    """The registry and the tracking store in one SQLite file. Raises MlflowException or OSError for a file that is none."""

    def __init__(self, uri: str, artifact_root: str, models: Path) -> None:
        self._models = models
        self._artifact_root = artifact_root
        tracking, registry = cast(Any, TrackingStore), cast(Any, RegistryStore)  # their functions have no types
        self._tracking = tracking(uri, artifact_root)
        self._registry = registry(uri)

    def seed(self) -> None:
        """Register the model that comes with the workspace, and make the experiment for clients without a server."""
        if self._tracking.get_experiment_by_name(SEEDED_EXPERIMENT) is None:
            self._tracking.create_experiment(SEEDED_EXPERIMENT, artifact_location=str(self._models / SEEDED_EXPERIMENT))
        if self._find(ENTITY_NAME, "1") is not None:
            return
        from local_workspace.custom_models.prompt_model import save

        folder = self._models / SEEDED_PATH
        shutil.rmtree(folder, ignore_errors=True)  # a start that was cut off may have left half of it
        save(folder)
        if self._registered(ENTITY_NAME) is None:
            self._registry.create_registered_model(ENTITY_NAME, description=MODEL_DESCRIPTION)
        self._registry.create_model_version(ENTITY_NAME, source=f"{self._artifact_root}{SEEDED_PATH}")

    def version(self, request: Request) -> JSONResponse:
        """`{"path", "signature", "task"}` of the version that the query names; 404 or 409 with `{"missing"}` without it."""
        name, number = request.query_params["name"], request.query_params["version"]
        version = self._find(name, number)
        if version is None:
            missing = "model" if self._registered(name) is None else "version"
            return JSONResponse({"missing": missing}, NOT_FOUND)
        path = self._path(self._registry.get_model_version_download_uri(name, number))
        if path is None or not (path / "MLmodel").is_file():
            return JSONResponse({"missing": "files", "source": str(version.source)}, CONFLICT)
        return JSONResponse({"path": str(path)} | _described(Model.load(str(path))))

    def _registered(self, name: str) -> RegisteredModel | None:
        with _unknown_is_none():
            found: RegisteredModel = self._registry.get_registered_model(name)
            return found
        return None

    def _find(self, name: str, number: str) -> ModelVersion | None:
        with _unknown_is_none():
            found: ModelVersion = self._registry.get_model_version(name, number)
            return found
        return None

    def _path(self, uri: str) -> Path | None:
        """The folder on this machine that an artifact URI means, or None when it lies elsewhere."""
        parsed = urlparse(uri)
        if parsed.scheme == "runs":
            run_id, _, below = parsed.path.lstrip("/").partition("/")
            return self._path(f"{self._tracking.get_run(run_id).info.artifact_uri}/{below}")
        path = unquote(parsed.path)
        if parsed.scheme == "mlflow-artifacts":
            folder = (self._models / path.lstrip("/")).resolve()
            return folder if folder.is_relative_to(self._models.resolve()) else None
        return Path(path) if parsed.scheme in {"", "file"} else None


@contextmanager
def _unknown_is_none() -> Iterator[None]:
    try:
        yield
    except MlflowException as error:
        # What is no name or no number cannot be there either.
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise


def _described(model: Model) -> dict[str, Any]:
    """The signature as MLflow writes it (three JSON texts, or null) and the task a model was logged with, or null."""
    signature = model.signature.to_dict() if model.signature else None
    return {"signature": signature, "task": (model.metadata or {}).get("task")}
