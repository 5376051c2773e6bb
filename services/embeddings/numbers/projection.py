"""The picture that is there at once: principal components."""

import numpy as np

from services.embeddings.numbers.taking_turns import in_turn
from services.embeddings.numbers.unit import Doubles, blocks, lengths, moments, one_thread, unit
from services.embeddings.records import Algorithm, Floats, Ints, Layout

NOTHING = 1e-12
"""Variance of directions that is due to float32's rounding."""
SMALL = 2_048
"""Texts up to which, with more dimensions than texts, their products are decomposed in place of the covariance."""
DENSE = 512
"""Dimensions from which on the few largest eigenvalues are searched alone."""


@in_turn
def pca(vectors: Floats, dims: int = 2) -> Layout:
    """The *dims* directions along which the vectors, brought to unit length and centred, differ most.

    An axis points to where its largest part is positive, so that the picture is one. Axes that nothing lies along are 0.
    ``explained`` has *dims* shares of all variance.
    """
    one_thread()
    long = lengths(vectors)
    rows = np.flatnonzero(long > 0)
    coordinates = np.full((len(vectors), dims), np.nan, dtype=np.float32)
    explained = np.zeros(dims)
    if len(rows):
        mean, axes, explained = _axes(vectors, rows, dims)
        shift = (mean @ axes).astype(np.float32)
        turned = axes.astype(np.float32)
        shorten = np.divide(np.float32(1), long, where=long > 0, out=np.full_like(long, np.nan))
        with np.errstate(over="ignore", invalid="ignore"):  # of what is not usable
            for start, block in blocks(vectors):  # turned first: that leaves far fewer numbers to shorten
                some = slice(start, start + len(block))
                coordinates[some] = (block @ turned) * shorten[some, None] - shift
    parameters = {"normalised": True, "centred": True, "dims": dims, "library": f"numpy {np.__version__}"}
    return Layout(coordinates, Algorithm.PCA, parameters, tuple(float(share) for share in explained))


def _axes(vectors: Floats, rows: Ints, dims: int) -> tuple[Doubles, Doubles, Doubles]:
    """Mean (d,), axes (d, dims) and each one's share of the variance; zeros for axes there are not."""
    size = vectors.shape[1]
    if len(rows) < min(size, SMALL):
        mean, axes, variances, whole = _few(vectors, rows, dims)
    else:
        mean, covariance = moments(vectors, rows)
        variances, axes = _largest(covariance, dims)
        whole = float(np.trace(covariance))
    there = variances > NOTHING
    signs = np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(axes.shape[1])])
    kept = np.zeros((size, dims))
    kept[:, : axes.shape[1]] = np.where(there, axes * signs, 0)
    shares = np.zeros(dims)
    shares[: len(variances)] = np.where(there, variances, 0) / max(whole, NOTHING)
    return mean, kept, shares


def _few(vectors: Floats, rows: Ints, dims: int) -> tuple[Doubles, Doubles, Doubles, float]:
    """By the products of the few texts with each other: the same axes, of a smaller matrix."""
    directions = unit(vectors, rows).astype(np.float64)
    mean = directions.mean(axis=0)
    directions -= mean
    products = directions @ directions.T / len(rows)
    variances, weights = _largest(products, dims)
    axes = directions.T @ weights
    axes /= np.maximum(np.linalg.norm(axes, axis=0), NOTHING)
    return mean, axes, variances, float(np.trace(products))


def _largest(symmetric: Doubles, count: int) -> tuple[Doubles, Doubles]:
    """The largest eigenvalues and their vectors, largest first; *count* or as many as there are."""
    import scipy.linalg
    import scipy.sparse.linalg

    size = len(symmetric)
    count = min(count, size)
    if size > DENSE and np.trace(symmetric) > NOTHING:
        begin = np.random.default_rng(0).standard_normal(size)  # a round one could lie across the axis that is searched
        values, axes = scipy.sparse.linalg.eigsh(symmetric, count, v0=begin)
    else:
        values, axes = scipy.linalg.eigh(symmetric, subset_by_index=[size - count, size - 1])
    order = np.argsort(-values, kind="stable")
    return values[order], axes[:, order]
