"""Votes told one after the other, kept as integers: names are kept once, however often they come."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt

from arena.domain.records import VoteRecord
from arena.domain.votes import Vote
from arena.ratings import Votes
from arena.ratings.comparisons.votes import OUTCOMES, from_codes

_NUMBER = {word: number for number, word in enumerate(OUTCOMES)}


class Collected:
    """The votes that state a preference or a tie, in the order in which they were added."""

    def __init__(self) -> None:
        self._contenders, self._questions, self._raters = _Names(), _Names(), _Names()
        self._a, self._b, self._question, self._rater = (array("i") for _ in range(4))
        self._outcome, self._simulated = bytearray(), bytearray()

    def add(self, vote: Vote | VoteRecord, question: str | None) -> None:
        """Take a vote in, where it states a preference or a tie."""
        if (winner := vote.choice.winner) is None:
            return
        self._a.append(self._contenders[vote.model_a])
        self._b.append(self._contenders[vote.model_b])
        self._question.append(-1 if question is None else self._questions[question])
        self._rater.append(-1 if vote.rater is None else self._raters[vote.rater])
        self._outcome.append(_NUMBER[winner])
        self._simulated.append(vote.simulated)

    @property
    def votes(self) -> Votes:
        """All of them."""
        return from_codes(
            list(self._contenders),
            np.asarray(self._a),
            np.asarray(self._b),
            np.frombuffer(bytes(self._outcome), dtype=np.int8),
            questions=list(self._questions),
            question=np.asarray(self._question),
            raters=list(self._raters),
            rater=np.asarray(self._rater),
        )

    @property
    def simulated(self) -> npt.NDArray[np.bool_]:
        """Which of them are simulated, shape (votes,)."""
        return np.frombuffer(bytes(self._simulated), dtype=np.bool_)


class _Names(dict[str, int]):
    """Numbers names in the order in which they are first asked for."""

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number
