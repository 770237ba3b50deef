"""Simulated votes for the sample study: no person cast them. `python -m arena.sample.simulate` writes votes.jsonl.

The simulation, in full. All strengths are in logits, all random numbers come from one generator (PCG64, `SEED`) that
only ever yields uniform numbers in [0, 1); other distributions are made from those by their inverse.

1. True strength of a contender: `STRENGTH`. Where its answer carries a planted error (`planted_error` in
   answers.jsonl), `PLANTED_ERROR` is added: raters notice most such errors, not all.
2. Question effect: each answer gets its own deviation from its contender's strength, normal with standard deviation
   `QUESTION_SD`, so that votes on one question are more alike than votes on different ones.
3. Nine raters. Rater r calls a tie when the difference that it perceives is smaller than its threshold, evenly
   spaced from `TIE_THRESHOLD[0]` to `TIE_THRESHOLD[1]`. The perceived difference is (quality of A - quality of B) plus
   logistic noise of scale 1, so that for each rater this is the model of Rao and Kupper (1967), and without ties that
   of Bradley and Terry (1952).
4. A tie is "both bad" with probability 1 / (1 + exp(mean quality of the two - `BOTH_BAD_AT`)), else a tie of good
   answers.
5. Each pairing (question and two contenders) is judged by three of the nine raters: nine in random order over three
   pairings at a time, so that every rater casts 40 of the 360 votes, two for each question. Sides are a fair coin. The
   votes are cast in a random order, 30 to 400 seconds apart, by day and by night.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from typing import TypeVar

import numpy as np

from arena.sample import path

SEED = 20260105
STRENGTH = {"sample-cautious": 0.1, "sample-erratic": 0.3, "sample-terse": -0.4, "sample-thorough": 0.6}
PLANTED_ERROR = -2.2
QUESTION_SD = 0.4
RATERS = tuple(f"sim-{number:02d}" for number in range(1, 10))
RATERS_PER_PAIRING = 3
TIE_THRESHOLD = (0.2, 0.8)
BOTH_BAD_AT = -1.2
FIRST_VOTE = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

T = TypeVar("T")
Pairing = tuple[str, str, str]
"""Question id and two contenders."""
Qualities = dict[tuple[str, str], float]
"""Quality of each answer in logits, by question id and contender."""


@dataclass(frozen=True)
class SimulatedVote:
    """One line of votes.jsonl, in the columns of the exchange files."""

    id: str
    question_id: str
    model_a: str
    model_b: str
    winner: str
    rater: str
    tstamp: str
    simulated: bool = True


def simulate(answers: Sequence[dict[str, object]]) -> list[SimulatedVote]:
    """The votes on the answers given (records of answers.jsonl), always the same ones, in the order of their time."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    quality = _qualities(answers, rng)
    thresholds = dict(zip(RATERS, np.linspace(*TIE_THRESHOLD, len(RATERS)).tolist(), strict=True))
    now = FIRST_VOTE
    votes = []
    for number, (pairing, rater) in enumerate(_shuffled(_assigned(quality, rng), rng), start=1):
        question, *pair = pairing
        left, right = pair if rng.random() < 0.5 else reversed(pair)
        winner = _winner(quality[question, left], quality[question, right], thresholds[rater], rng)
        votes.append(SimulatedVote(f"sim-{number:04d}", question, left, right, winner, rater, now.isoformat()))
        now += timedelta(seconds=30 + int(370 * rng.random()))
    return votes


def write(target: Path) -> None:
    """Write the simulated votes as JSON lines."""
    answers = [json.loads(line) for line in path("answers.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = (json.dumps(asdict(vote), ensure_ascii=False) + "\n" for vote in simulate(answers))
    target.write_bytes("".join(lines).encode())


def _qualities(answers: Sequence[dict[str, object]], rng: np.random.Generator) -> Qualities:
    erroneous = {(str(row["question_id"]), str(row["contender"])): "planted_error" in row for row in answers}
    deviation = NormalDist(0.0, QUESTION_SD)
    return {
        key: STRENGTH[key[1]] + PLANTED_ERROR * erroneous[key] + deviation.inv_cdf(_open_uniform(rng))
        for key in sorted(erroneous)
    }


def _assigned(quality: Qualities, rng: np.random.Generator) -> Iterator[tuple[Pairing, str]]:
    """Each pairing with each of its raters."""
    waiting: list[str] = []
    for question in sorted({question for question, _ in quality}):
        for one, other in combinations(sorted(STRENGTH), 2):
            waiting = waiting or _shuffled(RATERS, rng)
            judging, waiting = waiting[:RATERS_PER_PAIRING], waiting[RATERS_PER_PAIRING:]
            for rater in judging:
                yield (question, one, other), rater


def _winner(left: float, right: float, threshold: float, rng: np.random.Generator) -> str:
    noise = _open_uniform(rng)
    perceived = left - right + math.log(noise / (1 - noise))
    bad = rng.random() < 1 / (1 + math.exp((left + right) / 2 - BOTH_BAD_AT))
    if abs(perceived) < threshold:
        return "both_bad" if bad else "tie"
    return "model_a" if perceived > 0 else "model_b"


def _shuffled(items: Iterable[T], rng: np.random.Generator) -> list[T]:
    listed = list(items)
    keys = [rng.random() for _ in listed]
    return [listed[index] for index in sorted(range(len(listed)), key=keys.__getitem__)]


def _open_uniform(rng: np.random.Generator) -> float:
    """A uniform number strictly between 0 and 1, where the inverse distributions are finite."""
    return min(max(rng.random(), 1e-12), 1 - 1e-12)


if __name__ == "__main__":
    write(path("votes.jsonl"))
