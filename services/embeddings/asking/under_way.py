"""One embedding under way: what is known is taken, the rest is asked for in several threads, and watched in one."""

import threading
import time
from collections.abc import Callable

from services.call import Call, CallCancelled
from services.embeddings.asking.bodies import divided, why_not_sendable
from services.embeddings.asking.cache import CacheOfOne
from services.embeddings.asking.collecting import Collected
from services.embeddings.asking.queueing import Queue
from services.embeddings.asking.refused_batches import (
    Meaning,
    ending,
    meaning_of,
    named_in,
    refused_alone,
    refused_together,
)
from services.embeddings.asking.reply_vectors import Found
from services.embeddings.asking.sending import Cancel, Sender
from services.embeddings.records import Asking, Embedded, Floats, Progress
from services.errors import PlaygroundError

REPORT_SECONDS = 0.1
GRACE_SECONDS = 10.0
"""What requests under way may still take when nothing more is sent: they are paid for."""
_LOOKED_UP = 4_000
"""Texts in one look into the cache: their vectors are in memory twice for that time."""


class UnderWay:
    """One of them under way: some threads ask, and the caller's thread keeps and reports."""

    def __init__(
        self, sender: Sender, asking: Asking, kept: CacheOfOne, cancel: Cancel, queue: Queue, collected: Collected
    ) -> None:
        self._sender = sender
        self._asking = asking
        self._kept = kept
        self._cancel = cancel
        self._collected = collected
        self._queue = queue
        self._changed = threading.Condition()
        """Guards everything but the sender, the cancel and the cache."""
        self._closed = False
        self._error: PlaygroundError | None = None
        self._bug: BaseException | None = None
        self._arrived: dict[str, Floats] = {}

    def run(self, report: Callable[[Progress], None]) -> Embedded:
        """To its end. What *report* raises ends it, with the requests under way, and is raised here."""
        try:
            return self._run(report)
        except BaseException:  # else the threads would go on asking, and nobody would ever end them
            arrived = self._shut()
            self._cancel.end_calls()
            self._kept.put(arrived)
            raise

    def _run(self, report: Callable[[Progress], None]) -> Embedded:
        to_ask = self._look_up(report)
        if to_ask and not self._cancel.cancelled:
            batches = list(divided(to_ask, self._asking.batch))
            self._collected.will_ask(to_ask)
            self._queue.put(batches)
            for number in range(min(self._asking.at_once, len(to_ask))):
                name = f"embed {self._asking.endpoint} {number}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
            self._watch(report)
        return self._close(report)

    def _look_up(self, report: Callable[[Progress], None]) -> list[str]:
        """Take what is known already; the texts that are to be asked for."""
        to_ask = []
        sendable = []
        for text in self._collected.unique:
            why_not = why_not_sendable(text)
            if why_not is None:
                sendable.append(text)
            else:
                self._collected.fail([text], why_not)
        for start in range(0, len(sendable), _LOOKED_UP):
            some = sendable[start : start + _LOOKED_UP]
            try:
                self._collected.take_cached(self._kept.get(some))
            except PlaygroundError as too_large:
                self._error = too_large
                return []
            to_ask += [text for text in some if not self._collected.has(text)]
            report(self._collected.progress())
            if self._cancel.cancelled:
                return []
        self._collected.looked_up = True
        return to_ask

    def _watch(self, report: Callable[[Progress], None]) -> None:
        """Until all is over: keep what arrives, and tell of it."""
        grace = None
        while True:
            with self._changed:
                self._changed.wait_for(self._over, REPORT_SECONDS)
                arrived, self._arrived = self._arrived, {}
                over, progress, ended = self._over(), self._collected.progress(), self._error is not None
            self._kept.put(arrived)
            report(progress)
            if over:
                return
            if ended:
                grace = grace or time.monotonic() + GRACE_SECONDS
                if time.monotonic() > grace:
                    return

    def _over(self) -> bool:
        ended = self._error is not None and not self._queue.under_way
        return self._cancel.cancelled or self._bug is not None or ended or self._queue.over

    def _shut(self) -> dict[str, Floats]:
        """Let nothing more be asked or taken; what arrived and is not kept yet."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            arrived, self._arrived = self._arrived, {}
        return arrived

    def _close(self, report: Callable[[Progress], None]) -> Embedded:
        self._kept.put(self._shut())
        if self._bug is not None:
            raise self._bug
        self._collected.note = ""
        progress = self._collected.progress()
        stopped = self._cancel.cancelled and self._error is None and progress.done + progress.failed < progress.texts
        if self._error is not None:
            self._cancel.end_calls()  # what is still under way after its grace
        report(progress)
        error = None if self._error is None else ending(self._error, self._again(progress.done))
        failures = self._collected.failures()
        return Embedded(self._collected.vectors, failures, progress, stopped, error, self._kept.trouble)

    def _again(self, done: int) -> str:
        if self._kept.keeps and done:
            return f"Embed again: {done:,} texts are kept and not sent again."
        return "What has arrived is kept." if done else "Then embed again."

    def _work(self) -> None:
        """One of the threads that ask."""
        try:
            while (batch := self._next()) is not None:
                self._ask(batch)
        except BaseException as bug:  # noqa: BLE001 - handed on to the thread that waits for all of them
            with self._changed:
                self._bug = bug
                self._changed.notify_all()

    def _next(self) -> list[str] | None:
        """What to send now, once there is something; None at the end."""
        with self._changed:
            while not (self._closed or self._error is not None or self._over()):
                batch = self._queue.next()
                if batch is not None:
                    return batch
                self._changed.wait(self._queue.pause or None)
            return None

    def _ask(self, batch: list[str]) -> None:
        began = time.monotonic()
        call = self._cancel.begin()
        found: list[Found] | None = None
        tokens = 0
        error: PlaygroundError | None = None
        try:
            found, tokens = self._sender.ask(batch, call)
        except PlaygroundError as failure:
            error = failure
        except CallCancelled:
            pass
        finally:
            self._cancel.end(call)
        with self._changed:
            self._queue.under_way -= 1
            self._collected.requests += _was_sent(call)
            self._collected.tokens += tokens
            if found is not None and not self._closed:
                try:
                    self._take(batch, found)
                except PlaygroundError as too_large:
                    self._error = self._error or too_large
            elif error is not None and not self._closed and not self._cancel.cancelled:
                self._fail(batch, error, began)
            self._changed.notify_all()

    def _take(self, batch: list[str], found: list[Found]) -> None:
        self._collected.note = ""
        good, stale = self._collected.take(batch, found)
        if good:
            self._queue.taken(batch)
        elif len(batch) > 1 or not self._queue.succeeded:
            self._lost(self._collected.failure(batch[0]))  # it is paid for, and brings nothing
        self._arrived |= good
        if stale:
            self._collected.will_ask(stale)
            self._queue.put(divided(stale, self._asking.batch))

    def _fail(self, batch: list[str], error: PlaygroundError, began: float) -> None:
        meaning = meaning_of(error, succeeded=self._queue.succeeded)
        if meaning is Meaning.WAIT:
            note = self._queue.wait(batch, error, began)
            self._collected.note = note or ""
            self._error = error if note is None else self._error
        elif meaning in (Meaning.END, Meaning.NO_FIELD, Meaning.NO_VECTORS):
            self._error = self._error or error
        elif meaning is Meaning.LOST:
            self._collected.fail(batch, error, asked=True)
            self._lost(error)
        else:
            self._refused(batch, error, meaning)

    def _lost(self, error: PlaygroundError) -> None:
        """A request brought nothing: after some of them in a row it is better to end."""
        if self._queue.lost():
            self._error = self._error or error

    def _refused(self, batch: list[str], error: PlaygroundError, meaning: Meaning) -> None:
        """One of the texts is not taken, or so many are not: ask for fewer, until it is known."""
        if len(batch) > 1 and not self._queue.hopeless:
            self._queue.divide(batch, meaning, named_in(error, len(batch)))
            return
        alone = len(batch) == 1
        self._collected.fail(batch, refused_alone(error) if alone else refused_together(error), asked=True)
        if alone:
            self._queue.refused_alone(error)
        if self._queue.hopeless and not self._queue.succeeded:
            self._error = self._error or error


def _was_sent(call: Call) -> bool:
    return call.record.sent_at is not None
