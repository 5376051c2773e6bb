"""So many heavy computations at once that pages which only draw find a core that is free."""

import functools
import os
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

AT_ONCE = max(1, (os.cpu_count() or 2) - 1)
_places = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()


def in_turn(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let *work* wait while AT_ONCE threads are at such work already. What it calls itself does not wait again."""

    @functools.wraps(work)
    def when_there_is_a_place(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        if getattr(_mine, "at_work", False):
            return work(*args, **kwargs)
        with _places:
            _mine.at_work = True
            try:
                return work(*args, **kwargs)
            finally:
                _mine.at_work = False

    return when_there_is_a_place
