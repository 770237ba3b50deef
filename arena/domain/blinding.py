"""What a rater sees before and after a vote.

A `BlindMatchup` has no field that names a contender, so no template can leak one. A `Reveal` is made by the voting
service only, after the vote, and only where the plan allows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from arena.domain.study import Study
from arena.domain.vocabulary import CannotJudgeReason, Choice


@dataclass(frozen=True)
class BlindMatchup:
    """A pairing as one rater sees it: the question and two texts, under a token that only this rater can use."""

    token: str
    question: str
    context: str | None
    language: str | None
    answer_a: str
    answer_b: str


@dataclass(frozen=True)
class Ballot:
    """What a rater submits for a matchup."""

    token: str
    choice: Choice
    reason: CannotJudgeReason | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The proof that a vote is recorded: its place in the study's ledger and that entry's hash."""

    position: int
    hash: str
    recorded_at: datetime


@dataclass(frozen=True)
class OwnVote:
    """A vote as its own rater sees it later. `corrected` is the receipt of its last correction.

    `excluded` is why the vote does not count at present, None where it does; `intact`: the stored entries still have
    the hashes of their receipts and say what is shown.
    """

    receipt: Receipt
    corrected: Receipt | None
    token: str
    question_text: str
    choice: Choice
    excluded: str | None
    intact: bool


@dataclass(frozen=True)
class Progress:
    """A rater's own count: votes cast, and pairings still to be had by this rater, the open one among them."""

    votes: int
    remaining: int


@dataclass(frozen=True)
class Sitting:
    """Where a rater stands: the study, the open matchup if any, the own count, and the receipt of the newest vote."""

    study: Study
    matchup: BlindMatchup | None
    progress: Progress
    receipt: Receipt | None


@dataclass(frozen=True)
class Reveal:
    """Which contender wrote which side of a matchup that the rater has voted on."""

    position: int
    question_text: str
    choice: Choice
    contender_a: str
    contender_b: str
