"""The other runs of the dataset that is shown: what they are called, and their vectors."""

from dataclasses import dataclass, field, replace

from services.embeddings.datasets import embedding_store
from services.embeddings.records import Run
from services.errors import BadInput
from services.workspace import Workspace
from ui.embeddings.bounded import Bounded
from ui.embeddings.numbers import stamp
from ui.embeddings.view import Shown, distinct
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
    """What people call each run of the dataset, by its key: the same as where the run is chosen."""
    return distinct({run.key: run.label for run in shown.runs})


def others(shown: Shown) -> tuple[Run, ...]:
    """The runs beside the one that is shown."""
    return tuple(run for run in shown.runs if run.key != shown.run.key)


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
            f"{run.label} has {len(vectors):,} vectors for {len(shown.texts):,} texts.",
            "Delete these vectors, and embed again.",
        )
    return replace(shown, run=run, vectors=vectors)
