"""The rows of a board: what was counted, the rounded numbers, the ranks and the flags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arena.errors import BadInput
from arena.ratings.comparisons import FloatArray, IntArray, Votes, tally
from arena.ratings.ranks import order, rank_ranges
from arena.ratings.result import Row


def make_rows(
    given: Votes,
    counted: Votes,
    estimates: tuple[FloatArray, FloatArray, FloatArray],
    scored: FloatArray,
    component: IntArray,
    contenders: Sequence[str],
) -> tuple[Row, ...]:
    """Rows best first, then the unrated: names of `given` without a counted vote, and `contenders` without any.

    `estimates` are rating, low and high of the counted contenders; ranks come from the numbers as written.
    """
    ratings, low, high = (_rounded(values) for values in estimates)
    counts = dict(zip(given.contenders, tally(given).tolist(), strict=True))
    best, worst = rank_ranges(low, high)
    ranked = bool(component.max() == 1)
    flagged = flags(scored)
    rows = []
    for position, i in enumerate(order(counted.contenders, ratings), start=1):
        ranks = (position, int(best[i]), int(worst[i])) if ranked else (None, None, None)
        numbers = (float(ratings[i]), float(low[i]), float(high[i]))
        rows.append(
            _row(counted.contenders[i], ranks, numbers, flagged[i], int(component[i]), counts[counted.contenders[i]])
        )
    unrated = sorted({*given.contenders, *_known(contenders)} - set(counted.contenders))
    nothing = (None, None, None)
    rows += [_row(name, nothing, nothing, "unrated", None, counts.get(name, [0] * 4)) for name in unrated]
    return tuple(rows)


def flags(scored: FloatArray) -> list[str | None]:
    """`undefeated` for who gave no point away, `winless` for who took none; `scored` as in `comparisons.points`."""
    won, lost = scored.sum(axis=1), scored.sum(axis=0)
    return ["undefeated" if not lost[i] else "winless" if not won[i] else None for i in range(len(scored))]


def _row(
    name: str,
    ranks: tuple[int | None, int | None, int | None],
    numbers: tuple[float | None, float | None, float | None],
    flag: str | None,
    component: int | None,
    counts: Sequence[int],
) -> Row:
    wins, losses, ties, both_bad = counts
    votes = sum(counts)
    win_rate = round((wins + 0.5 * (ties + both_bad)) / votes, 6) if votes else None
    return Row(*ranks, name, *numbers, flag, component, votes, wins, losses, ties, both_bad, win_rate)


def _rounded(values: FloatArray) -> FloatArray:
    # Adding 0 turns -0.0 into 0.0, so that both are written alike.
    rounded: FloatArray = np.round(values, 4) + 0.0
    return rounded


def _known(contenders: Sequence[str]) -> list[str]:
    for name in contenders:
        if not isinstance(name, str) or not name.strip():
            raise BadInput(f"{name!r} is not the name of a contender; it must be non-empty text")
    return list(contenders)
