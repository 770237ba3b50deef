"""Counts of a study, as pages and commands show them."""

from __future__ import annotations

from dataclasses import dataclass

from arena.domain.ledger import Head
from arena.domain.study import Study


@dataclass(frozen=True)
class SourceCount:
    """The votes from one source as they were cast: all, those that could not judge, those that were simulated.

    `set_aside` do not count any more: they were excluded, or withdrawn with their rater.
    """

    source: str
    votes: int
    cannot_judge: int
    simulated: int
    set_aside: int = 0


@dataclass(frozen=True)
class Overview:
    """What there is in a study. `places` is pairings times raters per pairing, `filled` those that have a vote.

    `unpaired` counts the questions with fewer than two answers, which nobody is shown; `raters` those who have voted.
    """

    study: Study
    questions: int
    contenders: int
    answers: int
    unpaired: int
    pairings: int
    places: int
    filled: int
    raters: int
    sources: tuple[SourceCount, ...]
    head: Head

    @property
    def votes(self) -> int:
        """All recorded votes."""
        return sum(count.votes for count in self.sources)
