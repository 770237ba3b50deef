"""How near the fewest votes come to the truth, and how long it takes to find them.

    python -m benchmarks.fragility                       # everything; prints the tables of docs/methods.md
    python -m benchmarks.fragility --only exact          # 200 small studies beside brute force
    python -m benchmarks.fragility --only speed          # a million votes
    python -m benchmarks.fragility --votes votes.jsonl   # a file of votes: first place, and how long it took

Brute force tries every way to take out, or to turn round, 1, 2, … votes, as counts of each kind of vote, and fits
each. A study is small enough where it does so in at most SETS fits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from arena.ratings.comparisons.connectivity import blocks
from arena.ratings.comparisons.votes import encode
from arena.ratings.fragility.analysis import fragility
from arena.ratings.fragility.island import main_island
from arena.ratings.fragility.result import WAYS, Way
from arena.ratings.fragility.search import fewest_of
from arena.ratings.fragility.standing import Order
from arena.ratings.models.fitting import fit
from arena.ratings.models.model import MODELS

FloatArray = npt.NDArray[np.float64]
Columns = dict[str, Any]

STUDIES = 200
SETS = 50_000
BATCH = 2_000
EQUAL = 1e-6
"""Logits within which brute force takes two contenders as equal."""


def small_study(seed: int) -> Columns:
    """A study of 3 to 5 contenders and 10 to 40 votes, about a fifth of them ties."""
    rng = np.random.default_rng(seed)
    contenders, votes = int(rng.integers(3, 6)), int(rng.integers(10, 41))
    theta = rng.normal(0.0, rng.uniform(0.2, 1.2), contenders)
    a = rng.integers(0, contenders, votes)
    b = (a + rng.integers(1, contenders, votes)) % contenders
    won = np.where(rng.random(votes) < expit(theta[a] - theta[b]), "model_a", "model_b")
    return {
        "model_a": [f"m{at}" for at in a],
        "model_b": [f"m{at}" for at in b],
        "winner": np.where(rng.random(votes) < 0.2, "tie", won).tolist(),
    }


def large_study(votes: int, contenders: int = 100, questions: int = 4000, raters: int = 200) -> Columns:
    """A study of so many votes, a fifth of them ties, in no design."""
    rng = np.random.default_rng(1)
    a = rng.integers(contenders, size=votes, dtype=np.int32)
    b = (a + rng.integers(1, contenders, size=votes, dtype=np.int32)) % contenders
    theta = rng.normal(0.0, 0.6, contenders)
    won = np.where(rng.random(votes) < expit(theta[a] - theta[b]), 0, 1)
    names = np.array([f"m{at:03}" for at in range(contenders)])
    return {
        "model_a": names[a],
        "model_b": names[b],
        "winner": np.array(["model_a", "model_b", "tie"])[np.where(rng.random(votes) < 0.2, 2, won)],
        "question_id": rng.integers(questions, size=votes),
        "rater": rng.integers(raters, size=votes),
    }


def brute_force(votes: Columns, way: Way, first: str, second: str | None, most: int = SETS) -> tuple[int | None, bool]:
    """The fewest votes whose removal (or flip) puts `second`, or None: anyone, strictly above `first`.

    And whether that is settled: False where more than `most` sets would have to be tried. None where none does it.
    """
    names = sorted({*votes["model_a"], *votes["model_b"]})
    points, kinds = _kinds(votes, names, way)
    place = names.index(first)
    importance = (np.arange(len(names)) == place).astype(np.float64)
    tried = 0
    for size in range(1, len(votes["winner"]) + 1):
        every = _spread([sum(number for _, number in kinds[at:]) for at in range(len(kinds))], kinds, size)
        while batch := list(islice(every, BATCH)):
            tried += len(batch)
            if tried > most:
                return None, False
            changes = np.array(batch, dtype=np.float64) @ np.array([change.ravel() for change, _ in kinds])
            reduced = points + changes.reshape(-1, *points.shape)
            reduced = reduced[(reduced >= 0).all(axis=(1, 2))]
            theta = fit(reduced[:, None], MODELS["bradley-terry"], importance)
            above = theta > theta[:, [place]] + EQUAL
            if above.any() if second is None else above[:, names.index(second)].any():
                return size, True
    return None, True


def _kinds(votes: Columns, names: Sequence[str], way: Way) -> tuple[FloatArray, list[tuple[FloatArray, int]]]:
    """All points, and for each kind of vote what changing one changes in them, and how many there are."""
    points = np.zeros((len(names), len(names)))
    kinds = []
    for (a, b, tied), number in sorted(Counter(zip(*_turned(votes), strict=True)).items()):
        scored = np.zeros_like(points)
        scored[names.index(a), names.index(b)] = 0.5 if tied else 1.0
        scored[names.index(b), names.index(a)] = 0.5 if tied else 0.0
        points += number * scored
        if way == "remove":
            kinds.append((-scored, number))
        elif tied:
            upper = np.triu(scored) - np.tril(scored)
            kinds += [(upper, number), (-upper, number)]
        else:
            kinds.append((scored.T - scored, number))
    return points, kinds


def _turned(votes: Columns) -> tuple[list[str], list[str], list[bool]]:
    """Winner, loser and whether it is a tie; of a tie, the names in their order."""
    rows = []
    for a, b, winner in zip(votes["model_a"], votes["model_b"], votes["winner"], strict=True):
        tied = winner == "tie"
        turn = a > b if tied else winner == "model_b"
        rows.append((b, a, tied) if turn else (a, b, tied))
    first, second, ties = zip(*rows, strict=True)
    return list(first), list(second), list(ties)


def _spread(left: list[int], kinds: list[tuple[FloatArray, int]], size: int, at: int = 0) -> Iterator[list[int]]:
    """All ways to take so many of the kinds from `at` on, as how many of each; `left` is what there is from each on."""
    if at == len(kinds):
        yield []
        return
    after = left[at + 1] if at + 1 < len(left) else 0
    for number in range(max(0, size - after), min(size, kinds[at][1]) + 1):
        for rest in _spread(left, kinds, size - number, at + 1):
            yield [number, *rest]


@dataclass(frozen=True)
class Beside:
    """One search beside brute force: what was foretold, what was found by refits, what the analysis says, the truth.

    `whole`: whether the votes left by the refit make one group, in which nobody took all points from the others.
    """

    foretold: int | None
    refitted: int | None
    said: int | None
    truth: int | None
    whole: bool


def beside(seed: int) -> dict[tuple[Way, str], Beside] | None:
    """The searches of one small study, by way and what may change; None where brute force would take too long."""
    votes = small_study(seed)
    island = main_island(encode(votes))
    if len(island.names) < len({*votes["model_a"], *votes["model_b"]}):
        return None
    ranking = island.ranking()
    found = fragility(votes, pair=(island.names[ranking[0]], island.names[ranking[1]]))
    result: dict[tuple[Way, str], Beside] = {}
    for way in WAYS:
        for what, second in (("first place", None), ("first and second", ranking[1])):
            name = None if second is None else island.names[second]
            truth, settled = brute_force(votes, way, island.names[ranking[0]], name)
            if not settled:
                return None
            search = fewest_of(island.standing, island.pools[0].moves[way], Order(ranking[0], second))
            contest = found.first if second is None else found.pair
            change = None if contest is None else contest.change("vote", way)
            assert change is not None
            whole = search.trial is not None and blocks(search.trial.after.points).max() == 0
            result[way, what] = Beside(search.predicted, search.number, change.number, truth, whole)
    return result


def exact() -> list[str]:
    """The table of small studies, as lines of Markdown."""
    rows: dict[tuple[Way, str], list[Beside]] = {}
    studies = seed = 0
    while studies < STUDIES:
        found = beside(seed)
        seed += 1
        if found is None:
            continue
        studies += 1
        for key, each in found.items():
            rows.setdefault(key, []).append(each)
    lines = [
        f"{STUDIES} studies, seeds 0 to {seed - 1}, those left out that fall apart or need more than {SETS:,} sets.",
        "",
        "| changed | by | fewest (median, most) | foretold within one of the refit | the same where one group is left"
        " | refit within one of brute force | refit equal | analysis equal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (way, what), each in rows.items():
        truths = [one.truth for one in each if one.truth is not None]
        foretold = [_near(one.foretold, one.refitted, 1) for one in each]
        whole = [near for near, one in zip(foretold, each, strict=True) if one.whole]
        columns = [foretold, whole, *([_near(one.refitted, one.truth, by) for one in each] for by in (1, 0))]
        columns.append([one.said == one.truth for one in each])
        cells = " | ".join(f"{sum(column)} of {len(column)}" for column in columns)
        lines.append(f"| {what} | {way} | {np.median(truths):g}, {max(truths)} | {cells} |")
    return lines


def _near(one: int | None, other: int | None, within: int) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= within


def timed(what: str, votes: Columns) -> list[str]:
    """How long the whole analysis takes, on one thread or more as the environment says, and what it finds."""
    begin, used = time.perf_counter(), time.process_time()
    found = fragility(votes)
    seconds, processor = time.perf_counter() - begin, time.process_time() - used
    lines = [f"{what}: {seconds:.1f} s ({processor:.1f} s of a processor); {found.votes:,} votes."]
    lines += [f"  first place, {c.unit} {c.way}: {c.number} of {c.of} (exact: {c.exact})" for c in found.first.changes]
    return lines


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["exact", "speed"])
    parser.add_argument("--votes", type=Path, action="append", default=[], help="a JSONL file of votes")
    asked = parser.parse_args()
    lines: list[str] = []
    for path in asked.votes:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        names = ("model_a", "model_b", "winner", "question_id", "rater")
        lines += timed(path.name, {name: [row.get(name) for row in rows] for name in names})
    if asked.only != "speed" and not asked.votes:
        lines += exact()
    if asked.only != "exact" and not asked.votes:
        lines += timed("1,000,000 votes of 100 contenders, 4,000 questions, 200 raters", large_study(1_000_000))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
