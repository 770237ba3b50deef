"""The counts of groups, and what rounds of the bootstrap make of them, beside plain loops over the votes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.ratings.comparisons import coding
from arena.ratings.intervals import sums, units
from arena.ratings.intervals.ballots import Ballots
from arena.ratings.intervals.clusters import Factor
from arena.ratings.models.model import MODELS, Model

N = 4
EVERY_MODEL = pytest.mark.parametrize("model", [MODELS["bradley-terry"], MODELS["davidson"]], ids=lambda m: m.name)
SIZES = st.integers(1, 80)
SEEDS = st.integers(0, 2**32 - 1)


def sample(rows: int, seed: int) -> tuple[Ballots, npt.NDArray[np.int64]]:
    """Votes of N contenders, and the group of each, of 30 of which some have no vote."""
    rng = np.random.default_rng(seed)
    first = rng.integers(N, size=rows)
    second = (first + rng.integers(1, N, size=rows)) % N
    tied = rng.random(rows) < 0.3
    low, high = np.minimum(first, second), np.maximum(first, second)
    kind = np.where(tied, N * N + low * N + high, first * N + second).astype(np.int32)
    return Ballots(kind, None, None, N), rng.integers(30, size=rows)


def by_hand(ballots: Ballots, group: npt.NDArray[np.int64], size: int, model: Model) -> npt.NDArray[np.float64]:
    """A win is 1; a tie is half a win for each, or with two layers a tie for each."""
    counts = np.zeros((size, model.layers, N, N))
    for kind, of in zip(ballots.kind.tolist(), group.tolist(), strict=True):
        tied, (one, other) = kind >= N * N, divmod(kind % (N * N), N)
        if not tied:
            counts[of, 0, one, other] += 1.0
        else:
            counts[of, -1, one, other] += 1.0 / (3 - model.layers)
            counts[of, -1, other, one] += 1.0 / (3 - model.layers)
    return counts


@EVERY_MODEL
@pytest.mark.parametrize("dense", [1_000_000, 0], ids=["dense", "sorted"])
@pytest.mark.parametrize("given_as", ["votes", "counts", "weights"])
@given(rows=SIZES, seed=SEEDS)
def test_groups_count_their_votes(model: Model, dense: int, given_as: str, rows: int, seed: int) -> None:
    ballots, group = sample(rows, seed)
    ones = {"votes": (None, None), "counts": (None, np.ones(rows, dtype=np.int64)), "weights": (np.ones(rows), None)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "DENSE", dense)
        patch.setattr(coding, "_CHUNK", 7)
        found = Ballots(ballots.kind, *ones[given_as], N).counted(group, 30, model)
    assert found.toarray().reshape(30, model.layers, N, N).tolist() == by_hand(ballots, group, 30, model).tolist()
    assert found.has_canonical_format
    assert (found.data > 0).all()


@EVERY_MODEL
@pytest.mark.parametrize("dense", [1_000_000, 0], ids=["full", "sparse"])
@given(rows=SIZES, seed=SEEDS)
def test_a_round_draws_whole_groups_as_often_as_there_are(model: Model, dense: int, rows: int, seed: int) -> None:
    ballots, group = sample(rows, seed)
    held = np.unique(group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "DENSE", dense)
        found = units.by_factor(ballots, Factor("question", group, 30, len(held)), model)
        rounds = found.resampled(6, np.random.default_rng(seed))
    times = units.draw_equal(len(held), 6, np.random.default_rng(seed))
    whole = by_hand(ballots, group, 30, model)[held]
    assert rounds.tolist() == np.einsum("ur,ulij->rlij", times, whole).tolist()


@EVERY_MODEL
@given(rows=st.integers(2, 80), seed=SEEDS)
def test_many_groups_are_drawn_each_by_itself(model: Model, rows: int, seed: int) -> None:
    ballots, group = sample(rows, seed)
    held, votes = np.unique(group, return_counts=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "MANY", 0)
        found = units.by_factor(ballots, Factor("question", group, 30, len(held)), model)
        rounds = found.resampled(400, np.random.default_rng(seed))
    assert int(found.number.sum()) == len(held)
    # Every unit stands for whole votes: with each drawn as often as it occurs, all votes are there once.
    whole = by_hand(ballots, group, 30, model).sum(axis=0)
    assert (found.number @ found.counts).reshape(whole.shape).tolist() == whole.tolist()
    spread = np.sqrt((by_hand(ballots, group, 30, model) ** 2).sum(axis=0) / 400)
    assert np.abs(rounds.mean(axis=0) - whole).max() <= 6.0 * spread.max()
    assert int(found.number[found.shared :].sum()) == int((votes > 1).sum())
