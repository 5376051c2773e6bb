"""Send a draft, in a thread of its own: first what only the workspace can tell is checked, then the body leaves, once.

A rerun of the page, a second click or a lost browser neither repeat it nor break it off.
"""

import threading
import time
from collections.abc import Callable
from enum import StrEnum

from services.deployments.deployment import Deployment, Sent
from services.endpoint_setup import (
    Body,
    Problem,
    create_endpoint,
    existing,
    missing_references,
    update_config,
)
from services.endpoints import EndpointDetail, get_endpoint_detail
from services.errors import AlreadyExists, PlaygroundError, Side, UnexpectedReply
from services.workspace import Workspace

Accept = Callable[[Deployment], None]


class Step(StrEnum):
    """How far a submission is."""

    CHECKING = "checking"
    SENDING = "sending"
    SENT = "sent"
    """What followed is in ``deployment``."""
    KEPT_BACK = "kept back"
    """Nothing was sent: see ``problems`` and ``taken_by``."""
    REFUSED = "refused"
    """Nothing was changed: why not is in ``error``."""


class Submission:
    """One draft on its way out."""

    def __init__(
        self,
        workspace: Workspace,
        body: Body,
        accept: Accept,
        *,
        updates: EndpointDetail | None = None,
        trial: bool = True,
    ) -> None:
        """Begin to check, then send. *updates*: the endpoint as it is, whose config is to change; None creates one.

        *accept* is given the deployment, in the sending thread. *trial*: call the endpoint once when it is ready.
        """
        self.body = body
        self.updates = updates
        """As it was when it was checked: that shows whether a change whose answer is lost has arrived."""
        self.step = Step.CHECKING
        self.problems: tuple[Problem, ...] = ()
        """What the workspace does not have that the body names."""
        self.taken_by: EndpointDetail | None = None
        """The endpoint that has the name already."""
        self.error: PlaygroundError | None = None
        self.deployment: Deployment | None = None
        self.began = time.monotonic()
        self._workspace = workspace
        self._accept = accept
        self._trial = trial
        self.endpoint = str(body.get("name", "")) if updates is None else updates.endpoint.name
        self._thread = threading.Thread(target=self._run, name=f"set up {self.endpoint}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self.step in (Step.CHECKING, Step.SENDING)

    def wait(self) -> None:
        """Return when it is no more under way."""
        self._thread.join()

    @property
    def arrived(self) -> bool:
        """Whether the workspace has what was sent, as far as is known."""
        return self.step is Step.SENT and self.deployment is not None and self.deployment.detail is not None

    def _run(self) -> None:
        try:
            if self._may_leave():
                self.step = Step.SENDING
                self._send()
        except PlaygroundError as error:
            self.error = error
        except BaseException:
            self.error = PlaygroundError(
                "Brickyard itself failed while it sent the draft.",
                "Look whether the endpoint is there before you send again. The server's log has the details; please report them.",
                side=Side.HERE,
            )
            raise  # threading prints it: a bug stays loud
        finally:
            if self.running:
                self.step = Step.REFUSED

    def _may_leave(self) -> bool:
        self.problems = tuple(missing_references(self._workspace, self.body))
        if self.updates is None:
            self.taken_by = existing(self._workspace, self.endpoint)
        else:
            self.updates = get_endpoint_detail(self._workspace, self.endpoint)
        if any(one.blocks for one in self.problems) or self.taken_by is not None:
            self.step = Step.KEPT_BACK
            return False
        return True

    def _send(self) -> None:
        try:
            sent = Sent(self._answer(), before=self.updates)
        except AlreadyExists:  # since it was looked for
            self.taken_by = existing(self._workspace, self.endpoint)
            if self.taken_by is None:
                raise
            self.step = Step.KEPT_BACK
            return
        except PlaygroundError as error:
            if not (error.unsure or isinstance(error, UnexpectedReply)):
                raise
            sent = Sent(lost=error, before=self.updates)
        self.deployment = Deployment(self._workspace, self.endpoint, sent, trial=self._trial)
        self._accept(self.deployment)
        self.step = Step.SENT

    def _answer(self) -> EndpointDetail:
        if self.updates is None:
            return create_endpoint(self._workspace, self.body)
        return update_config(self._workspace, self.endpoint, self.body["config"])
