"""Ask the app: each request bounded in time, recorded as evidence, and ended by Stop."""

import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from services.call import Call, CallCancelled
from services.driver_contract.records import Limits
from services.driver_proxy.call import send_to
from services.driver_proxy.diagnosis import trouble_in
from services.driver_proxy.reply import is_web_page, json_kind, json_value
from services.driver_proxy.target import Target
from services.errors import PlaygroundError
from services.exchange import Answer
from services.replies import in_time
from services.wire_body import encoded
from services.wire_record import WireRecord
from services.workspace import Workspace

MOST_HANGS = 2
"""Requests without an answer in time, after which no more are sent."""


class OutOfTimeError(Exception):
    """No more is asked: too much time is gone. Its text says how."""


@dataclass(frozen=True)
class Said:
    """What one request brought."""

    record: WireRecord
    seconds: float
    answer: Answer | None
    """None where no answer came."""
    error: PlaygroundError | None
    """Why no answer came, or what a status other than 2xx means."""
    hung: bool = False
    """Whether it was given up because of the time."""
    is_json: bool = False
    value: Any = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None without an answer."""
        return self.answer.status if self.answer else None

    @property
    def ok(self) -> bool:
        """Whether it was answered with a status of 2xx."""
        return self.answer is not None and self.error is None

    @property
    def text(self) -> str | None:
        """The text of a successful answer, a JSON string or plain; None for anything else."""
        if not self.ok or self.answer is None or (self.is_json and not isinstance(self.value, str)):
            return None
        if self.is_json:
            return str(self.value)
        return None if is_web_page(self.answer.body) else self.answer.body.decode("utf-8", errors="replace")

    @property
    def kind(self) -> str:
        """What the body is, in words."""
        if self.answer is None or not self.answer.body:
            return "nothing"
        if self.is_json:
            return json_kind(self.value)
        return "a web page" if is_web_page(self.answer.body) else "text that is not JSON"

    @property
    def trouble(self) -> str:
        """Why it was no success, as a sentence."""
        return self.error.message if self.error else ""


class Asker:
    """Sends requests to one target. Every one is a POST to its path."""

    def __init__(self, workspace: Workspace, target: Target, driver_address: str, limits: Limits) -> None:
        self.target = replace(target, method="POST")
        self.limits = limits
        self.sent = 0
        """How many were sent."""
        self.stopped = False
        self.times: list[float] = []
        """Seconds of each successful answer, from the begin of the call to its last byte."""
        self._workspace = workspace
        self._address = driver_address
        self._ends = time.monotonic() + limits.total_seconds
        self._hung = 0
        self._calls: set[Call] = set()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End what is under way; nothing more is sent."""
        self.stopped = True
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    def ask(self, body: Any) -> Said:
        """POST a JSON value, or bytes as they are. Raises OutOfTimeError, and CallCancelled once it was stopped."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise OutOfTimeError(f"The check may take {self.limits.total_seconds:g} s in all, and they are over.")
        if self._hung >= MOST_HANGS:
            raise OutOfTimeError(f"{self._hung} requests got no answer in time, so no more were sent.")
        said = self._ask(body if isinstance(body, bytes) else encoded(body), min(left, self.limits.answer_seconds))
        if self.stopped:
            raise CallCancelled
        with self._lock:
            self._hung += said.hung
            self.times += [said.seconds] if said.ok else []
        return said

    def ask_at_once(self, bodies: Sequence[Any]) -> list[Said]:
        """The same for several, all under way together; in the order of *bodies*."""
        with ThreadPoolExecutor(len(bodies), "contract check") as pool:
            return list(pool.map(self.ask, bodies))

    def _ask(self, content: bytes, seconds: float) -> Said:
        call = Call()
        with self._lock:
            if self.stopped:
                raise CallCancelled
            self._calls.add(call)
            self.sent += 1
        try:
            with in_time(call, seconds, self.target.label):
                answer = self._whole(send_to(self._workspace, self.target, content, call, driver_address=self._address))
        except PlaygroundError as error:
            return Said(call.record, call.record.elapsed(), None, error, hung=call.cancelled and not self.stopped)
        finally:
            call.ends()
            with self._lock:
                self._calls.discard(call)
        took = call.record.elapsed()
        is_json, value = json_value(answer.body)
        return Said(call.record, took, answer, trouble_in(answer, self.target, took), is_json=is_json, value=value)

    @staticmethod
    def _whole(answer: Answer) -> Answer:
        """A stream as the body that it is: what it says is not asked for here."""
        if answer.events is None:
            return answer
        with contextlib.closing(answer.events):
            events = "\n".join(f"data: {data}" for data in answer.events)
        return Answer(answer.status, answer.headers, events.encode())
