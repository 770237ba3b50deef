"""The votes that count, as columns: of a study in the database, of an exported ledger, or of a file of votes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from arena.domain.history import History
from arena.domain.ledger import Head, LedgerBroken
from arena.domain.reading import take
from arena.domain.study import Study
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import VoteChange, as_it_stands, is_excluded
from arena.errors import BadInput, Conflict
from arena.ratings import Progress, Votes
from arena.ratings.comparisons.votes import OUTCOMES, from_codes
from arena.services.collecting import Collected
from arena.services.exclusions import reasons_of, tally
from arena.services.files import Records, each_vote
from arena.services.imports import stated_source
from arena.services.ledgerfile import LedgerFile
from arena.store import changes, content, ledger, packed, packing, raters, votes
from arena.store.engine import Database, Transaction

Column = npt.NDArray[Any]
_OUTCOME = np.array([OUTCOMES.index(c.winner) if c.winner else -1 for c in packed.CHOICES], dtype=np.int8)
"""What each of CHOICES is counted as; -1: nothing."""
_CANNOT_JUDGE = int(np.argmin(_OUTCOME))
_NOWHERE = -2


@dataclass(frozen=True, eq=False)
class Counted:
    """The counted votes of one source, in the order in which they were cast, and what is to be said about them.

    `simulated`, of shape (votes,), says which are. `categories` leads from questions to their category; `others` are
    the further sources that have votes, told where this one has none to count.
    """

    source: str
    votes: Votes
    simulated: npt.NDArray[np.bool_]
    study: str | None = None
    head: Head | None = None
    contenders: Sequence[str] = ()
    categories: Mapping[str, str | None] = field(default_factory=dict)
    others: AbstractSet[str] = frozenset()
    withdrawn: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many votes count."""
        return len(self.votes.a)

    def columns(self, rows: Sequence[int] | None = None) -> dict[str, Column]:
        """The names of all votes or of some, as columns that `arena.ratings` takes; `votes` is taken sooner."""
        taken = self.votes if rows is None else self.votes.chosen(np.asarray(rows, dtype=np.intp))
        return {
            "model_a": _named(taken.contenders, taken.a),
            "model_b": _named(taken.contenders, taken.b),
            "winner": _named(OUTCOMES, taken.outcome),
            "question_id": _named(taken.questions, taken.question, len(taken.a)),
            "rater": _named(taken.raters, taken.rater, len(taken.a)),
        }

    def category(self, row: int) -> str | None:
        """The category of the question of a vote."""
        number = -1 if self.votes.question is None else int(self.votes.question[row])
        return None if number < 0 else self.categories.get(self.votes.questions[number])

    def by_category(self, otherwise: str) -> dict[str, npt.NDArray[np.intp]]:
        """The rows of the votes of each category, sorted; `otherwise` is that of questions without one."""
        of_question = [self.categories.get(question) or otherwise for question in self.votes.questions]
        words = sorted({*of_question, otherwise})
        number = np.array([words.index(word) for word in [*of_question, otherwise]])  # the last is where -1 points to
        of = number[-1 if self.votes.question is None else self.votes.question]
        rows = {word: np.flatnonzero(np.broadcast_to(of == at, len(self))) for at, word in enumerate(words)}
        return {word: of_word for word, of_word in rows.items() if len(of_word)}

    def require_votes(self) -> None:
        """Raises Conflict, with the reason, where no vote counts."""
        if not len(self):
            other = f"; there are votes from {', '.join(sorted(self.others))}" if self.others else ""
            aside = "".join(f"; {note}" for note in self.notes)
            raise Conflict(f"there is no vote to count from '{self.source}' yet{other}{aside}")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the votes that are not counted."""
        notes = [
            f"{count} {'vote is' if count == 1 else 'votes are'} excluded: {reason}"
            for reason, count in sorted(self.excluded.items())
        ]
        if self.withdrawn:
            notes.append(f"{self.withdrawn} {'vote was' if self.withdrawn == 1 else 'votes were'} withdrawn by raters.")
        return tuple(notes)


def keep_packed(db: Database, study: Study, source: str, progress: Progress) -> None:
    """Have the votes of a source kept in the form in which `of_study` reads them fastest, where that is possible.

    `progress(done, total)` is told the votes that were packed now.
    """
    packing.keep(db, study.id, source, report=progress)


def of_study(db: Database, study: Study, source: str, *, at: int | None = None) -> Counted:
    """The votes of a study up to the ledger position `at`, or all.

    Raises BadInput for a position that is not there, and LedgerBroken for votes that cannot be (see `store.packed`).
    """
    with db.read() as tx:
        head = ledger.chain_of(tx, study.id).head
        _check_position(at, head)
        if at is not None:
            head = Head(at, ledger.entry_hash(tx, study.id, at))
        cast = packed.ballots(tx, study.id, source, up_to=head.position)
        made = _own(changes.changes(tx, study.id, up_to=head.position), cast["seq"])
        outcome = _OUTCOME[_standing(cast, made)]
        if len(counting := np.flatnonzero(outcome >= 0)) < len(cast):
            cast, outcome = cast[counting], outcome[counting]
        withdrawn, excluded = tally(made.values(), reasons_of(tx, study.id, made.values()))
        return Counted(
            source,
            _named_votes(tx, study.id, cast, outcome),
            cast["simulated"].copy(),
            study=study.name,
            head=head,
            contenders=[record.name for seq, record in content.contenders(tx, study.id) if seq <= head.position],
            categories=content.categories(tx, study.id),
            others=frozenset() if len(cast) else votes.sources(tx, study.id, up_to=head.position) - {source},
            withdrawn=withdrawn,
            excluded=excluded,
        )


def of_ledger(file: BinaryIO, name: str, source: str, *, at: int | None = None) -> Counted:
    """The votes of an exported ledger, which is checked while it is read. Raises LedgerBroken besides."""
    exported = LedgerFile(file, name)
    history, head = History(), exported.header.head
    for found in exported:
        if at is None or found.entry.seq <= at:
            take(history, found.entry)
            head = Head(found.linked.seq, found.linked.hash)
    _check_position(at, exported.header.head)
    own, collected = {vote.seq for vote in history.votes if vote.source == source}, Collected()
    for vote in history.votes:
        if vote.source == source:
            standing = as_it_stands(vote, history.changes.get(vote.seq, ()))
            if standing is not None:
                collected.add(standing, standing.question)
    made = (of_vote for seq, of_vote in history.changes.items() if seq in own)
    withdrawn, excluded = tally(made, history.reasons)
    return Counted(
        source,
        collected.votes,
        collected.simulated,
        study=history.name,
        head=head,
        contenders=history.contenders,
        categories=history.categories,
        others={vote.source for vote in history.votes} - {source},
        withdrawn=withdrawn,
        excluded=excluded,
    )


def of_votes(records: Records, source: str, *, grouped: bool = False) -> Counted:
    """The votes of a file, without any study; `grouped` by the file's column `category`, each needs a question.

    Votes whose column `source` states another source are left out, as in our own exports.
    """
    collected, categories, others = Collected(), dict[str, str | None](), set[str]()
    with records:
        for located in each_vote(records, name=records.name, digest=records.digest):
            vote = located.record
            stated = stated_source(vote)
            if stated not in (None, source):
                others.add(str(stated))
                continue
            category = _category_in(vote.extra) if grouped else None
            if grouped and vote.question_id is None:
                raise BadInput(f"{records.name}, {located.where}: --by needs a question_id in every vote")
            if vote.question_id is not None:
                categories[vote.question_id] = category
            collected.add(vote, vote.question_id)
    return Counted(source, collected.votes, collected.simulated, categories=categories, others=others)


@lru_cache
def _category_in(extra: str) -> str | None:
    """The same few further fields come in record after record."""
    category = json.loads(extra).get("category")
    return category if isinstance(category, str) else None


def _own(made: Mapping[int, Sequence[VoteChange]], seqs: npt.NDArray[np.int64]) -> dict[int, Sequence[VoteChange]]:
    """The changes of votes of these entries, in ascending order, by the place of the vote among them."""
    entries = np.fromiter(made, np.int64, len(made))
    place = np.searchsorted(seqs, entries)
    return {
        at: made[seq]
        for at, seq in zip(place.tolist(), entries.tolist(), strict=True)
        if at < len(seqs) and seqs[at] == seq
    }


def _standing(cast: packed.Table, made: Mapping[int, Sequence[VoteChange]]) -> npt.NDArray[np.uint8]:
    """The choice of each vote as its changes left it; of those that do not count, one that is never counted."""
    choice = cast["choice"].copy()
    for at, of_vote in made.items():
        words = [change.choice for change in of_vote if change.choice is not None]
        is_gone = any(change.kind is VoteChangeKind.WITHDRAWN for change in of_vote) or is_excluded(of_vote)
        if is_gone or words:
            choice[at] = _CANNOT_JUDGE if is_gone else packed.CHOICES.index(words[-1])
    return choice


def _named_votes(tx: Transaction, study_id: int, cast: packed.Table, outcome: npt.NDArray[np.int8]) -> Votes:
    contenders, questions = content.contender_ids(tx, study_id), content.question_ids(tx, study_id)
    people = raters.ids(tx, study_id)
    return from_codes(
        list(contenders),
        _places("contender", contenders, cast["seq"], cast["a"]),
        _places("contender", contenders, cast["seq"], cast["b"]),
        outcome,
        questions=list(questions),
        question=_places("question", questions, cast["seq"], cast["question"], needed=False),
        raters=list(people),
        rater=_places("rater", people, cast["seq"], cast["rater"], needed=False),
    )


def _places(
    what: str,
    rows: Mapping[str, int],
    seqs: npt.NDArray[np.int64],
    column: npt.NDArray[np.uint32],
    *,
    needed: bool = True,
) -> npt.NDArray[np.int32]:
    """Numbers of rows as places among `rows`, which leads from names to these; where none is `needed`, -1 for 0.

    Raises LedgerBroken for any other number, with the entry, of `seqs`, of the first vote that has one.
    """
    table = np.full(max(rows.values(), default=0) + 2, _NOWHERE, dtype=np.int32)  # the last is for all numbers above
    table[list(rows.values())] = np.arange(len(rows))
    table[0] = _NOWHERE if needed else -1
    places = table[np.minimum(column, len(table) - 1)]
    if (lost := places == _NOWHERE).any():
        seq = int(seqs[np.argmax(lost)])
        raise LedgerBroken(seq, f"its vote is counted for a {what} that the study does not have; {packed.REMEDY}")
    return places


def _named(names: Sequence[str], codes: Column | None, rows: int = 0) -> Column:
    """The names that the codes stand for; None for -1, and everywhere where there are no codes."""
    values = np.array([*names, None], dtype=object)
    return np.full(rows, None, dtype=object) if codes is None else values[codes]


def _check_position(at: int | None, head: Head) -> None:
    if at is not None and not 1 <= at <= head.position:
        raise BadInput(f"--at {at}: the ledger has the positions 1 to {head.position}")
