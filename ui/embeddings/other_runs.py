"""The other runs of the dataset that is shown: what they are called, and their vectors."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Run
from services.errors import BadInput
from services.workspace import Workspace
from ui.clock import day_and_clock
from ui.embeddings.bounded import Bounded
from ui.embeddings.numbers import stamp
from ui.embeddings.view import Shown, place_of
from ui.session import kept

KEPT_RUNS = 4


@dataclass
class _OtherRuns:
    """The same objects as long as nothing of them has changed: what was counted in their vectors is counted once."""

    held: Bounded[Shown] = field(default_factory=lambda: Bounded(KEPT_RUNS))

    def let_go(self, of: Workspace) -> None:
        """Forget those that would ask that workspace."""
        self.held.forget(lambda one: one.here is of)


def names_of(shown: Shown) -> dict[str, str]:
    """What people call each run of the dataset, by its key."""
    return names_of_runs(shown.runs)


def names_of_runs(runs: Sequence[Run]) -> dict[str, str]:
    """What people call each of them, by its key and in their order: no two the same, since a browser chooses by label.

    Of those with one label the oldest keeps it, so that a new run takes no other's name. The others say what serves them, where
    that is what differs, and when they were made.
    """
    oldest: dict[str, Run] = {}
    taken: set[str] = set()
    names: dict[str, str] = {}
    for run in sorted(runs, key=lambda one: one.made):
        first = oldest.setdefault(run.label, run)
        names[run.key] = _free(run.label if first is run else f"{run.label}, {_apart(first, run)}", taken)
        taken.add(names[run.key])
    return {run.key: names[run.key] for run in runs}


def _apart(first: Run, run: Run) -> str:
    made = f"made {day_and_clock(int(run.made.timestamp() * 1000))}"
    if run.host != first.host:
        return f"{place_of(run)}, {made}"
    if run.asking.version != first.asking.version:
        return f"another version, {made}"
    return made


def _free(name: str, taken: set[str]) -> str:
    numbers = (f"{name} ({number})" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbers) if one not in taken)


def others(shown: Shown) -> tuple[Run, ...]:
    """The runs beside the one that is shown."""
    return tuple(run for run in shown.runs if run.key != shown.run.key)


def another_is_coming(shown: Shown) -> bool:
    """Whether these texts are being embedded otherwise, or just were: the page does not show that run yet."""
    jobs = embedding_runs().jobs_of(shown.owner, shown.dataset.id)
    here = {run.key for run in shown.runs}
    return any(
        job.run_key not in here and (job.running or (job.embedded is not None and job.embedded.progress.done > 0))
        for job in jobs
    )


def as_shown(shown: Shown, run: Run) -> Shown:
    """The same dataset through that run. Raises StateTrouble where its vectors cannot be read, BadInput where they do not fit."""
    if run.key == shown.run.key:
        return shown
    held = kept(_OtherRuns).held
    key = (stamp(shown.owner, run), id(shown.texts), id(shown.here))  # what is held keeps its parts, and so their ids
    return held.get(key, lambda: _read(shown, run))


def _read(shown: Shown, run: Run) -> Shown:
    vectors = embedding_store().get_vectors(shown.owner, shown.dataset.id, run.key)
    if len(vectors) != len(shown.texts):
        raise BadInput(
            f"{names_of(shown).get(run.key, run.label)} has {len(vectors):,} vectors for {len(shown.texts):,} texts.",
            "Delete these vectors, and embed again.",
        )
    return replace(shown, run=run, vectors=vectors)
