"""Replies that this browser keeps whole, whichever page asked for them: the newest few, for each may hold tens of megabytes."""

from collections import deque
from dataclasses import dataclass, field

from services.driver_proxy import DriverCallJob
from services.invocation import InvocationJob

KEPT = 6
KeepsWhole = InvocationJob | DriverCallJob


@dataclass
class KeptReplies:
    """The jobs whose replies are whole, the newest last."""

    jobs: deque[KeepsWhole] = field(default_factory=deque)

    def add(self, job: KeepsWhole) -> None:
        """Keep that one's reply whole; the oldest ones that are over let go of theirs."""
        self.jobs.append(job)
        for old in list(self.jobs)[:-KEPT]:
            if not old.running:
                old.forget()
                self.jobs.remove(old)
