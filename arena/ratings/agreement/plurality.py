"""How often a judge says what most people say; and what most others say, beside the person whose place it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arena.ratings.agreement.coefficients import Sums, within
from arena.ratings.agreement.labels import HIGH, LOW
from arena.ratings.agreement.resampling import Estimate, Resampling, by_question

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plurality:
    """A judge beside the label that most people gave, on the pairings where one label has more votes than any other.

    `agrees` is the share of these `pairings` on which the judge gives that label, `agrees_decisive` the share among
    the `decisive` ones, where most people prefer one answer.

    `beside` counts each person on each pairing that the judge saw, where one label has more votes than any other among
    the *other* people there: `human_agrees` is the share of these in which the person gives that label, `judge_agrees`
    that in which the judge does. Both are held against the same people, so that a judge who votes as people do has the
    same share as they. `human_raw` is the share of pairs of people who agree (pairings counting alike).
    """

    judge: str
    pairings: int
    agreeing: int
    agrees: Estimate
    decisive: int
    agrees_decisive: Estimate
    beside: int
    judge_agrees: Estimate
    human_agrees: Estimate
    human_raw: Estimate


def plurality(
    judge: str, humans: FloatArray, judged: FloatArray, question: IntArray, resampling: Resampling
) -> Plurality | None:
    """From the labels that people gave and that the judge gave, (units, K) each, and each unit's question.

    None where no unit was judged by both.
    """
    both = (humans.sum(axis=1) > 0) & (judged.sum(axis=1) > 0)
    if not both.any():
        return None
    people, own = humans[both], judged[both].argmax(axis=1)
    winner, unique = _winner(people)
    decisive = unique & ((winner == LOW) | (winner == HIGH))
    same = winner == own
    known, of_judge, of_people = _others(people, own)
    sums = Sums.unpacked(within(people), people.shape[1])
    agreeing = np.trace(sums.joint, axis1=-2, axis2=-1)
    hits = [unique & same, decisive & same, of_judge, of_people, agreeing]
    columns = [*hits, unique, decisive, known, known, sums.pairs]
    table = by_question(question[both], np.column_stack(columns).astype(np.float64))
    agrees, agrees_decisive, judge_agrees, human_agrees, human_raw = resampling.shares(table[:, :5], table[:, 5:])
    return Plurality(
        judge,
        int(unique.sum()),
        int((unique & same).sum()),
        agrees,
        int(decisive.sum()),
        agrees_decisive,
        int(known.sum()),
        judge_agrees,
        human_agrees,
        human_raw,
    )


def _winner(counts: FloatArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """The label with most votes of each unit, (units,), and whether no other has as many."""
    top = counts.max(axis=1)
    return counts.argmax(axis=1), (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)


def _others(counts: FloatArray, own: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each unit, (units,) each: the people of whom the others say one thing most, how often the judge's label `own`
    says that, and how many of these people do."""
    known, of_judge, of_people = (np.zeros(len(counts)) for _ in range(3))
    for label in range(counts.shape[1]):
        some = counts[:, label]
        others = counts.copy()
        others[:, label] -= some > 0
        winner, unique = _winner(others)
        known += some * unique
        of_judge += some * (unique & (winner == own))
        of_people += some * (unique & (winner == label))
    return known, of_judge, of_people
