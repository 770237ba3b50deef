"""Whether what is declared settled is so, and how soon: `arena.ratings.settled` looked at after every question.

    make bench-decisions                            # with the benchmark of the choice of pairs
    python -m benchmarks.settled --studies 100      # fewer studies; prints only

Null studies: 8 equal contenders, whose strengths vary from question to question with a standard deviation of 1 logit;
all 28 pairs on each of 300 questions, by one or three raters without effects of their own, 10% ties. A study in which
any pair is ever declared settled is false. Beside it, the control: the test of a fixed number of questions at the same
level, corrected for the pairs alike and looked at as often, from the twentieth question on.

Gap: two contenders 100 Elo points apart, one decisive vote on each question. Counted are the questions until they are
settled. What the fixed test needs is that of a z test of the mean score, at the same corrected level, with a power of
80%: n = (z(α / 2 pairs) + z(power))² (1 - d²) / d², with d = 2p - 1.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from arena.ratings.settled import log_capital
from benchmarks import pages

Floats = NDArray[np.float64]

STUDIES, LEVEL, POWER, GAP = 1000, 0.95, 0.8, 100.0
CONTENDERS, QUESTIONS, TIES = 8, 300, 0.1
FIRST_LOOK = 20
FALSE, TWICE = 0.05, 2.0


def null_study(raters: int, seed: Sequence[int]) -> Floats:
    """The scores of all pairs, (pairs, questions), in a study in which nobody is better."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rows, columns = np.triu_indices(CONTENDERS, k=1)
    strengths = rng.normal(0.0, 1.0, (QUESTIONS, CONTENDERS))
    preferred = expit(strengths[:, rows] - strengths[:, columns])
    shape = (raters, *preferred.shape)
    votes = np.where(rng.random(shape) < preferred, 1.0, -1.0) * (rng.random(shape) >= TIES)
    scores: Floats = votes.mean(axis=0).T
    return scores


def declared(scores: Floats) -> tuple[bool, bool]:
    """Whether any pair is ever declared settled, and whether the fixed test ever finds one."""
    pairs = len(scores)
    bound = math.log(2.0 * pairs / (1.0 - LEVEL))
    found = any(max(log_capital(one, 0.0).max(), log_capital(-one, 0.0).max()) >= bound for one in scores)
    number = np.arange(1, scores.shape[1] + 1)
    mean = np.cumsum(scores, axis=1) / number
    variance = np.maximum(np.cumsum(scores**2, axis=1) / number - mean**2, 1e-12)
    z = np.abs(mean) / np.sqrt(variance / number)
    return found, bool((z[:, FIRST_LOOK - 1 :] > ndtri(1.0 - (1.0 - LEVEL) / 2.0 / pairs)).any())


def fixed(pairs: int, power: float) -> float:
    """Questions that the fixed test needs."""
    lead = 2.0 / (1.0 + 10.0 ** (-GAP / 400.0)) - 1.0
    reach = ndtri(1.0 - (1.0 - LEVEL) / 2.0 / pairs) + ndtri(power)
    return float(reach**2 * (1.0 - lead**2) / lead**2)


def stops(pairs: int, studies: int) -> NDArray[np.int64]:
    """Questions until two contenders GAP points apart are settled, (studies,), where so many pairs are looked at."""
    bound, win = math.log(2.0 * pairs / (1.0 - LEVEL)), 1.0 / (1.0 + 10.0 ** (-GAP / 400.0))
    found = []
    for number in range(studies):
        rng = np.random.Generator(np.random.PCG64([2026, pairs, number]))
        reached = log_capital(np.where(rng.random(4000) < win, 1.0, -1.0), 0.0) >= bound
        if not reached.any():
            raise ArithmeticError("a study was not settled within 4,000 questions")
        found.append(int(np.argmax(reached)) + 1)
    return np.array(found)


class Null(NamedTuple):
    """Shares of null studies with a false declaration."""

    raters: int
    false: float
    control: float


class Stop(NamedTuple):
    """Questions until two contenders are settled, and what the fixed test needs."""

    pairs: int
    mean: float
    median: float
    ninth: float
    fixed: float


def report(nulls: Sequence[Null], found: Sequence[Stop], studies: int) -> str:
    """The tables and the bars."""
    error = 100.0 * math.sqrt(0.05 * 0.95 / studies)
    one = [[f"{each.raters}", f"{100 * each.false:.1f}", f"{100 * each.control:.1f}"] for each in nulls]
    two = [
        [
            f"{each.pairs}",
            f"{each.fixed:.0f}",
            f"{each.mean:.0f}",
            f"{each.median:.0f}",
            f"{each.ninth:.0f}",
            f"{each.mean / each.fixed:.2f}",
        ]
        for each in found
    ]
    missed = [f"{100 * each.false:.1f}% false with {each.raters} votes" for each in nulls if each.false > FALSE]
    missed += [
        f"{each.mean / each.fixed:.2f} with {each.pairs} pairs" for each in found if each.mean / each.fixed > TWICE
    ]
    words = [
        f"Simulated on {pages.today()} by `python -m benchmarks.settled`, {studies:,} studies a line."
        f" {pages.machine(('numpy', 'scipy'))}. The Monte-Carlo standard error of a share of 5% is {error:.1f} points.",
        "",
        *pages.rows(
            ("null studies: votes on a pair and question", "false declarations, %", "the control: fixed test, %"), one
        ),
        "",
        *pages.rows(
            (
                "100 points apart: pairs corrected for",
                f"fixed test with a power of {100 * POWER:.0f}%, questions",
                "settled after, mean",
                "median",
                "nine in ten by",
                "mean / fixed",
            ),
            two,
        ),
        "",
        f"The bars are at most {100 * FALSE:.0f}% false declarations and at most twice the fixed test's questions. "
        + ("Both are met." if not missed else "Missed: " + "; ".join(missed) + "."),
    ]
    return "\n".join(words)


def main() -> int:
    """Run the simulations."""
    parser = argparse.ArgumentParser(description="Count false declarations, and questions until a pair is settled.")
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies of each line")
    asked = parser.parse_args()
    nulls = []
    for raters in (1, 3):
        seen = np.array([declared(null_study(raters, [2026, raters, number])) for number in range(asked.studies)])
        nulls.append(Null(raters, float(seen[:, 0].mean()), float(seen[:, 1].mean())))
    found = []
    for pairs in (1, 28):
        after = stops(pairs, asked.studies)
        ends = (float(after.mean()), float(np.median(after)), float(np.quantile(after, 0.9)))
        found.append(Stop(pairs, *ends, fixed(pairs, POWER)))
    table = report(nulls, found, asked.studies)
    print(table)
    if asked.studies >= STUDIES:
        pages.put("methods.md", "bench-decisions (settled)", table)
    bad = any(each.false > FALSE for each in nulls) or any(each.mean > TWICE * each.fixed for each in found)
    return int(bad)


if __name__ == "__main__":
    raise SystemExit(main())
