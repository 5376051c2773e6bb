"""Something asked beside the script, so that no page waits for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Found = TypeVar("Found")


def in_background(work: Callable[[], Found], name: str) -> "Future[Found]":
    """Begin *work* in a thread of its own. What it raises is raised by the future's ``result()``."""
    future: Future[Found] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as failure:  # noqa: BLE001 - handed on, to whoever asks for the result
            future.set_exception(failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
