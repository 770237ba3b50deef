"""How often a judge says what most people say, and how often one of the people does: the most that can be hoped for."""

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
    the `decisive` ones, where most people prefer one answer. On the pairings that the judge saw, `human_agrees` is the
    share of people who give the label that most of the *others* gave (pairings counting alike), and `human_raw` the
    share of pairs of people who agree.
    """

    judge: str
    pairings: int
    agreeing: int
    agrees: Estimate
    decisive: int
    agrees_decisive: Estimate
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
    hits, known = _others(people)
    sums = Sums.unpacked(within(people), people.shape[1])
    agreeing = np.trace(sums.joint, axis1=-2, axis2=-1)
    columns = [unique & same, decisive & same, hits, agreeing, unique, decisive, known, sums.pairs]
    table = by_question(question[both], np.column_stack(columns).astype(np.float64))
    agrees, agrees_decisive, human_agrees, human_raw = resampling.shares(table[:, :4], table[:, 4:])
    return Plurality(
        judge,
        int(unique.sum()),
        int((unique & same).sum()),
        agrees,
        int(decisive.sum()),
        agrees_decisive,
        human_agrees,
        human_raw,
    )


def _winner(counts: FloatArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """The label with most votes of each unit, (units,), and whether no other has as many."""
    top = counts.max(axis=1)
    return counts.argmax(axis=1), (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)


def _others(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each unit, the share of its people who say what most others say, where others say one thing most; and
    whether there are any such (1 or 0)."""
    hits, known = np.zeros(len(counts)), np.zeros(len(counts))
    for label in range(counts.shape[1]):
        some = np.where(counts[:, label] > 0, counts[:, label], 0.0)
        others = counts.copy()
        others[:, label] -= some > 0
        winner, unique = _winner(others)
        known += some * unique
        hits += some * (unique & (winner == label))
    return hits / np.where(known > 0, known, 1.0), (known > 0).astype(np.float64)
