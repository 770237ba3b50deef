"""Human and judge votes with contenders and questions numbered alike; what cannot be combined is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arena.errors import BadInput
from arena.ratings import caveats
from arena.ratings.comparisons import connectivity
from arena.ratings.comparisons.votes import Votes, pair_counts

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEAST_LABELLED = 5
"""Questions with human and judge votes below which how the two go together cannot be told."""


@dataclass(frozen=True, eq=False)
class Sources:
    """`human` and `judge` votes on the same contenders, each with its own questions.

    `questions` are those of either; `human_at` and `judge_at` say where each source's questions stand among them. With
    `inflation`, (human questions,), human votes weigh as the inverse of the probability with which their question was
    chosen, on average 1.
    """

    human: Votes
    judge: Votes
    questions: tuple[str, ...]
    human_at: IntArray
    judge_at: IntArray
    inflation: FloatArray | None
    warnings: tuple[str, ...]

    @cached_property
    def labelled(self) -> BoolArray:
        """Which questions have human votes, (questions,)."""
        return self._among(self.human_at)

    @cached_property
    def judged(self) -> BoolArray:
        """Which questions have votes of the judge, (questions,)."""
        return self._among(self.judge_at)

    @cached_property
    def judge_on_labelled(self) -> Votes:
        """The judge's votes on the human-labelled questions, weighted as the human votes are; the judge's questions."""
        assert self.judge.question is not None  # each vote names its question
        at = self.judge_at[self.judge.question]
        rows = np.flatnonzero(self.labelled[at])
        found = _rows(self.judge, rows)
        if self.inflation is None:
            return found
        each = np.ones(len(self.questions))
        each[self.human_at] = self.inflation
        return replace(found, weight=each[at[rows]] * (1.0 if found.weight is None else found.weight))

    def spread_out(self, by_question: FloatArray, at: IntArray) -> FloatArray:
        """Rows of one source's questions, (its questions, …), as rows of all questions; 0 for the others."""
        found = np.zeros((len(self.questions), *by_question.shape[1:]))
        found[at] = by_question
        return found

    def _among(self, at: IntArray) -> BoolArray:
        held = np.zeros(len(self.questions), dtype=np.bool_)
        held[at] = True
        return held


def joined(human: Votes, judge: Votes, probabilities: Mapping[str, float] | None) -> Sources:
    """Both sources as one. Raises BadInput where they cannot be combined, with the reason."""
    for votes, whose in ((human, "human votes"), (judge, "judge's votes")):
        _check_questions(votes, whose)
    judge, warnings = _among(human.contenders, judge)
    questions = tuple(sorted({*human.questions, *judge.questions}))
    place = {name: index for index, name in enumerate(questions)}
    human_at, judge_at = (
        np.array([place[name] for name in votes.questions], dtype=np.int64) for votes in (human, judge)
    )
    found = Sources(human, judge, questions, human_at, judge_at, None, warnings)
    if probabilities is not None:
        found = _weighted(found, probabilities)
    _check_graphs(found)
    return found


def _check_questions(votes: Votes, what: str) -> None:
    without = len(votes.a) if votes.question is None else int((votes.question < 0).sum())
    if without:
        raise BadInput(f"{without:,} of the {what} name no question; to be combined, every vote needs a question_id")


def _among(contenders: tuple[str, ...], judge: Votes) -> tuple[Votes, tuple[str, ...]]:
    """The judge's votes among these contenders, numbered as they are, and what is said of those left out."""
    missing = sorted(set(contenders) - set(judge.contenders))
    if missing:
        raise BadInput(f"the judge has no vote on {caveats.listed(missing)}; let it judge every contender")
    others = sorted(set(judge.contenders) - set(contenders))
    if not others:
        return judge, ()
    place = np.searchsorted(contenders, judge.contenders)
    known = np.isin(judge.contenders, contenders)
    kept = _rows(judge, np.flatnonzero(known[judge.a] & known[judge.b]))
    assert kept.question is not None
    used, question = np.unique(kept.question, return_inverse=True)
    numbered = replace(
        kept,
        contenders=contenders,
        a=place[kept.a].astype(np.int32),
        b=place[kept.b].astype(np.int32),
        questions=tuple(judge.questions[at] for at in used.tolist()),
        question=question.reshape(-1).astype(np.int32),
    )
    return numbered, (f"The judge's votes on {caveats.listed(others)} are left out: they have no human vote.",)


def _rows(votes: Votes, rows: npt.NDArray[np.intp]) -> Votes:
    """Some of the votes; names without a vote stay."""
    return replace(
        votes,
        a=votes.a[rows],
        b=votes.b[rows],
        outcome=votes.outcome[rows],
        question=None if votes.question is None else votes.question[rows],
        rater=None if votes.rater is None else votes.rater[rows],
        weight=None if votes.weight is None else votes.weight[rows],
    )


def _check_graphs(sources: Sources) -> None:
    """Raises BadInput where a fit has no maximum, or where the judge lacks a pair that people compared."""
    names = sources.human.contenders
    people, judge = points_of(sources.human), points_of(sources.judge)
    for points, what in ((people, "human votes"), (judge, "judge's votes")):
        block = connectivity.blocks(points)
        if block.max() > 0:
            apart = min(connectivity.named(names, block), key=len)
            raise BadInput(
                f"the {what} set no bound on how {caveats.listed(apart)} and the others stand to each other (never"
                " compared, or all points went one way); collect more votes, or rate each source by itself"
            )
    lacking = np.argwhere(np.triu((people + people.T > 0) & (judge + judge.T <= 0)))
    if len(lacking):
        pairs = [f"{names[i]} and {names[j]}" for i, j in lacking.tolist()]
        raise BadInput(f"people compared pairs that the judge did not: {caveats.listed(pairs)}; let it judge them too")
    both = int((sources.labelled & sources.judged).sum())
    if both < LEAST_LABELLED:
        raise BadInput(
            f"{both} {'question has' if both == 1 else 'questions have'} both human and judge votes;"
            f" {LEAST_LABELLED} or more are needed to tell how the two go together"
        )
    if connectivity.islands(points_of(sources.judge_on_labelled)).max() > 1:
        raise BadInput(
            "on the human-labelled questions the judge's votes leave groups of contenders that never met;"
            " let the judge vote on every pairing of those questions"
        )


def points_of(votes: Votes) -> FloatArray:
    """Who scored how much against whom, (contenders, contenders): a win is 1, a tie ½ for each."""
    wins, ties = pair_counts(votes)
    return wins + ties / 2.0


def _weighted(sources: Sources, probabilities: Mapping[str, float]) -> Sources:
    """Human votes weighted by the inverse of the probability with which their question was chosen (Hájek)."""
    chance = np.array([_chance(probabilities, name) for name in sources.questions])
    _check_chances(sources, chance)
    inflation = 1.0 / chance[sources.human_at]
    inflation /= inflation.mean()
    human = sources.human.single()
    assert human.question is not None
    weight = inflation[human.question] * (1.0 if human.weight is None else human.weight)
    return replace(sources, human=replace(human, weight=weight), judge=sources.judge.single(), inflation=inflation)


def _chance(probabilities: Mapping[str, float], question: str) -> float:
    value = probabilities.get(question)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan


def _check_chances(sources: Sources, chance: FloatArray) -> None:
    unusable = ~((chance > 0) & (chance <= 1))
    for where, reason in (
        (unusable & sources.labelled, "has human votes, and no probability of being chosen above 0 and up to 1"),
        ((chance == 0) & ~sources.labelled, "could not be chosen (probability 0): leave out the judge's votes on it"),
        ((chance == 1) & ~sources.labelled, "was chosen for certain (probability 1) and has no human vote"),
    ):
        if where.any():
            more = f" (and {int(where.sum()) - 1:,} more like it)" if where.sum() > 1 else ""
            raise BadInput(f"question {sources.questions[int(where.argmax())]!r} {reason}{more}")
