"""The process that makes layouts: orders on stdin, what becomes of them on stdout, a line of JSON each.

It is alone so that a cancelled layout can be ended whatever it is at; so that its memory is given back; and so that libraries
for layouts, of which some abort a process that two threads enter with them, meet one thread only. It trusts its orders: they
come from the app that started it, over a pipe. Arrays go through files in the app's private folder.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from services.embeddings.layouts.arranging import Arrange, Cancelled, Points, Stage, read_points
from services.embeddings.layouts.errors import Refused
from services.embeddings.layouts.localmap import localmap
from services.embeddings.layouts.tsne import tsne
from services.embeddings.records import Algorithm, Floats

FRAMES = 10
"""Pictures shown of an arrangement that is quick; of a longer one more, one every *FRAME_SECONDS*."""
FRAME_SECONDS = 0.5
TELL_SECONDS = 0.1
_ARRANGE: dict[Algorithm, Arrange] = {Algorithm.LOCALMAP: localmap, Algorithm.TSNE: tsne}


class Worker:
    """Does one order after the other, and hears of cancels meanwhile."""

    def __init__(self, orders: TextIO, replies: TextIO) -> None:
        self._orders = orders
        self._replies = replies
        self._order: dict[str, Any] | None = None
        self._cancelled = -1
        self._changed = threading.Condition()

    def run(self) -> None:
        """Until the process ends, which it does with its app."""
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        while True:
            with self._changed:
                while self._order is None:
                    self._changed.wait()
                order, self._order = self._order, None
            self.say(id=order["id"], **self._done(order))

    def say(self, **what: Any) -> None:
        """One line."""
        self._replies.write(json.dumps(what) + "\n")
        self._replies.flush()

    def cancelled(self, order_id: int) -> bool:
        """Whether the app wants no more of it."""
        return self._cancelled >= order_id

    def _listen(self) -> None:
        for line in self._orders:
            said = json.loads(line)
            with self._changed:
                if "cancel" in said:
                    self._cancelled = said["cancel"]
                else:
                    self._order = said
                    self._changed.notify()
        os._exit(0)  # the app is gone

    def _done(self, order: dict[str, Any]) -> dict[str, Any]:
        folder = Path(order["folder"])
        try:
            points = read_points(Path(order["vectors"]))
            showing = _Showing(self, order["id"], folder, points)
            arrange = _ARRANGE[Algorithm(order["algorithm"])]
            coordinates, parameters = arrange(points.vectors, order["dims"], order["seed"], showing)
            if not np.isfinite(coordinates).all():
                raise Refused("The layout ran away: not every text has a place.", "Take another layout.")
            file = _written(folder / f"{order['id']}-end.npy", points.spread(coordinates))
            return {"end": "done", "file": file, "parameters": _parameters(order, points, parameters)}
        except Refused as refused:
            return {"end": "refused", "message": refused.message, "hint": refused.hint}
        except Cancelled:
            return {"end": "cancelled"}
        except ImportError as missing:
            return {
                "end": "refused",
                "message": f"A library for layouts is missing here: {missing}.",
                "hint": "Install requirements.txt.",
            }
        except MemoryError:
            return {
                "end": "refused",
                "message": "This machine has not enough memory for this layout.",
                "hint": "Take fewer texts, or look at PCA.",
            }


class _Showing:
    """Tells the app how far a layout is, not more often than anybody can see."""

    def __init__(self, worker: Worker, order_id: int, folder: Path, points: Points) -> None:
        self._worker = worker
        self._id = order_id
        self._folder = folder
        self._points = points
        self._stage: Stage | None = None
        self._told = 0.0
        self._frames = 0
        self._shown = 0.0
        self._shown_share = -1.0

    def __call__(self, stage: Stage, done: float, coordinates: Floats | None = None) -> None:
        if self._worker.cancelled(self._id):
            raise Cancelled
        now = time.monotonic()
        frame = None if coordinates is None or not self._due(stage, done, now) else self._frame(coordinates)
        if frame or stage is not self._stage or now - self._told >= TELL_SECONDS:
            self._stage, self._told = stage, now
            self._worker.say(id=self._id, stage=stage, done=round(done, 4), **({"file": frame} if frame else {}))

    def _due(self, stage: Stage, done: float, now: float) -> bool:
        if stage is Stage.ARRANGING and done - self._shown_share < 1 / FRAMES and now - self._shown < FRAME_SECONDS:
            return False
        self._shown = now
        self._shown_share = done if stage is Stage.ARRANGING else -1.0
        return True

    def _frame(self, coordinates: Floats) -> str:
        self._frames += 1
        return _written(self._folder / f"{self._id}-{self._frames}.npy", self._points.spread(coordinates))


def _written(path: Path, coordinates: Floats) -> str:
    """A file of its own for each: the app may be reading the one before."""
    np.save(path, coordinates, allow_pickle=False)
    return str(path)


def _parameters(order: dict[str, Any], points: Points, parameters: Mapping[str, Any]) -> dict[str, Any]:
    distinct = {"points": len(points.vectors)} if len(points.vectors) < (points.places >= 0).sum() else {}
    return {**parameters, "metric": "cosine", "seed": order["seed"], **distinct}


def main() -> None:
    """Serve the process that has started this one."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no reply
    with contextlib.suppress(OSError):  # Linux: should memory run out, this one goes and not the app
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
    Worker(sys.stdin, replies).run()


if __name__ == "__main__":
    main()
