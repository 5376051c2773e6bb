"""Texts by what stands in them: at once, and asking nobody."""

import numpy as np

from services.embeddings.records import Ints
from ui.embeddings.numbers import computed
from ui.embeddings.view import Shown


def texts_with(shown: Shown, words: str) -> Ints:
    """The texts that hold these words as they stand, whatever the case."""
    sought = words.strip().casefold()

    def work() -> Ints:
        texts = shown.texts.texts
        return np.fromiter((at for at, text in enumerate(texts) if sought in text.casefold()), np.int64)

    return computed(("texts with", shown.dataset.id, len(shown.texts), sought), "", work)
