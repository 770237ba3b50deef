"""What a study's ledger adds up to, up to some entry. `reading` reads it, entry by entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.domain import payloads
from arena.domain.ledger import Entry, LedgerBroken
from arena.domain.plan import Plan
from arena.domain.vocabulary import StudyState, VoteChangeKind
from arena.domain.votes import Matchup, Vote, VoteChange, as_it_stands


@dataclass
class History:
    """A study as its ledger tells it, up to the last entry that was taken."""

    name: str = ""
    title: str = ""
    created: str = ""
    state: StudyState = StudyState.DRAFT
    plan: Plan | None = None
    categories: dict[str, str | None] = field(default_factory=dict)
    contenders: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    consented: set[str] = field(default_factory=set)
    matchups: dict[int, Matchup] = field(default_factory=dict)
    votes: list[Vote] = field(default_factory=list)
    changes: dict[int, list[VoteChange]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    sealed: dict[int, Mapping[str, str]] = field(default_factory=dict)
    erased: dict[int, set[str]] = field(default_factory=dict)
    vote_of: dict[int, Vote] = field(default_factory=dict)
    """The votes by their entries; what follows is what may be there once only."""
    keys: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    shown: set[tuple[str, ...]] = field(default_factory=set)
    voted: set[int] = field(default_factory=set)

    @property
    def standing(self) -> list[Vote]:
        """The votes that count, as their corrections left them."""
        now = (as_it_stands(vote, self.changes.get(vote.seq, ())) for vote in self.votes)
        return [vote for vote in now if vote is not None]

    @property
    def holding(self) -> set[int]:
        """The matchups that hold a place for good: those with a vote that was not withdrawn."""
        gone = {seq for seq, made in self.changes.items() if any(c.kind is VoteChangeKind.WITHDRAWN for c in made)}
        return {vote.matchup_seq for vote in self.votes if vote.matchup_seq is not None and vote.seq not in gone}

    def check_erased(self, kept: Mapping[int, Collection[str]]) -> None:
        """Raise LedgerBroken where one of the texts that are `kept` (by entry and name) was erased by the ledger."""
        for seq in sorted(self.erased):
            for name in sorted(self.erased[seq].intersection(kept.get(seq, ()))):
                raise LedgerBroken(seq, f"its {name} was erased by a later entry and is still there")

    def vote_at(self, seq: int) -> Vote:
        """The vote of an entry. Raises Unfit where it is none."""
        vote = self.vote_of.get(seq)
        if vote is None:
            raise Unfit(f"entry {seq} is no vote before it")
        return vote

    def seal(self, entry: Entry, payload: Mapping[str, Any]) -> None:
        """Note which texts an entry commits to."""
        self.sealed[entry.seq] = {name: payloads.text(value) for name, value in payload["sealed"].items()}


class Unfit(Exception):
    """An entry contradicts one before it."""


def unless(fits: bool, reason: str) -> None:
    """Raise Unfit with `reason`, unless it fits."""
    if not fits:
        raise Unfit(reason)
