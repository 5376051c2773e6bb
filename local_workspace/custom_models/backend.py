"""Custom models: registered MLflow models, each served entity in a process of its own."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from local_workspace import refusals
from local_workspace.custom_models.environment import Secrets, resolved, way_back
from local_workspace.custom_models.registry import QUIET, Registry
from local_workspace.custom_models.served_model import ServedModel
from local_workspace.custom_models.signatures import invocation_schema, reply_schema
from local_workspace.identity.oauth_scopes import MODEL_OAUTH_SCOPES
from local_workspace.identity.users import Identities
from local_workspace.options import Options
from local_workspace.serving.backends import Deployment, DeploymentError, Invocation
from local_workspace.serving.records import ServedEntity
from local_workspace.workers.worker import Worker, WorkerError

MODULE = "local_workspace.custom_models.model_worker"
MAX_BODY_BYTES = 16 * 1024 * 1024
# How many calls run at once, by workload size: the upper end of the platform's ranges.
SLOTS = {"Small": 4, "Medium": 16, "Large": 64}
MAX_SLOTS = 64
MODEL_NAME = re.compile(r"[^/:\0]{1,250}")
VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
# A process cannot be given another token while it runs: one that runs for longer than this loses its way back.
TOKEN_SECONDS = 30 * 24 * 3600.0


class CustomModels:
    """The backend (`serving.backends.Backend`) of custom models."""

    def __init__(self, registry: Registry, secrets: Secrets, identities: Identities, options: Options) -> None:
        self._registry = registry
        self._secrets = secrets
        self._identities = identities
        self._options = options
        self._served: dict[tuple[str, int, str], ServedModel] = {}

    async def check(self, deployment: Deployment) -> str | None:
        """The task that the model was logged with.

        Raises RefusalError: 404 for an unknown model or version, 400 or 403 for an environment that cannot be made.
        """
        entity = deployment.entity
        if not MODEL_NAME.fullmatch(entity.entity_name):
            raise refusals.invalid_parameter(
                "The field 'entity_name' must name a registered model, without '/' and ':'."
            )
        if not VERSION.fullmatch(entity.entity_version):
            raise refusals.invalid_parameter(
                f"The field 'entity_version' must be the number of a version, such as \"1\", not '{entity.entity_version[:80]}'."
            )
        resolved(entity.environment_vars, deployment.creator, self._secrets)
        return (await self._registry.find(entity.entity_name, entity.entity_version)).task

    async def deploy(self, deployment: Deployment, log: Callable[[str], None]) -> None:
        """Start the process and load the model. Raises DeploymentError with the reason."""
        entity = deployment.entity
        log(f"Loading version {entity.entity_version} of the registered model '{entity.entity_name}'.")
        try:
            await self._of(deployment).up(log)
        except WorkerError as error:
            raise DeploymentError(f"The model could not be loaded. {error}") from error
        except refusals.RefusalError as refusal:
            raise DeploymentError(refusal.message) from refusal
        log("The model is loaded.")

    async def answer(self, deployment: Deployment, invocation: Invocation) -> Response:
        """The model's reply, whole or streaming. It wakes first if it is asleep. Raises RefusalError (413, 429, 503)."""
        if len(invocation.raw) > MAX_BODY_BYTES:
            raise refusals.too_large(MAX_BODY_BYTES)
        return await self._of(deployment).answer(invocation)

    async def retire(self, deployment: Deployment) -> None:
        """End its process, whatever that is doing."""
        served = self._served.pop(deployment.key, None)
        if served:
            await served.retire()

    def state_message(self, deployment: Deployment) -> str:
        """ "Scaled to zero" for what may sleep and does: after its idle time, and after a start of the workspace."""
        if not deployment.entity.scale_to_zero_enabled:
            return ""
        served = self._served.get(deployment.key)
        return "Scaled to zero" if served is None or served.asleep else ""

    def logs(self, deployment: Deployment) -> str:
        """What its processes wrote since the workspace started, the last 1,000 lines."""
        served = self._served.get(deployment.key)
        return served.log_text() if served else ""

    async def schemas(self, deployment: Deployment) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON schemas of its bodies and its replies, from the MLflow signature. Raises RefusalError (400) without one."""
        entity = deployment.entity
        version = await self._registry.find(entity.entity_name, entity.entity_version)
        if version.signature is None:
            raise refusals.bad_request(
                f"The model of the served entity '{entity.name}' was logged without a signature."
            )
        return invocation_schema(version.signature), reply_schema(version.signature)

    async def close(self) -> None:
        """End every process. The registry is its maker's to close."""
        served = [*self._served.values()]
        self._served.clear()
        await asyncio.gather(*(model.retire() for model in served))

    def _of(self, deployment: Deployment) -> ServedModel:
        found = self._served.get(deployment.key)
        if found is None:
            entity = deployment.entity
            idle = self._options.scale_to_zero_seconds if entity.scale_to_zero_enabled else None

            async def launch(on_line: Callable[[str], None]) -> Worker:
                return await self._launch(deployment, on_line)

            found = self._served[deployment.key] = ServedModel(entity.name, launch, slots_of(entity), idle)
        return found

    async def _launch(self, deployment: Deployment, on_line: Callable[[str], None]) -> Worker:
        entity, creator = deployment.entity, deployment.creator
        version = await self._registry.find(entity.entity_name, entity.entity_version)
        token = self._identities.issue_access_token(creator, MODEL_OAUTH_SCOPES, TOKEN_SECONDS)
        back = way_back(self._options.host, token, self._options.ca_bundle)
        # The endpoint's own variables win: a model may be meant to talk to another workspace.
        variables = back | resolved(entity.environment_vars, creator, self._secrets)
        order = {"path": str(version.path), "slots": slots_of(entity), "environment": variables}
        worker = Worker(MODULE, order, environment=QUIET, on_line=on_line)
        await worker.start()
        return worker


def slots_of(entity: ServedEntity) -> int:
    """How many calls of a served entity run at once."""
    asked = entity.options.get("max_provisioned_concurrency")
    if isinstance(asked, int) and asked > 0:
        return min(asked, MAX_SLOTS)
    return SLOTS.get(entity.workload_size or "Small", SLOTS["Small"])
