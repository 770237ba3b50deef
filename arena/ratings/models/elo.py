"""Elo ratings (Elo 1978): online, where the result depends on the votes' order, and averaged over random orders."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings.comparisons.votes import Votes

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.float64]

K = 4.0
"""Points that a vote can move at most. A small K suits a settled field: a new contender needs hundreds of votes."""
START = 1000.0
BASE = 400.0
"""A lead of 400 points means odds of 10 to 1."""
ORDERS = 100
"""How many random orders are averaged."""

BATCH_NUMBERS = 50_000_000
"""Votes of all orders that are held at once: what bounds the memory (4 bytes each)."""
BLOCK = 1024
"""Votes of each order that are looked up at a time."""
SPAN = 32_768
"""Votes of which all resamples take their own at a time. With many, those of one take hardly more than another's."""
CHUNK = 1_000_000
"""Votes of the order given that are made Python numbers at a time."""

_SCORE = np.array([1.0, 0.0, 0.5, 0.5])
"""What side a scores for each outcome."""


def expected_score(rating: float, opponent: float, base: float = BASE) -> float:
    """The chance that `rating` wins against `opponent`, in Elo points: above ½ for the higher-rated (Elo 1978)."""
    # 1 / (1 + 10^((opponent - rating) / base)), in the form that cannot overflow.
    return 0.5 + 0.5 * math.tanh(math.log(10.0) / (2.0 * base) * (rating - opponent))


def elo(votes: Votes, *, k: float = K, base: float = BASE, start: float = START) -> FloatArray:
    """Ratings in Elo points after all the votes, in the order given, shape (contenders,). Their mean stays `start`.

    All start at `start`; a vote of weight w moves w·k points at most; a lead of `base` points means odds of 10 to 1.
    Raises BadInput for counts, which have no order, and for a k or base that is not above 0.
    """
    games = _in_order(votes, k, base)
    ratings = [float(start)] * len(votes.contenders)
    slope = math.log(10.0) / (2.0 * base)
    for begin in range(0, len(votes.a), CHUNK):
        some = slice(begin, min(begin + CHUNK, len(votes.a)))
        columns = (games.a[some], games.b[some], games.score[some], games.most[some])
        for a, b, score, most in zip(*(column.tolist() for column in columns), strict=True):
            lead = ratings[a] - ratings[b]
            move = most * (score - 0.5 - 0.5 * math.tanh(slope * lead))
            ratings[a] += move
            ratings[b] -= move
    return np.array(ratings)


def elo_resampled(
    votes: Votes, times: IntArray, row: IntArray, *, k: float = K, base: float = BASE, start: float = START
) -> FloatArray:
    """The same for a batch of resamples, shape (batch, contenders): a vote drawn k times counts k times running.

    `times` of shape (batch, units) says how often each unit was drawn; `row` of shape (votes,) names a vote's unit.
    """
    games = _in_order(votes, k, base)
    ratings = np.full(len(votes.contenders) * len(times), start, dtype=np.float64)
    for begin in range(0, len(votes.a), SPAN):
        units = row[begin : begin + SPAN]
        numbers = np.arange(begin, begin + len(units), dtype=np.int32)
        _replay(games, [np.repeat(numbers, once[units]) for once in times], ratings, base)
    return _by_order(ratings, len(times))


def elo_averaged(
    votes: Votes,
    *,
    orders: int = ORDERS,
    seed: int = 0,
    k: float = K,
    base: float = BASE,
    start: float = START,
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """The mean of online Elo over `orders` random orders of the votes, shape (contenders,), in Elo points.

    It does not favour late votes; what is left of chance shrinks with the square root of `orders`. Counts are taken
    as so many votes. Orders are drawn by PCG64 from `seed`; `progress(done, orders)` is called now and then.
    Raises BadInput for fewer than one order, and for a k or base that is not above 0.
    """
    if orders < 1:
        raise BadInput(f"Elo cannot be averaged over {orders} orders; ask for at least one")
    games = _games(votes, k, base)
    rows = _rows(votes, np.ones(len(votes.a), dtype=np.int64))
    rng = np.random.Generator(np.random.PCG64(seed))
    result = np.empty((orders, len(votes.contenders)))
    size = max(1, BATCH_NUMBERS // len(rows))
    for begin in range(0, orders, size):
        end = min(begin + size, orders)
        drawn = [rng.permutation(rows) for _ in range(begin, end)]
        ratings = np.full(result.shape[1] * len(drawn), start, dtype=np.float64)
        _replay(games, drawn, ratings, base)
        result[begin:end] = _by_order(ratings, len(drawn))
        if progress is not None:
            progress(end, orders)
    return np.asarray(result.mean(axis=0))


def elo_averaged_resampled(
    votes: Votes,
    times: IntArray,
    row: IntArray,
    rng: np.random.Generator,
    *,
    k: float = K,
    base: float = BASE,
    start: float = START,
) -> FloatArray:
    """Each resample in one random order of its votes, shape (batch, contenders); arguments as in `elo_resampled`.

    One order a round: rounds then differ by their order besides, and intervals from them are rather too wide than too
    narrow for a mean over many orders. `rng` draws the orders, round by round, and is to be handed on from batch to
    batch. A row of counts is drawn with all its votes.
    """
    games = _games(votes, k, base)
    result = np.empty((len(times), len(votes.contenders)))
    rows = np.bincount(row, votes.weight if votes.is_counts else None, times.shape[1])
    longest = max(int(once @ rows) for once in times)  # one by one, since `times` may hold bytes
    size = max(1, BATCH_NUMBERS // max(1, longest))
    for begin in range(0, len(times), size):
        drawn = [rng.permutation(_rows(votes, once[row])) for once in times[begin : begin + size]]
        ratings = np.full(result.shape[1] * len(drawn), start, dtype=np.float64)
        _replay(games, drawn, ratings, base)
        result[begin : begin + size] = _by_order(ratings, len(drawn))
    return result


@dataclass(frozen=True)
class _Games:
    """What each vote does, (votes + 1,): sides, the score of side a, and the points that it can move at most.

    The last is no vote: it moves nothing, and fills up the shorter of several orders.
    """

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    score: FloatArray
    most: FloatArray


def _games(votes: Votes, k: float, base: float) -> _Games:
    if not (math.isfinite(k) and math.isfinite(base) and k > 0 and base > 0):
        raise BadInput(f"Elo needs a k and a base above 0, and was given k {k} and base {base}")
    weight = np.ones(len(votes.a)) if votes.weight is None or votes.is_counts else votes.weight
    a, b = np.append(votes.a, 0).astype(np.int32), np.append(votes.b, 0).astype(np.int32)
    return _Games(a, b, np.append(_SCORE[votes.outcome], 0.5), np.append(k * weight, 0.0))


def _in_order(votes: Votes, k: float, base: float) -> _Games:
    if votes.is_counts:
        raise BadInput(
            "these are counts of votes, which have no order, and online Elo depends on it; rate the votes themselves,"
            " or use order-averaged Elo or Bradley-Terry"
        )
    return _games(votes, k, base)


def _rows(votes: Votes, times: IntArray) -> npt.NDArray[np.int32]:
    """The numbers of the votes, each as often as it counts."""
    often = times * votes.weight.astype(np.int64) if votes.is_counts and votes.weight is not None else times
    return np.repeat(np.arange(len(votes.a), dtype=np.int32), often)


def _replay(games: _Games, orders: list[npt.NDArray[np.int32]], ratings: FloatArray, base: float) -> None:
    """Online Elo for each of several orders of the votes at once; `ratings`, (contenders · orders,), go on from there.

    A contender's ratings in all orders lie side by side.
    """
    lanes = len(orders)
    slope = math.log(10.0) / (2.0 * base)
    for block in _blocks(orders, len(games.a) - 1):
        # One index finds a contender in its own order.
        a, b = (side[block].astype(np.intp) * lanes + np.arange(lanes) for side in (games.a, games.b))
        even, half = games.most[block] * (games.score[block] - 0.5), 0.5 * games.most[block]
        for i, j, gain, most in zip(a, b, even, half, strict=True):
            above, below = ratings[i], ratings[j]
            move = gain - most * np.tanh(slope * (above - below))
            ratings[i] = above + move
            ratings[j] = below - move


def _by_order(ratings: FloatArray, orders: int) -> FloatArray:
    """Ratings as in `_replay`, as (orders, contenders)."""
    return np.ascontiguousarray(ratings.reshape(-1, orders).T)


def _blocks(orders: list[npt.NDArray[np.int32]], filling: int) -> Iterator[npt.NDArray[np.int32]]:
    """The orders side by side, some rows at a time: (rows, orders); the shorter ones are filled up."""
    longest = max(len(order) for order in orders)
    for begin in range(0, longest, BLOCK):
        block = np.full((min(BLOCK, longest - begin), len(orders)), filling, dtype=np.int32)
        for lane, order in enumerate(orders):
            some = order[begin : begin + BLOCK]
            block[: len(some), lane] = some
        yield block
