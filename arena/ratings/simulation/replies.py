"""The replies to a chunk of questions: those of raters, and those of one judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from arena.ratings.comparisons.votes import A_WINS, B_WINS, BOTH_BAD, TIE
from arena.ratings.simulation.content import Content
from arena.ratings.simulation.simulated import CANNOT_JUDGE, People
from arena.ratings.simulation.streams import Floats, Ints, Purpose, Seed, Stream
from arena.ratings.simulation.truth import Judge, Truth

Outcomes = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Replies:
    """Replies of one source, every array of shape (replies,). `question` is the study's, `time` a share of it."""

    source: int
    question: Ints
    a: Ints
    b: Ints
    rater: Ints
    outcome: Outcomes
    length_a: Ints
    length_b: Ints
    time: Floats


@dataclass(frozen=True, eq=False)
class _Shown:
    """Matchups as they are shown: the chunk's question, and who stands on which side."""

    question: Ints
    a: Ints
    b: Ints

    def gap(self, by_answer: Floats) -> Floats:
        """What side A has more of than side B, of values of shape (questions, contenders)."""
        gap: Floats = by_answer[self.question, self.a] - by_answer[self.question, self.b]
        return gap


def human_replies(truth: Truth, seed: Seed, made: Content, people: People) -> Replies:
    """The raters' replies: each pair of the chunk before different raters."""
    stated, votes, chunk = truth.raters, truth.assignment.votes, made.chunk
    rater = Stream(seed, Purpose.ASSIGNED, 0, chunk).distinct(len(made.question), stated.number, votes).ravel()
    shown = _on_sides(made, votes, Stream(seed, Purpose.SIDE, 0, chunk))
    seen = shown.gap(made.quality) + people.effect[rater, shown.a] - people.effect[rater, shown.b]
    if stated.length_effect:
        seen += stated.length_effect * shown.gap(np.log(made.length))
    perceived = people.slope[rater] * seen + people.side[rater] + _noise(seed, 0, chunk, len(rater))
    outcome = _outcome(seed, 0, chunk, perceived, people.threshold[rater], stated.tie_share)
    if stated.both_bad:
        bad = Stream(seed, Purpose.BOTH_BAD, chunk).uniform(len(rater)) < stated.both_bad
        outcome[(outcome == TIE) & bad] = BOTH_BAD
    _rig(truth, seed, chunk, shown, people.is_rigger[rater], outcome)
    if stated.abstention:
        difficult = stated.abstention_slope * made.difficulty[shown.question]
        unsure = Stream(seed, Purpose.ABSTENTION, chunk).uniform(len(rater))
        outcome[unsure < expit(logit(stated.abstention) + difficult)] = CANNOT_JUDGE
    return _replies(0, made, shown, rater, outcome, Stream(seed, Purpose.TIME, 0, chunk))


def judge_replies(truth: Truth, seed: Seed, made: Content, at: int) -> Replies:
    """The replies of the truth's judge `at` (from 0): each pair of the chunk in its orders, and each of these again."""
    judge, source, chunk = truth.judges[at], at + 1, made.chunk
    if truth.assignment.both_orders:
        one, other = np.concatenate([made.first, made.second]), np.concatenate([made.second, made.first])
        shown = _Shown(np.tile(made.question, 2), one, other)
    else:
        shown = _on_sides(made, 1, Stream(seed, Purpose.SIDE, source, chunk))
    seen = judge.slope * shown.gap(made.quality) + judge.position + _preferred(truth, judge, shown)
    if judge.question_sd:
        view = Stream(seed, Purpose.JUDGE_VIEW, at, chunk).normal(judge.question_sd, *made.quality.shape)
        seen += shown.gap(view)
    if judge.length_effect:
        seen += judge.length_effect * shown.gap(np.log(made.length))
    shown = _Shown(*(np.repeat(column, judge.repeats) for column in (shown.question, shown.a, shown.b)))
    perceived = np.repeat(seen, judge.repeats) + _noise(seed, source, chunk, len(shown.a))
    outcome = _outcome(seed, source, chunk, perceived, judge.tie_threshold, judge.tie_share)
    nobody = np.full(len(shown.a), -1, dtype=np.int32)
    return _replies(source, made, shown, nobody, outcome, Stream(seed, Purpose.TIME, source, chunk))


def favour(truth: Truth, judge: Judge) -> Floats:
    """What a judge adds to each contender whatever its answer, in logits: its bias, and its family's advantage."""
    return np.array(
        [
            judge.bias.get(contender.name, 0.0)
            + judge.family_effect * (judge.family is not None and contender.family == judge.family)
            for contender in truth.contenders
        ]
    )


def _preferred(truth: Truth, judge: Judge, shown: _Shown) -> Floats:
    added = favour(truth, judge)
    gap: Floats = added[shown.a] - added[shown.b]
    return gap


def _on_sides(made: Content, times: int, coins: Stream) -> _Shown:
    """Each pair of the chunk so many times, on sides that a fair coin decides."""
    question, first, second = (np.repeat(column, times) for column in (made.question, made.first, made.second))
    is_first = coins.uniform(len(question)) < 0.5
    return _Shown(question, np.where(is_first, first, second), np.where(is_first, second, first))


def _noise(seed: Seed, source: int, chunk: int, count: int) -> Floats:
    noise: Floats = logit(Stream(seed, Purpose.REPLY, source, chunk).uniform(count))
    return noise


def _outcome(
    seed: Seed, source: int, chunk: int, perceived: Floats, threshold: Floats | float, tie_share: float
) -> Outcomes:
    outcome = np.where(perceived > 0, A_WINS, B_WINS).astype(np.int8)
    outcome[np.abs(perceived) < threshold] = TIE
    if tie_share:
        outcome[Stream(seed, Purpose.TIE, source, chunk).uniform(len(outcome)) < tie_share] = TIE
    return outcome


def _rig(truth: Truth, seed: Seed, chunk: int, shown: _Shown, is_rigger: NDArray[np.bool_], outcome: Outcomes) -> None:
    if not truth.riggers.number:
        return
    favoured = truth.names.index(str(truth.riggers.favours))
    rigged = is_rigger & (Stream(seed, Purpose.RIGGED, chunk).uniform(len(outcome)) < truth.riggers.share)
    outcome[rigged & (shown.a == favoured)] = A_WINS
    outcome[rigged & (shown.b == favoured)] = B_WINS


def _replies(source: int, made: Content, shown: _Shown, rater: Ints, outcome: Outcomes, times: Stream) -> Replies:
    return Replies(
        source,
        shown.question + np.int32(made.start),
        shown.a,
        shown.b,
        rater,
        outcome,
        made.length[shown.question, shown.a],
        made.length[shown.question, shown.b],
        times.uniform(len(outcome)),
    )
