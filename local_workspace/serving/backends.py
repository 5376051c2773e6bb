"""What answers: the interface that foundation, external and custom models have in common.

A backend knows one kind of served entity. `endpoints` asks it whether a config can be served, `deployments` brings it up
and down, and `invocations` has it answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.responses import Response

from local_workspace.faults.words import Fault
from local_workspace.identity.users import User
from local_workspace.serving.records import ServedEntity


class DeploymentError(Exception):
    """A served entity cannot be brought up; the message is a sentence that the endpoint's state, events and logs show."""


@dataclass(frozen=True)
class Deployment:
    """A served entity of one endpoint. `config_version` is the version it was first deployed in.

    `creator` is whose rights it has: secrets are read as them.
    """

    endpoint: str
    endpoint_id: str
    config_version: int
    creator: User
    entity: ServedEntity

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells it from any other, also after its endpoint was deleted and another got the name."""
        return self.endpoint_id, self.config_version, self.entity.name


@dataclass(frozen=True)
class Invocation:
    """One question. `task` is the route's (`llm/v1/chat` and so on), None where an invocation is not of a known task.

    `body` is the parsed JSON object, None when the content type is not JSON; `raw` is the body as it came.
    """

    task: str | None
    body: dict[str, Any] | None
    raw: bytes
    content_type: str
    caller: User
    faults: list[Fault]
    request_id: str


class Backend(Protocol):
    """One kind of served entity."""

    async def check(self, deployment: Deployment) -> str | None:
        """The task that its invocations have, None where a model takes any body of its own.

        Raises RefusalError when `deployment` could never work: an unknown model, a secret that cannot be read.
        """

    async def deploy(self, deployment: Deployment, log: Callable[[str], None]) -> None:
        """Bring it up; `log` takes lines for the build log. Raises DeploymentError. May be cancelled."""

    async def answer(self, deployment: Deployment, invocation: Invocation) -> Response:
        """The reply, whole or streaming, with the header served-model-name.

        Raises RefusalError. After a restart of the workspace it is called without `deploy`. Cancelled when the caller
        hangs up or time is up.
        """

    async def retire(self, deployment: Deployment) -> None:
        """It serves no more: end what runs for it. Also called for what was never deployed."""

    def state_message(self, deployment: Deployment) -> str:
        """The platform's `deployment_state_message` of something ready, such as "Scaled to zero"; empty otherwise."""

    def logs(self, deployment: Deployment) -> str:
        """What it wrote while serving, the last part of it."""

    async def schemas(self, deployment: Deployment) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON schemas of an invocation's body and of its reply. Raises RefusalError when the model has no signature."""

    async def close(self) -> None:
        """End everything: the workspace ends."""
