"""Two pictures of the same texts brought together, so that what differs is seen and what is merely turned is not."""

import numpy as np

from services.embeddings.records import Floats


def align(onto: Floats, moved: Floats) -> Floats:
    """*moved* (n, dims) turned, mirrored, scaled and shifted to lie on *onto* (n, dims) as well as it can (Procrustes).

    Texts that lack a place in either are left out of the fit, and moved along. Where one picture is a single point, the
    other is only shifted; where no text has a place in both, nothing is done. Raises ValueError for pictures of other shapes.
    """
    from scipy.linalg import orthogonal_procrustes

    if onto.shape != moved.shape:
        raise ValueError(f"{onto.shape} is not the shape of {moved.shape}")
    both = np.isfinite(onto).all(axis=1) & np.isfinite(moved).all(axis=1)
    if not both.any():
        return moved.copy()
    target, source = onto[both].astype(np.float64), moved[both].astype(np.float64)
    to, of = target.mean(axis=0), source.mean(axis=0)
    target -= to
    source -= of
    spread, widths = float((source**2).sum()), np.abs(target).max()
    turn, scale = np.eye(moved.shape[1]), 1.0
    if spread > 0 and widths > 0:
        turn, fitted = orthogonal_procrustes(source, target)
        scale = float(fitted) / spread
    aligned: Floats = ((moved - of) @ turn * scale + to).astype(np.float32)
    return aligned
