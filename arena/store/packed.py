"""The votes as a board needs them: a table of numbers, kept packed beside the rows from which it is made.

A row of `packed_votes` is a copy of all votes of one source behind one entry of the ledger up to another. Copies are
read as far as each goes on where the one before ended; what is not copied yet is read from `vote`. Votes are
append-only and enter a study in the order of the ledger, so that a copy never grows old, and all who make one make the
same (`store.packing`). It holds numbers of rows only, and may be deleted at any time. Where one was cut, the rows are
read in its place; one that is whole and holds what no vote can is not believed, and no board is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, cast, func, select, type_coerce
from sqlalchemy.types import NullType

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
_PAGE = 10_000  # rows fetched in one go: some 3 MB
_NEWEST = 2**62

AS_STORED: ColumnElement[object] = type_coerce(PackedVotes.body, NullType())
"""The body as the driver gives it: SQLite keeps text in a column of bytes, where somebody puts it there."""
REMEDY = "`arena audit` tells more; the rows of packed_votes are copies and may be deleted"


class Stretch(NamedTuple):
    """Which votes a copy holds: those behind the entry `after` up to `last`, and how many they are."""

    after: int
    last: int
    votes: int


def ballots(tx: Transaction, study_id: int, source: str, *, up_to: int = _NEWEST) -> Table:
    """The votes of a study from one source up to an entry, as they were cast, in the order of the ledger.

    Shape (votes,), of COLUMNS. Raises LedgerBroken for a choice that is none, and a copy that holds what no vote can.
    """
    stretches = [copy for copy in copies(tx, study_id, source) if copy.after < up_to]
    behind = {"study": study_id, "source": source, "after": stretches[-1].last if stretches else 0, "last": up_to}
    found = np.empty(sum(copy.votes for copy in stretches) + (tx.scalar(_number(), behind) or 0), COLUMNS)
    done = 0
    for part in chain(_bodies(tx, study_id, source, stretches), _pages(tx, behind)):
        found[done : done + len(part)] = part
        done += len(part)
    return found[: np.searchsorted(found["seq"], up_to, side="right")]


def copies(tx: Transaction, study_id: int, source: str) -> list[Stretch]:
    """The copies from the first vote on that are not cut, as far as each goes on where the one before ended."""
    found: list[Stretch] = []
    for after, last, size in tx.execute(_stretches(), {"study": study_id, "source": source}):
        if after == (found[-1].last if found else 0):
            found.append(Stretch(after, last, size // COLUMNS.itemsize))
    return found


def is_whole() -> ColumnElement[bool]:
    """Whether a row of the table may be a copy: it has votes, none of them cut."""
    size = func.length(PackedVotes.body)
    return and_(size > 0, size % COLUMNS.itemsize == 0, PackedVotes.last_seq > PackedVotes.after_seq)


def rows(tx: Transaction, study_id: int, source: str, *, after: int, last: int) -> Table:
    """The votes of one source behind one entry up to another, from their rows.

    Raises LedgerBroken for a choice that is none.
    """
    pages = list(_pages(tx, {"study": study_id, "source": source, "after": after, "last": last}))
    return np.concatenate(pages) if pages else np.empty(0, COLUMNS)


def _pages(tx: Transaction, behind: dict[str, Any]) -> Iterator[Table]:
    """The same page by page: a vote takes ten times the room while it is a row of Python's."""
    after = behind["after"]
    while cells := tx.execute(_plain(), behind | {"after": after, "size": _PAGE}).all():
        yield _table(np.fromiter(chain.from_iterable(cells), np.int64).reshape(len(cells), len(_NAMES)))
        after = cells[-1][0]


def _table(numbers: npt.NDArray[np.int64]) -> Table:
    found = np.empty(len(numbers), COLUMNS)
    if numbers[:, 1:].max(initial=0) > _LARGEST:
        raise Incomplete(f"the database has given a row a number above {_LARGEST:,}: such votes cannot be counted")
    for at, name in enumerate(_NAMES):
        found[name] = numbers[:, at]
    if (unknown := found["choice"] == _UNKNOWN).any():
        seq = int(found["seq"][np.argmax(unknown)])
        raise LedgerBroken(seq, f"its row in the database has a choice that is none of {', '.join(Choice)}")
    return found


def _bodies(tx: Transaction, study_id: int, source: str, stretches: list[Stretch]) -> Iterator[Table]:
    """The votes of each copy. Raises LedgerBroken."""
    query = select(AS_STORED).where(PackedVotes.study_id == study_id, PackedVotes.source == source)
    for start in range(0, len(stretches), _AT_ONCE):
        page = stretches[start : start + _AT_ONCE]
        query_of = query.where(PackedVotes.after_seq.in_([copy.after for copy in page]))
        for copy, body in zip(page, tx.scalars(query_of.order_by(PackedVotes.after_seq)), strict=True):
            if not isinstance(body, bytes) or not _is_possible(votes := np.frombuffer(body, COLUMNS), copy):
                which = f"the packed copy of the votes from {source!r} behind entry {copy.after}"
                raise LedgerBroken(0, f"{which} holds what no vote can; {REMEDY}")
            yield votes


def _is_possible(votes: Table, copy: Stretch) -> bool:
    """Whether a copy can be one of votes behind its first entry up to its last."""
    seq = votes["seq"]
    return bool(
        seq[0] > copy.after
        and seq[-1] == copy.last
        and (seq[1:] > seq[:-1]).all()
        and (votes["choice"] < len(CHOICES)).all()
        and (votes["simulated"].view(np.uint8) <= 1).all()
    )


@cache
def _stretches() -> Select[*tuple[Any, ...]]:
    query = select(PackedVotes.after_seq, PackedVotes.last_seq, func.length(PackedVotes.body))
    query = query.where(PackedVotes.study_id == bindparam("study"), PackedVotes.source == bindparam("source"))
    return query.where(is_whole()).order_by(PackedVotes.after_seq)


@cache
def _plain() -> Select[*tuple[Any, ...]]:
    choice = case({str(word): number for number, word in enumerate(CHOICES)}, value=Vote.choice, else_=_UNKNOWN)
    question, rater = func.coalesce(Vote.question_id, 0), func.coalesce(Vote.rater_id, 0)
    simulated = cast(Vote.simulated, Integer)
    query = select(Vote.seq, question, Vote.contender_a_id, Vote.contender_b_id, rater, choice, simulated)
    return query.where(_behind()).order_by(Vote.seq).limit(bindparam("size"))


@cache
def _number() -> Select[int]:
    return select(func.count()).select_from(Vote).where(_behind())


def _behind() -> ColumnElement[bool]:
    of = and_(Vote.study_id == bindparam("study"), Vote.source == bindparam("source"))
    return and_(of, Vote.seq > bindparam("after"), Vote.seq <= bindparam("last"))
