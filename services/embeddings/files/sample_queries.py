"""Queries to the sample, each with the texts that answer it: a retrieval check that works before one writes one's own."""

import functools
from pathlib import Path

from services.embeddings.files.sample import sample_texts
from services.embeddings.records import Texts
from services.errors import PlaygroundError

COUNT = 10
_FILE = Path(__file__).parents[3] / "examples" / "sample_queries.csv"


def sample_queries(texts: Texts) -> str:
    """COUNT of them as CSV, as look_through_queries takes them; empty where *texts* are not the sample, as they came."""
    held = _held()
    return held[1] if held is not None and texts.texts == held[0].texts and texts.ids == held[0].ids else ""


@functools.cache
def _held() -> tuple[Texts, str] | None:
    """The sample and its queries; None where this installation came without them, which is told where the sample is used."""
    try:
        return sample_texts(), _FILE.read_text(encoding="utf-8")
    except (OSError, PlaygroundError):
        return None
