"""Which process is at a run: one that ended in the middle leaves its run as under way, and so does one that is at it still."""

import os
import platform
import time
from pathlib import Path

from services.embeddings.records import Run, RunState

SEEN_SECONDS = 30.0
"""So long after its last word a process that cannot be looked for is taken to be at it; it says one every ten seconds."""


def this_process() -> str:
    """Stands for this process, also after another one has its number."""
    return mark_of(os.getpid())


def mark_of(process: int) -> str:
    """The same of another one of this machine, by its number, as long as it is there."""
    return f"{platform.node()}/{process}/{_begun(process)}"


def under_way_elsewhere(run: Run) -> bool:
    """Whether another process of Brickyard is at it. Where the state is RUNNING and this is false, it was interrupted, unless
    this process has a job for it."""
    if run.state is not RunState.RUNNING or run.writer in ("", this_process()):
        return False
    machine, _, rest = run.writer.rpartition("/")[0].rpartition("/")
    if machine == platform.node() and rest.isdecimal() and _begun(os.getpid()):
        return mark_of(int(rest)) == run.writer
    return time.time() - run.seen < SEEN_SECONDS


def _begun(process: int) -> str:
    """When that process began, in the system's ticks; empty where there is no such process, or no way to know."""
    try:
        return (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        )
    except (OSError, IndexError):
        return ""
