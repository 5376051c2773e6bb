"""Replies that this browser keeps whole, whichever page asked for them: the newest few, for each may hold tens of megabytes."""

from collections import deque
from dataclasses import dataclass, field

from services.invocation import InvocationJob

KEPT = 6


@dataclass
class KeptReplies:
    """The jobs whose replies are whole, the newest last."""

    jobs: deque[InvocationJob] = field(default_factory=deque)

    def add(self, job: InvocationJob) -> None:
        """Keep that one's reply whole; the oldest ones that are over let go of theirs."""
        self.jobs.append(job)
        for old in list(self.jobs)[:-KEPT]:
            if not old.running:
                old.forget()
                self.jobs.remove(old)
