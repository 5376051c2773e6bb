"""Layouts one after the other: the queue before the worker, and the thread that talks with it."""

import itertools
import logging
import queue
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from services.embeddings.layouts.arranging import Stage
from services.embeddings.layouts.job import LayoutJob, Order
from services.embeddings.layouts.pace import COMPILE_SECONDS, START_SECONDS, Pace, longest_silence
from services.embeddings.layouts.process import WorkerProcess, compiled
from services.embeddings.records import Algorithm, Floats
from services.errors import BadInput, PlaygroundError, Side

IDLE_SECONDS = 300.0
"""After which the worker is ended and gives its memory back."""
ANSWER_SECONDS = 0.5
"""What it may take to hear of a cancel; then it is ended."""
PATIENCE = 10.0
"""How many times what a layout should take its worker may say nothing; then it is ended, for the others' sake."""
MOST_WAITING = 20
MOST_WAITING_EACH = 3
"""Of one person."""
_log = logging.getLogger(__name__)
_Heard = tuple[WorkerProcess, dict[str, Any] | None]


class Turns:
    """One worker, one layout at a time, in the order of their asking."""

    def __init__(self, state: Path | None, *, idle_seconds: float = IDLE_SECONDS, patience: float = PATIENCE) -> None:
        """*state* is the folder that outlives this process; None where there is none."""
        self._compiled = compiled(state)
        self._idle_seconds = idle_seconds
        self.patience = patience
        self.pace = Pace()
        self._changed = threading.Condition()
        self._waiting: deque[LayoutJob] = deque()
        self._current: LayoutJob | None = None
        self._thread: threading.Thread | None = None
        self._process: WorkerProcess | None = None
        self._numbers = itertools.count(1)
        self._heard: queue.SimpleQueue[_Heard | None] = queue.SimpleQueue()
        self._ending = False

    def begin(self, order: Order) -> LayoutJob:
        """Begin it, or let it wait its turn. Raises PlaygroundError where too many wait."""
        with self._changed:
            waiting = [job for job in self._waiting if job.running]
            if sum(job.order.owner == order.owner for job in waiting) >= MOST_WAITING_EACH:
                raise PlaygroundError(
                    f"{MOST_WAITING_EACH} layouts of yours are waiting already.", "Wait for them, or cancel one.",
                    side=Side.HERE,
                )  # fmt: skip
            if len(waiting) >= MOST_WAITING:
                raise PlaygroundError(
                    f"{MOST_WAITING} layouts are waiting on this machine already.", "Try again later.", side=Side.HERE
                )
            job = LayoutJob(order, lambda: self._heard.put(None))
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="layouts", daemon=True)
                self._thread.start()
            self._changed.notify()
        return job

    def before_work(self, algorithm: Algorithm) -> tuple[float, float]:
        """Seconds of starting and of compiling that go before the work of a layout that begins now."""
        process = self._process
        if process is not None and algorithm in process.loaded:
            return 0.0, 0.0
        there = self._compiled is not None and self._compiled.there
        return START_SECONDS[algorithm], COMPILE_SECONDS if algorithm is Algorithm.LOCALMAP and not there else 0.0

    @property
    def process_id(self) -> int | None:
        """Of the worker; None where there is none."""
        return self._process.id if self._process else None

    def stop(self) -> None:
        """End the worker, and the layouts with it."""
        with self._changed:
            self._ending = True
            self._fail_waiting("Brickyard ends")
            thread = self._thread
            self._changed.notify()
        self._heard.put(None)
        if thread is not None:
            thread.join()

    def _serve(self) -> None:
        try:
            while not self._ending:
                self._current = self._next()
                if self._current is None:
                    self._end_process()  # idle
                elif self._current.running:
                    self._do(self._current)
        finally:
            # Whatever has ended it: nobody waits for ever, and the next layout begins anew.
            try:
                self._end_process()
            finally:
                with self._changed:
                    self._thread = None
                    why = "Brickyard ends" if self._ending else "Brickyard failed at it; its log says why"
                    if self._current is not None:
                        self._current.fails(_ended(why))
                    self._fail_waiting(why)

    def _fail_waiting(self, why: str) -> None:
        for job in self._waiting:
            job.fails(_ended(why))
        self._waiting.clear()

    def _next(self) -> LayoutJob | None:
        """The next one; None where there was none for as long as the worker may be idle."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._ending, self._idle_seconds if self._process is not None else None
            )
            return self._waiting.popleft() if self._waiting else None

    def _do(self, job: LayoutJob) -> None:
        order = job.order
        foreseen = self.pace.expected(
            order.count, order.dimensions, order.algorithm, order.dims, self.before_work(order.algorithm)
        )
        job.begins(foreseen)
        try:
            process = self._running()
        except PlaygroundError as error:
            job.fails(error)
            return
        number = next(self._numbers)
        process.say(
            id=number, vectors=str(order.vectors), algorithm=order.algorithm, dims=order.dims, seed=order.seed,
            folder=str(process.folder),
        )  # fmt: skip
        silence = longest_silence(foreseen, order.algorithm, made=order.algorithm in process.loaded)
        end = self._follow(job, process, number, self.patience * silence)
        if end is None:
            self._end_process()
        elif job.layout is not None:
            process.loaded.add(order.algorithm)
            self.pace.learn(order.algorithm, foreseen, end - job.started_work)

    def _follow(self, job: LayoutJob, process: WorkerProcess, number: int, most_silent: float) -> float | None:
        """Take in what is said of it until its end; the time of that, or None where the worker must be ended."""
        given_up = False
        deadline = time.monotonic() + most_silent
        while True:
            if (job.cancelled or self._ending) and not given_up:
                process.say(cancel=number)
                given_up, deadline = True, time.monotonic() + ANSWER_SECONDS
            try:
                heard = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                job.fails(_ended("Brickyard ends" if self._ending else f"it said nothing for {most_silent:.0f} s"))
                return None
            if heard is None or heard[0] is not process:
                continue
            if heard[1] is None:
                why = process.why_it_ended()
                _log.warning("The worker for layouts ended: %s", why)
                job.fails(_ended(why))
                return None
            if not given_up:
                deadline = time.monotonic() + most_silent
            if heard[1]["id"] == number and _take(job, heard[1]):
                return time.monotonic()

    def _running(self) -> WorkerProcess:
        if self._process is not None and not self._process.alive:
            self._end_process()
        if self._process is None:
            self._process = WorkerProcess(self._compiled, lambda process, said: self._heard.put((process, said)))
        return self._process

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()


def _take(job: LayoutJob, message: dict[str, Any]) -> bool:
    """What the worker says of a layout; whether that was the last of it."""
    end = message.get("end")
    if end is None:
        job.goes_on(Stage(message["stage"]), message["done"], _read(message))
    elif end == "done":
        coordinates = _read(message)
        if coordinates is None:
            job.fails(_ended("the file with its result is gone or damaged"))
        else:
            job.succeeds(coordinates, message["parameters"])
    elif end == "refused":
        job.fails(BadInput(message["message"], message["hint"]))
    return end is not None


def _read(message: dict[str, Any]) -> Floats | None:
    """The coordinates that go with it, out of their file, which is taken away; None where there are none to be read."""
    if "file" not in message:
        return None
    file = Path(message["file"])
    try:
        coordinates: Floats = np.load(file, allow_pickle=False)
        file.unlink()
    except (OSError, ValueError, EOFError) as error:  # somebody tidies temporary files, or their disk is full
        _log.warning("What the worker for layouts wrote cannot be read: %s", error)
        return None
    coordinates.flags.writeable = False
    return coordinates


def _ended(why: str) -> PlaygroundError:
    return PlaygroundError(
        f"The process for layouts ended: {why}.",
        "Try again. If this machine has too little memory for it, take fewer texts, or look at PCA.",
        side=Side.HERE,
    )
