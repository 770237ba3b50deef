"""The votes as a board needs them: a table of numbers, kept packed beside the rows from which it is made.

A row of `packed_votes` is a copy of all votes of one source behind one entry of the ledger up to another. Copies are
read as far as each goes on where the one before ended; what is not copied yet is read from `vote`. Votes are
append-only and enter a study in the order of the ledger, so that a copy never grows old, and all who make one make the
same (`store.packing`). It holds numbers of rows only, and may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Integer, Select, bindparam, case, cast, func, select

from arena.domain.ledger import LedgerBroken
from arena.domain.vocabulary import Choice
from arena.errors import Incomplete
from arena.store.engine import Transaction
from arena.store.tables import PackedVotes, Vote

CHOICES = (
    Choice.A_MUCH_BETTER,
    Choice.A_BETTER,
    Choice.TIE_GOOD,
    Choice.TIE_BAD,
    Choice.B_BETTER,
    Choice.B_MUCH_BETTER,
    Choice.CANNOT_JUDGE,
)
"""What the numbers of choices stand for. They are stored: the order stays as it is."""
_NAMES = ("seq", "question", "a", "b", "rater", "choice", "simulated")
COLUMNS: np.dtype[np.void] = np.dtype(list(zip(_NAMES, ("<i8", "<u4", "<u4", "<u4", "<u4", "u1", "?"), strict=True)))
"""A vote: its entry, the numbers of the rows that it names (0: none), and the place of its choice in CHOICES."""
Table = npt.NDArray[np.void]

_UNKNOWN = 255
_LARGEST = 2**32 - 1
_AT_ONCE = 50  # copies fetched in one go: some 15 MB
_NEWEST = 2**62


class Stretch(NamedTuple):
    """Which votes a copy holds: those behind the entry `after` up to `last`, and how many they are."""

    after: int
    last: int
    votes: int


def ballots(tx: Transaction, study_id: int, source: str, *, up_to: int = _NEWEST) -> Table:
    """The votes of a study from one source up to an entry, as they were cast, in the order of the ledger.

    Shape (votes,), of COLUMNS. Raises LedgerBroken for a choice that is none.
    """
    stretches = [copy for copy in copies(tx, study_id, source) if copy.after < up_to]
    rest = rows(tx, study_id, source, after=stretches[-1].last if stretches else 0, last=up_to)
    found = np.empty(sum(copy.votes for copy in stretches) + len(rest), COLUMNS)
    done = 0
    for body in _bodies(tx, study_id, source, stretches):
        found[done : done + len(body)] = body
        done += len(body)
    found[done:] = rest
    return found[: np.searchsorted(found["seq"], up_to, side="right")]


def copies(tx: Transaction, study_id: int, source: str) -> list[Stretch]:
    """The copies from the first vote on, as far as each goes on where the one before ended."""
    found: list[Stretch] = []
    for after, last, size in tx.execute(_stretches(), {"study": study_id, "source": source}):
        if after == (found[-1].last if found else 0) and size % COLUMNS.itemsize == 0:
            found.append(Stretch(after, last, size // COLUMNS.itemsize))
    return found


def rows(tx: Transaction, study_id: int, source: str, *, after: int, last: int) -> Table:
    """The votes of one source behind one entry up to another, from their rows. Raises LedgerBroken as `ballots`."""
    cells = tx.execute(_plain(), {"study": study_id, "source": source, "after": after, "last": last}).all()
    numbers = np.fromiter(chain.from_iterable(cells), np.int64).reshape(len(cells), len(_NAMES))
    found = np.empty(len(cells), COLUMNS)
    if numbers[:, 1:].max(initial=0) > _LARGEST:
        raise Incomplete(f"the database has given a row a number above {_LARGEST:,}: such votes cannot be counted")
    for at, name in enumerate(_NAMES):
        found[name] = numbers[:, at]
    if (unknown := found["choice"] == _UNKNOWN).any():
        seq = int(found["seq"][np.argmax(unknown)])
        raise LedgerBroken(seq, f"its row in the database has a choice that is none of {', '.join(Choice)}")
    return found


def _bodies(tx: Transaction, study_id: int, source: str, stretches: list[Stretch]) -> Iterator[Table]:
    query = select(PackedVotes.body).where(PackedVotes.study_id == study_id, PackedVotes.source == source)
    for start in range(0, len(stretches), _AT_ONCE):
        page = [copy.after for copy in stretches[start : start + _AT_ONCE]]
        for body in tx.scalars(query.where(PackedVotes.after_seq.in_(page)).order_by(PackedVotes.after_seq)):
            yield np.frombuffer(body, COLUMNS)


@cache
def _stretches() -> Select[*tuple[Any, ...]]:
    query = select(PackedVotes.after_seq, PackedVotes.last_seq, func.length(PackedVotes.body))
    query = query.where(PackedVotes.study_id == bindparam("study"), PackedVotes.source == bindparam("source"))
    return query.order_by(PackedVotes.after_seq)


@cache
def _plain() -> Select[*tuple[Any, ...]]:
    choice = case({str(word): number for number, word in enumerate(CHOICES)}, value=Vote.choice, else_=_UNKNOWN)
    question, rater = func.coalesce(Vote.question_id, 0), func.coalesce(Vote.rater_id, 0)
    simulated = cast(Vote.simulated, Integer)
    query = select(Vote.seq, question, Vote.contender_a_id, Vote.contender_b_id, rater, choice, simulated)
    query = query.where(Vote.study_id == bindparam("study"), Vote.source == bindparam("source"))
    return query.where(Vote.seq > bindparam("after"), Vote.seq <= bindparam("last")).order_by(Vote.seq)
