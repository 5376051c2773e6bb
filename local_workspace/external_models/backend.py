"""External models as a backend: credentials resolved at each call, and the provider asked through the gateway's process."""

import asyncio
import importlib.util
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from local_workspace.cipher import Cipher
from local_workspace.external_models.credentials import Credentials
from local_workspace.external_models.gateway import Gateway
from local_workspace.external_models.replies import PassedStream, Redaction, refusal_of
from local_workspace.invocations.schemas import open_schemas_of
from local_workspace.refusals import RefusalError, unavailable
from local_workspace.secret_scopes.store import SecretStore
from local_workspace.serving.backends import Deployment, DeploymentError, Invocation
from local_workspace.serving.records import ExternalModel

CONNECT_SECONDS = 10.0
CLIENT_CLOSED = 499
MAX_LOG_LINES = 200
MAX_LOGS = 500
# What an invocation may say to the platform and not to a provider.
_OF_THE_PLATFORM = ("client_request_id", "usage_context", "model")
_PACKAGES = {"amazon-bedrock": "boto3", "google-cloud-vertex-ai": "google.auth"}
_INSTALLS = {"boto3": "boto3", "google.auth": "google-auth"}
_ROLES = ("instance_profile_arn", "uc_service_credential_name")


class ExternalModels:
    """The Backend for served entities of kind "external".

    `provider_urls` says where a provider is in place of its own address, by provider (`--provider-url`), and `timeout` how
    many seconds it may send nothing.
    """

    def __init__(
        self,
        secrets: SecretStore,
        cipher: Cipher,
        provider_urls: Mapping[str, str] | None = None,
        timeout: float = 297.0,
    ) -> None:
        self._credentials = Credentials(secrets, cipher)
        self._origins = dict(provider_urls or {})
        self._timeout = timeout
        self._gateway = Gateway(self._origins.get("amazon-bedrock"))
        self._logs: OrderedDict[tuple[str, int, str], deque[str]] = OrderedDict()

    async def check(self, deployment: Deployment) -> str | None:
        """The model's task. Raises RefusalError unless every credential can be read with the creator's rights."""
        self._credentials.resolve(_model(deployment), deployment.creator)
        return _model(deployment).task

    async def deploy(self, deployment: Deployment, log: Callable[[str], None]) -> None:
        """Check again, and have the gateway's process start. Raises DeploymentError."""
        model = _model(deployment)
        log(f"External model {model.name} of provider {model.provider}, task {model.task}.")
        if role := next((name for name in _ROLES if name in model.config), None):
            raise DeploymentError(
                f"'{role}' is a right of the cloud that only Databricks has. Here, use 'aws_access_key_id' and"
                " 'aws_secret_access_key'."
            )
        package = _PACKAGES.get(model.provider)
        if package and not _is_installed(package):
            raise DeploymentError(
                f"Provider {model.provider} needs the package {_INSTALLS[package]}, which is not installed:"
                f" pip install {_INSTALLS[package]}, and start the local workspace again."
            )
        try:
            self._credentials.resolve(model, deployment.creator)
        except RefusalError as refusal:
            raise DeploymentError(refusal.message) from refusal
        log("Its credentials can be read. They are read again at each call.")
        self._gateway.begin()
        log("Nothing was sent to the provider; the first call shows whether it accepts the credentials.")

    async def answer(self, deployment: Deployment, invocation: Invocation) -> Response:
        """Ask the provider. Raises RefusalError with the provider's own words in the platform's wrapping."""
        model = _model(deployment)
        began = time.monotonic()
        body = _body(invocation)
        config, secrets = self._credentials.resolve(model, deployment.creator)
        question = {
            "provider": model.provider,
            "model": model.name,
            "task": model.task,
            "body": body,
            "config": config,
            "origins": self._origins,
            "connect_seconds": min(CONNECT_SECONDS, self._timeout),
            "read_seconds": self._timeout,
        }

        def note(status: int, events: int | None = None) -> None:
            sent = "" if events is None else f", {events} events"
            self._note(deployment, f"{status} in {time.monotonic() - began:.3f} s{sent}")

        lines = self._gateway.lines(question, Redaction(secrets))
        try:
            return await self._reply(deployment, lines, note)
        except RefusalError as refusal:
            note(refusal.status)
            raise
        except asyncio.CancelledError:
            note(CLIENT_CLOSED)
            raise

    async def _reply(
        self, deployment: Deployment, lines: AsyncGenerator[bytes, None], note: Callable[..., None]
    ) -> Response:
        model, headers = _model(deployment), {"served-model-name": deployment.entity.name}
        first = await anext(lines, b"")
        if first[:1] in {b"C", b"D"}:
            return PassedStream(model.provider, first, lines, headers, lambda sent, status: note(status, sent))
        async with aclosing(lines):
            if not first:
                raise unavailable("The gateway's process gave no answer; send the request once more.")
            if first.startswith(b"F"):
                raise refusal_of(model.provider, first[1:])
            note(200)
            return Response(first[1:], media_type="application/json", headers=headers)

    async def retire(self, deployment: Deployment) -> None:
        """Forget its log; the gateway's process is everyone's."""
        self._logs.pop(deployment.key, None)

    def state_message(self, deployment: Deployment) -> str:
        """Nothing to add."""
        del deployment
        return ""

    def logs(self, deployment: Deployment) -> str:
        """A line for each of its last calls: when, the status, how long. Nothing of what was said."""
        return "".join(f"{line}\n" for line in self._logs.get(deployment.key, ()))

    async def schemas(self, deployment: Deployment) -> tuple[dict[str, Any], dict[str, Any]]:
        """JSON schemas of a body and a reply of its task. Providers take more fields than these."""
        return open_schemas_of(_model(deployment).task)

    async def close(self) -> None:
        """End the gateway's process."""
        await self._gateway.close()

    def _note(self, deployment: Deployment, what: str) -> None:
        model = _model(deployment)
        lines = self._logs.setdefault(deployment.key, deque(maxlen=MAX_LOG_LINES))
        self._logs.move_to_end(deployment.key)
        while len(self._logs) > MAX_LOGS:
            self._logs.popitem(last=False)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines.append(f"{at} {model.provider} {model.name} {model.task}: {what}")


def _model(deployment: Deployment) -> ExternalModel:
    model = deployment.entity.external_model
    if model is None:
        raise ValueError(f"Served entity {deployment.entity.name} is no external model.")
    return model


def _body(invocation: Invocation) -> dict[str, Any]:
    """What the provider gets of the body: all but the platform's own fields."""
    body = invocation.body or {}
    return {name: value for name, value in body.items() if name not in _OF_THE_PLATFORM}


def _is_installed(package: str) -> bool:
    outer = package.partition(".")[0]
    return importlib.util.find_spec(outer) is not None and importlib.util.find_spec(package) is not None
