"""A study, its states, and what each state allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from arena.domain.plan import Plan
from arena.domain.vocabulary import Role, StudyState
from arena.errors import BadInput, Conflict

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
REASON_CHARS = 300


def check_name(name: str) -> None:
    """Raise BadInput where `name` cannot stand in a command and an address."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"'{name}' cannot name a study: use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit"
        )


def check_title(title: str) -> None:
    """Raise BadInput where `title` cannot stand on a page and in a terminal."""
    if not title.strip() or len(title) > 200 or not title.isprintable():
        raise BadInput("the title must be 1 to 200 printable characters")


def check_reason(reason: str) -> None:
    """Raise BadInput where `reason` cannot stand on a board beside the votes that were excluded for it."""
    if not reason.strip() or len(reason) > REASON_CHARS or not reason.isprintable():
        raise BadInput(f"an exclusion is public: give a reason of 1 to {REASON_CHARS} printable characters")


class Act(StrEnum):
    """What can be done to a study, as far as its state decides about it."""

    SET_PLAN = "set the plan"
    AMEND_PLAN = "amend the plan with a reason"
    IMPORT_CONTENT = "import questions and answers"
    IMPORT_VOTES = "import votes"
    INVITE = "invite"
    VOTE = "vote"
    CORRECT = "correct a vote"
    EXCLUDE = "exclude or readmit votes"
    WITHDRAW = "withdraw a rater or erase a text"
    OPEN = "open"
    CLOSE = "close"
    PUBLISH = "publish"
    SEE_BOARD = "see the board as the public"


ALLOWED: dict[Act, frozenset[StudyState]] = {
    Act.SET_PLAN: frozenset({StudyState.DRAFT}),
    Act.AMEND_PLAN: frozenset({StudyState.OPEN, StudyState.CLOSED}),
    Act.IMPORT_CONTENT: frozenset({StudyState.DRAFT}),
    Act.IMPORT_VOTES: frozenset({StudyState.DRAFT, StudyState.OPEN, StudyState.CLOSED}),
    Act.INVITE: frozenset(StudyState),
    Act.VOTE: frozenset({StudyState.OPEN}),
    Act.CORRECT: frozenset({StudyState.OPEN}),
    Act.EXCLUDE: frozenset({StudyState.DRAFT, StudyState.OPEN, StudyState.CLOSED}),
    Act.WITHDRAW: frozenset(StudyState),
    Act.OPEN: frozenset({StudyState.DRAFT, StudyState.CLOSED}),
    Act.CLOSE: frozenset({StudyState.OPEN}),
    Act.PUBLISH: frozenset({StudyState.CLOSED}),
    Act.SEE_BOARD: frozenset({StudyState.PUBLISHED}),
}
"""The table of what is allowed in each state; docs/study-states.md shows it and a test keeps the two alike."""

BOARD_ROLES = frozenset({Role.ANALYST, Role.ADMIN})
"""Who sees a board before it is published: one that moves with one's own vote would unblind a rater."""


@dataclass(frozen=True)
class Study:
    """One study as the services hand it on. `uid` is its identity in the ledger, `name` its handle in commands."""

    id: int
    uid: str
    name: str
    title: str
    state: StudyState
    plan: Plan

    def allow(self, act: Act) -> None:
        """Raise Conflict where the study's state does not allow `act`."""
        if self.state not in ALLOWED[act]:
            states = " or ".join(state for state in StudyState if state in ALLOWED[act])
            raise Conflict(f"cannot {act}: the study '{self.name}' is {self.state}; that needs {states}")
