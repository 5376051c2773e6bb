"""From a config that was asked for to one that answers, in visible steps.

    NOT_UPDATING -> IN_PROGRESS -> NOT_UPDATING   what was pending answers now
                                -> UPDATE_FAILED  what answered before still does; the pending config says what went wrong

Nothing is lost with the process: a deployment that was under way begins again at the next start.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from local_workspace.identity.users import USERS
from local_workspace.serving.backends import Backend, Deployment, DeploymentError
from local_workspace.serving.records import Config, Endpoint, Kind, ServedEntity
from local_workspace.serving.store import EndpointStore

log = logging.getLogger(__name__)


def deployment_of(endpoint: Endpoint, entity: ServedEntity) -> Deployment:
    """What a backend needs to know of a served entity."""
    return Deployment(endpoint.name, endpoint.id, entity.version, USERS[endpoint.creator], entity)


class Deployments:
    """Brings endpoints up and down. `seconds` is how long a deployment shows at least."""

    def __init__(self, store: EndpointStore, backends: dict[Kind, Backend], seconds: float) -> None:
        self._store = store
        self._backends = backends
        self._seconds = seconds
        self._running: dict[str, asyncio.Task[None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Begin again what was under way when the workspace ended. Call it once, on the running loop."""
        for endpoint in self._store.all():
            if endpoint.config_update == "IN_PROGRESS":
                self.start(endpoint)

    def start(self, endpoint: Endpoint) -> None:
        """Deploy the endpoint's pending config, in the background."""
        task = asyncio.create_task(self._deploy(endpoint.name, endpoint.id))
        self._running[endpoint.id] = task
        task.add_done_callback(lambda _: self._ended(endpoint, task))

    def end(self, endpoint: Endpoint) -> None:
        """The endpoint is deleted or stopped: cancel its deployment, and end whatever serves it."""
        if task := self._running.pop(endpoint.id, None):
            task.cancel()
        for config in (endpoint.config, endpoint.pending):
            self._retire(endpoint, config.entities if config else [])

    def _ended(self, endpoint: Endpoint, task: asyncio.Task[None]) -> None:
        if self._running.get(endpoint.id) is task:
            del self._running[endpoint.id]
        if task.cancelled() or not (error := task.exception()):
            return
        log.error("The deployment of endpoint %s broke off.", endpoint.name, exc_info=error)
        current = self._store.find(endpoint.name)
        if current and current.id == endpoint.id and current.pending:
            problem = "The workspace failed while it deployed; its log on stderr says where."
            self._fail(current, current.pending, {entity.name: problem for entity in current.pending.entities})

    async def close(self) -> None:
        """The workspace ends; what is under way begins again at the next start."""
        tasks = [*self._running.values(), *self._retiring]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deploy(self, name: str, endpoint_id: str) -> None:
        endpoint = self._store.get(name)
        if endpoint.pending is None:
            return
        version = endpoint.pending.version
        self._store.log(endpoint, version, "event", f"Deployment of config version {version} began.")
        shown = asyncio.create_task(asyncio.sleep(self._seconds))
        try:
            problems = await asyncio.gather(*(self._bring_up(endpoint, it) for it in endpoint.pending.entities))
            await shown
        finally:
            shown.cancel()
        current = self._store.find(name)
        if current is None or current.id != endpoint_id or current.pending is None:
            return
        failed = {
            entity.name: problem
            for entity, problem in zip(endpoint.pending.entities, problems, strict=True)
            if problem is not None
        }
        if failed:
            self._fail(current, current.pending, failed)
        else:
            self._finish(current, current.pending)

    async def _bring_up(self, endpoint: Endpoint, entity: ServedEntity) -> str | None:
        """Deploy one entity unless it is up already; why it failed, or None."""
        if entity.deployment == "DEPLOYMENT_READY":
            return None

        def build_log(line: str) -> None:
            self._store.log(endpoint, entity.version, "build", line, entity.name)

        backend = self._backends[entity.kind]
        try:
            await backend.deploy(deployment_of(endpoint, entity), build_log)
        except DeploymentError as error:
            build_log(f"Failed. {error}")
            return str(error)
        build_log("Ready.")
        return None

    def _finish(self, endpoint: Endpoint, pending: Config) -> None:
        entities = [_settled(entity, "DEPLOYMENT_READY", "") for entity in pending.entities]
        config = pending.model_copy(update={"entities": entities})
        self._store.change(endpoint.name, config=config, pending=None, config_update="NOT_UPDATING", stopped=False)
        self._store.log(endpoint, config.version, "event", f"Config version {config.version} is serving.")
        kept = {(entity.name, entity.version) for entity in entities}
        before = endpoint.config.entities if endpoint.config else []
        self._retire(endpoint, [entity for entity in before if (entity.name, entity.version) not in kept])

    def _fail(self, endpoint: Endpoint, pending: Config, problems: dict[str, str]) -> None:
        serving = {(entity.name, entity.version) for entity in (endpoint.config.entities if endpoint.config else [])}
        entities = [
            _settled(entity, "DEPLOYMENT_FAILED", problems[entity.name])
            if entity.name in problems
            else entity
            if (entity.name, entity.version) in serving
            else _settled(entity, "DEPLOYMENT_ABORTED", "Another served entity of this config failed.")
            for entity in pending.entities
        ]
        self._store.change(
            endpoint.name, pending=pending.model_copy(update={"entities": entities}), config_update="UPDATE_FAILED"
        )
        for name, problem in problems.items():
            self._store.log(endpoint, pending.version, "event", f"The deployment of '{name}' failed. {problem}", name)
        self._retire(endpoint, [entity for entity in entities if (entity.name, entity.version) not in serving])

    def _retire(self, endpoint: Endpoint, entities: list[ServedEntity]) -> None:
        for entity in entities:
            backend = self._backends[entity.kind]
            self._in_background(backend.retire(deployment_of(endpoint, entity)))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._retiring.add(task)
        task.add_done_callback(self._retired)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("A served entity could not be ended.", exc_info=error)


def _settled(entity: ServedEntity, deployment: str, message: str) -> ServedEntity:
    return entity.model_copy(update={"deployment": deployment, "message": message})
