"""Principal components of many vectors, for what works in fewer dimensions."""

import numpy as np

from services.embeddings.numbers.unit import moments, unit_blocks
from services.embeddings.records import Floats, Ints


def principal_components(vectors: Floats, rows: Ints, most: int) -> Floats:
    """(rows, up to *most*) Of the directions of *rows* (ascending, all usable), largest first; each axis's sign is fixed.

    Memory: a few blocks beside the result.
    """
    mean, spread = moments(vectors, rows)
    axes = np.linalg.eigh(spread)[1][:, ::-1][:, :most]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    found: Floats = np.empty((len(rows), axes.shape[1]), dtype=np.float32)
    begin = 0
    for _, block in unit_blocks(vectors, rows):
        found[begin : begin + len(block)] = (block - mean) @ axes
        begin += len(block)
    return found
