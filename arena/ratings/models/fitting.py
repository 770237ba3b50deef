"""Log-strengths for any graph of votes: blocks fitted by the model, then placed relative to each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arena.ratings.comparisons.connectivity import blocks, strongly_connected
from arena.ratings.models.model import Model
from arena.ratings.models.placing import place

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def fit(counts: FloatArray, model: Model, importance: FloatArray, start: FloatArray | None = None) -> FloatArray:
    """Log-strengths of mean 0 for each of a batch, (batch, contenders), in logits.

    `counts` of shape (batch, layers, contenders, contenders) as `model` takes them. Where a member of the batch is one
    block, by maximum likelihood; where it is not, each block by itself, placed by `placing.place`. Contenders that are
    not connected with the island of most `importance`, (contenders,), get NaN: nothing is known of them.
    """
    points = model.points(counts)
    batch, n, _ = points.shape
    theta = np.full((batch, n), np.nan)
    whole = strongly_connected(points)
    if whole.any():
        theta[whole] = model.fit(counts[whole], start)
    for members, block in _alike(points, np.flatnonzero(~whole), importance):
        known = block >= 0
        theta[np.ix_(members, known)] = _by_blocks(
            counts[members][:, :, known][:, :, :, known],
            block[known],
            model,
            None if start is None else start[known],
        )
    return theta


def _alike(points: FloatArray, members: IntArray, importance: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Members of the batch that fall into the same blocks, with the block of each contender; -1 off the main island."""
    patterns: dict[bytes, list[int]] = {}
    for member in members.tolist():
        label = blocks(points[member])
        _, island = connected_components(csr_array(points[member]), directed=False)
        main = int(np.argmax(np.bincount(island, importance)))
        _, label[island == main] = np.unique(label[island == main], return_inverse=True)
        label[island != main] = -1
        patterns.setdefault(label.tobytes(), []).append(member)
    for pattern, alike in patterns.items():
        yield np.array(alike), np.frombuffer(pattern, dtype=np.int64)


def _by_blocks(counts: FloatArray, block: IntArray, model: Model, start: FloatArray | None) -> FloatArray:
    inner = np.zeros((len(counts), len(block)))
    for number in range(block.max() + 1):
        inside = np.flatnonzero(block == number)
        if len(inside) > 1:
            part = counts[:, :, inside[:, None], inside[None, :]]
            inner[:, inside] = model.fit(part, None if start is None else start[inside])
    if block.max() > 0:
        inner += place(model.points(counts), inner, block)[:, block]
    centred: FloatArray = inner - inner.mean(axis=1, keepdims=True)
    return centred
