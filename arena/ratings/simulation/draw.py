"""Draw a study from a truth: questions a chunk at a time, so that memory follows the votes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from arena.ratings.simulation.content import CHUNK, chunks, content
from arena.ratings.simulation.replies import Replies, human_replies, judge_replies
from arena.ratings.simulation.simulated import People, Simulated
from arena.ratings.simulation.streams import Ints, Purpose, Seed, Stream, seed_of
from arena.ratings.simulation.truth import Judge, Truth

SECONDS = 30 * 24 * 3600
"""How long a simulated study takes, whatever its size."""


def simulate(
    truth: Truth, seed: int | Sequence[int] = 0, *, progress: Callable[[int, int], None] | None = None
) -> Simulated:
    """One study of this truth: the same seed gives the same study, and one more effect leaves the others as drawn.

    `seed` is one or several whole numbers from 0. `progress` is told how many of the questions are done.
    """
    seed = seed_of(seed)
    truth = settled(truth, seed)
    people = _people(truth, seed)
    categories: list[Ints] = []
    found: list[Replies] = []
    for chunk in chunks(truth):
        made = content(truth, seed, chunk)
        categories.append(made.category)
        if truth.raters.number:
            found.append(human_replies(truth, seed, made, people))
        found += (judge_replies(truth, seed, made, at) for at in range(len(truth.judges)))
        if progress:
            progress(min((chunk + 1) * CHUNK, truth.questions.number), truth.questions.number)
    return _in_order(truth, seed, people, np.concatenate(categories), found)


def settled(truth: Truth, seed: int | Sequence[int] = 0) -> Truth:
    """The truth with the judges' biases as this seed draws them; none is left to be drawn."""
    seed = seed_of(seed)
    return replace(truth, judges=tuple(_biased(truth, seed, at) for at in range(len(truth.judges))))


def _biased(truth: Truth, seed: Seed, at: int) -> Judge:
    judge = truth.judges[at]
    if not judge.bias_sd:
        return judge
    drawn = Stream(seed, Purpose.JUDGE_BIAS, at).normal(judge.bias_sd, len(truth.contenders))
    return replace(judge, bias=dict(zip(truth.names, drawn.tolist(), strict=True)), bias_sd=0.0)


def _people(truth: Truth, seed: Seed) -> People:
    stated = truth.raters
    number = stated.number
    return People(
        effect=Stream(seed, Purpose.RATER_EFFECT).normal(stated.sd, number, len(truth.contenders)),
        slope=np.exp(Stream(seed, Purpose.RATER_SLOPE).normal(stated.slope_sd, number)),
        side=stated.side + Stream(seed, Purpose.RATER_SIDE).normal(stated.side_sd, number),
        threshold=stated.tie_threshold
        * np.exp(Stream(seed, Purpose.RATER_THRESHOLD).normal(stated.tie_threshold_sd, number)),
        is_rigger=np.arange(number) >= number - truth.riggers.number,
    )


def _in_order(truth: Truth, seed: Seed, people: People, category: Ints, found: list[Replies]) -> Simulated:
    """All replies as one study, in the order of their time."""
    time = np.concatenate([each.time for each in found])
    order = np.argsort(time, kind="stable")
    source = np.repeat(
        np.array([each.source for each in found], dtype=np.int32), [len(each.question) for each in found]
    )

    def ordered(name: str) -> Ints:
        column: Ints = np.concatenate([getattr(each, name) for each in found])[order]
        return column

    return Simulated(
        truth=truth,
        seed=seed,
        people=people,
        category=category,
        question=ordered("question"),
        a=ordered("a"),
        b=ordered("b"),
        source=source[order],
        rater=ordered("rater"),
        outcome=ordered("outcome").astype(np.int8, copy=False),
        length_a=ordered("length_a"),
        length_b=ordered("length_b"),
        time=(time[order] * SECONDS).astype(np.int64),
    )
