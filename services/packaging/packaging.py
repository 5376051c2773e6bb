"""Log a packed model in the local workspace and serve it, in a thread of its own.

The model's code runs outside the sandbox: once while it is logged, in a process of its own, and then where it is served. So this
exists for the embedded local workspace alone, and there only for a server that nobody else can reach.
"""

import re
import tempfile
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from services.call import CallCancelled
from services.deployments import Deployment, Submission
from services.deployments import Step as SubmissionStep
from services.driver_proxy import Target
from services.endpoint_setup import existing, new_body, new_custom_entity, problems
from services.errors import AlreadyExists, BadInput, PermissionDenied, PlaygroundError, Side
from services.packaging.logging_process import LoggingProcess
from services.packaging.model_source import packed_source
from services.snippets.shaped_call import ShapedCall
from services.visitors import LOOPBACK
from services.workspace import Door, Workspace

Accept = Callable[[Deployment], None]
REGISTERS = "admins"
"""The group whose members the local workspace lets register models."""
MODEL_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")
"""Narrower than MLflow's, which takes anything without a slash or a colon."""
_NOT_SAFE = re.compile(r"[^A-Za-z0-9]+")


class Step(StrEnum):
    """How far a packaging is."""

    LOGGING = "logging"
    """The model's code runs, and what came of it is being registered."""
    SENDING = "sending"
    DEPLOYING = "deploying"
    """The endpoint is on its way: see ``deployment``."""
    FAILED = "failed"
    STOPPED = "stopped"


def why_not_here(workspace: Workspace, call: ShapedCall, *, bound_to: str | None, hosted: bool) -> str:
    """Why the model cannot be served from here, as a sentence; empty where it can.

    *bound_to* is the address that the app's server listens on, None for all; *hosted*: whether others come in all the same,
    as through a proxy. On a machine with several users (a cluster's driver, a notebook server) each of them reaches loopback:
    the README says so, since nothing here can tell.
    """
    if workspace.door is not Door.LOCAL:
        return (
            "Only the local workspace serves it at a click, since its code runs outside the sandbox there. "
            "Run the script where you may log models."
        )
    if hosted or bound_to not in LOOPBACK:
        return (
            "This server can be reached from other machines, and the model's code would run on it outside the sandbox. "
            "Start Brickyard on 127.0.0.1 for yourself, or run the script."
        )
    if isinstance(call.asked, Target):
        return (
            "A served model's token is for endpoints, not for clusters. Run the script, and give it a token of its own."
        )
    return ""


def default_name(call: ShapedCall) -> str:
    """A name for the model and its endpoint."""
    words = _NOT_SAFE.sub("-", f"{call.transform.name or 'shaped'}-{call.asked.label}").strip("-").lower()
    return words[:60].strip("-") or "shaped"


class Packaging:
    """One packed model on its way to being served. Its fields may be read from any thread."""

    def __init__(
        self,
        workspace: Workspace,
        call: ShapedCall,
        name: str,
        accept: Accept,
        *,
        bound_to: str | None,
        hosted: bool,
    ) -> None:
        """Begin. Raises BadInput before anything is done. *name* is the model's and the endpoint's.

        *accept* is given the deployment, in a thread of this; the others are as in ``why_not_here``.
        """
        reason = why_not_here(workspace, call, bound_to=bound_to, hosted=hosted)
        if reason:
            raise BadInput(reason, "Nothing was run.")
        if not MODEL_NAME.fullmatch(name):
            raise BadInput(
                "That is no name for a model.", "Begin with a letter or digit; then letters, digits, hyphens."
            )
        blocking = next((one for one in problems(_body(name, "1")) if one.blocks), None)
        if blocking is not None:
            raise BadInput(blocking.sentence, "Nothing was run. Choose another name.")
        self.name = name
        self.step = Step.LOGGING
        self.version = ""
        """The version that was registered; empty before."""
        self.error: PlaygroundError | None = None
        self.deployment: Deployment | None = None
        self.began = time.monotonic()
        self._workspace = workspace
        self._source = packed_source(call, name)
        self._accept = accept
        self._child = LoggingProcess()
        threading.Thread(target=self._run, name=f"package {name}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it is under way; a deployment is watched by itself."""
        return self.step in (Step.LOGGING, Step.SENDING)

    def stop(self) -> None:
        """End the process that logs. What is registered stays; without effect once the endpoint is being made."""
        self._child.stop()

    def _run(self) -> None:
        try:
            self._package()
        except CallCancelled:
            self.step = Step.STOPPED
        except PlaygroundError as error:
            self.error, self.step = error, Step.FAILED
        except BaseException:
            self.error = PlaygroundError(
                "Brickyard itself failed while it packed the model.",
                "The server's log has the details; please report them.",
                side=Side.HERE,
            )
            self.step = Step.FAILED
            raise  # threading prints it: a bug stays loud

    def _package(self) -> None:
        me = self._workspace.identity()
        if REGISTERS not in me.groups:
            raise PermissionDenied(
                f"Only an admin may register models here, and you are {me.user_name}.",
                "Nothing was run. Act as the local workspace's admin: the connection page offers it. Or take the script along.",
                side=Side.YOU,
            )
        if existing(self._workspace, self.name) is not None:  # before the model's code is run for nothing
            raise AlreadyExists(f"There is already an endpoint {self.name}.", "Nothing was run. Choose another name.")
        with tempfile.TemporaryDirectory(prefix="packaging-", ignore_cleanup_errors=True) as home:
            self.version = self._child.run(self._workspace, self._source, home)
        self.step = Step.SENDING
        submission = Submission(self._workspace, _body(self.name, self.version), self._accept, trial=False)
        submission.wait()
        if submission.step is not SubmissionStep.SENT:
            raise submission.error or AlreadyExists(
                f"There is an endpoint {self.name} by now.",
                f"The model is registered, as version {self.version}. Choose another name.",
            )
        self.deployment = submission.deployment
        self.step = Step.DEPLOYING


def _body(name: str, version: str) -> dict[str, object]:
    return new_body(new_custom_entity(name, version), name)
