"""What the rules of the state machine draw from, and the places where a crash may come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import event

from arena.domain.blinding import Ballot
from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.services import studies
from arena.store import access as seats
from arena.store import changes, ledger, matchups, pairings, raters, votes
from arena.store import studies as studies_
from arena.store.engine import Database
from tests.reliability.record_model import ANSWERED, CHOICES, Words

Row = dict[str, object]
Fault = tuple[Any, str, bool] | None
"""A function of the store, and whether the crash comes after it; no name: at the commit."""

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
FAULTS: list[tuple[Any, str]] = [
    (ledger, "append"),
    (ledger, "store"),
    (ledger, "seal"),
    (ledger, "erase"),
    (votes, "add"),
    (votes, "add_cast"),
    (changes, "add"),
    (changes, "withdraw"),
    (matchups, "add"),
    (matchups, "claim"),
    (matchups, "settle"),
    (matchups, "release"),
    (matchups, "release_expired"),
    (pairings, "make"),
    (raters, "add"),
    (raters, "add_missing"),
    (seats, "add_seat"),
    (seats, "add_session"),
    (seats, "consent"),
    (seats, "revoke_seat"),
    (seats, "erase_identity"),
    (studies_, "update"),
]
TEXTS = {(question, name): f"{name} on {question}" for question, names in ANSWERED.items() for name in names}
SIDES = {text: key for key, text in TEXTS.items()}
LOADS = [{"id": "own-1", "question_id": "q0", "model_a": "alpha", "model_b": "beta", "winner": "model_a"}]
FILES: list[tuple[str, list[Row]]] = [
    (
        "human",
        [
            {**LOADS[0], "rater": "carol", "comment": "why", "arm": 2},
            {"question_id": "q1", "model_a": "beta", "model_b": "gamma", "winner": "tie (bothbad)", "rater": "dora"},
        ],
    ),
    (
        "human",
        [
            {**LOADS[0], "rater": "carol", "comment": "another"},
            {"id": "own-2", "model_a": "gamma", "model_b": "alpha", "winner": "tie", "simulated": True},
        ],
    ),
    ("human", [{**LOADS[0], "rater": "carol", "winner": "model_b"}]),
    ("human", [{"model_a": "alpha", "model_b": "gamma", "winner": "model_b", "rater": "carol"}]),
    ("human", [{"model_a": "alpha", "model_b": "delta", "winner": "model_b"}]),
    ("human", [{"question_id": "q2", "model_a": "alpha", "model_b": "gamma", "winner": "tie"}]),
    ("human", [{"model_a": "alpha", "model_b": "beta", "winner": "tie", "rater": "SEAT"}]),
    ("judge:x", [{**LOADS[0], "rater": "carol"}]),
    (
        "judge:x",
        [
            {"question_id": "q2", "model_a": "beta", "model_b": "alpha", "winner": "model_a", "comment": "long"},
            {"question_id": "q2", "model_a": "beta", "model_b": "alpha", "winner": "model_a"},
            {"model_a": "beta", "model_b": "gamma", "choice": "cannot_judge", "reason": "other", "id": "j"},
        ],
    ),
]
SETTINGS: list[tuple[str, Any]] = [
    ("pair_policy", "active"),
    ("pair_policy", "balanced"),
    ("raters_per_pairing", 1),
    ("raters_per_pairing", 2),
    ("raters_per_pairing", 3),
    ("claim_minutes", 5),
    ("claim_minutes", 60),
    ("withdrawal", "keep_votes"),
    ("withdrawal", "withdraw_votes"),
    ("reveal", "when_published"),
    ("choices", list(CHOICES)),
    ("choices", [choice for choice in CHOICES if choice != "tie_bad"]),
]
MOVES = {
    "open": (studies.open_, ("draft", "closed"), "open"),
    "close": (studies.close, ("open",), "closed"),
    "publish": (studies.publish, ("closed",), "published"),
}

number = st.integers(0, 40)
comment = st.sampled_from([None, None, "fine", "=1+1", " Übel –\r\n🙂 ", ""])
ballot: st.SearchStrategy[Words] = st.one_of(
    st.tuples(st.sampled_from(CHOICES), st.just("other"), comment),
    st.tuples(st.sampled_from(CHOICES), st.just("other"), comment),
    st.tuples(st.sampled_from(CHOICES), st.sampled_from([None, "other"]), st.sampled_from(["x" * 2001, "a\0b", None])),
)
turns = st.tuples(number, number, ballot)
"""Who votes, the seed of the assignment, and the ballot."""
mostly = st.sampled_from([True, True, True, False])
seldom = st.sampled_from([False, False, True])


class Crash(Exception):
    """The process died here."""


@contextmanager
def failing(db: Database, fault: Fault) -> Iterator[None]:
    """Let what the fault names raise Crash while the block runs."""
    if fault is None:
        yield
        return
    module, name, is_after = fault
    if not name:
        event.listen(db.engine, "commit", _crash)
        try:
            yield
        finally:
            event.remove(db.engine, "commit", _crash)
        return
    original = getattr(module, name)

    def fails(*args: Any, **kwargs: Any) -> Any:
        if is_after:
            original(*args, **kwargs)
        raise Crash

    setattr(module, name, fails)
    try:
        yield
    finally:
        setattr(module, name, original)


def _crash(_: object) -> None:
    raise Crash


def ballot_on(token: str, words: Words) -> Ballot:
    """A ballot of these words."""
    choice, reason, comment = words
    return Ballot(token, Choice(choice), CannotJudgeReason(reason) if reason else None, comment)
