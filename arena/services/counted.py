"""The votes that count, as columns: of a study in the database, of an exported ledger, or of a file of votes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from arena.domain.history import History
from arena.domain.ledger import Head, Kind
from arena.domain.reading import take
from arena.domain.records import VoteRecord
from arena.domain.study import Study
from arena.domain.votes import Vote, VoteChange, as_it_stands
from arena.errors import BadInput, Conflict
from arena.services.exclusions import tally
from arena.services.files import Records, parse_votes
from arena.services.imports import stated_source
from arena.services.ledgerfile import LedgerFile
from arena.store import changes, content, ledger, votes
from arena.store.engine import Database, Transaction

Changes = Mapping[int, Sequence[VoteChange]]
COLUMNS = ("model_a", "model_b", "winner", "question_id", "rater")


@dataclass
class Counted:
    """The counted votes of one source as columns, and what is to be said about where they come from.

    The columns are of one length, in the order in which the votes were cast. `categories` leads from questions to their
    category; `others` are further sources that have votes.
    """

    source: str
    study: str | None = None
    head: Head | None = None
    contenders: list[str] = field(default_factory=list)
    categories: dict[str, str | None] = field(default_factory=dict)
    model_a: list[str] = field(default_factory=list)
    model_b: list[str] = field(default_factory=list)
    winner: list[str] = field(default_factory=list)
    question_id: list[str | None] = field(default_factory=list)
    rater: list[str | None] = field(default_factory=list)
    simulated: list[bool] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    withdrawn: int = 0
    excluded: Counter[str] = field(default_factory=Counter)

    def columns(self, rows: Sequence[int] | None = None) -> dict[str, list[str] | list[str | None]]:
        """The columns as `arena.ratings` takes them, of all votes or of some."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return columns if rows is None else {name: [column[row] for row in rows] for name, column in columns.items()}

    def category(self, row: int) -> str | None:
        """The category of the question of a vote."""
        question = self.question_id[row]
        return None if question is None else self.categories.get(question)

    def require_votes(self) -> None:
        """Raises Conflict, with the reason, where no vote counts."""
        if not self.winner:
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

    def add(self, vote: Vote | VoteRecord, question: str | None) -> None:
        """Take a vote in, where it states a preference or a tie."""
        if (winner := vote.choice.winner) is not None:
            self.model_a.append(vote.model_a)
            self.model_b.append(vote.model_b)
            self.winner.append(winner)
            self.question_id.append(question)
            self.rater.append(vote.rater)
            self.simulated.append(vote.simulated)

    def add_cast(self, cast: Iterable[Vote], changes: Changes, reasons: Mapping[int, str]) -> None:
        """Take recorded votes in as they stand, where they are of this source; count what was set aside, and why."""
        changed = []
        for vote in cast:
            if vote.source != self.source:
                self.others.add(vote.source)
                continue
            made = changes.get(vote.seq, ())
            if made:
                changed.append(made)
            standing = as_it_stands(vote, made)
            if standing is not None:
                self.add(standing, standing.question)
        self.withdrawn, self.excluded = tally(changed, reasons)


def of_study(db: Database, study: Study, source: str, *, at: int | None = None) -> Counted:
    """The votes of a study up to the ledger position `at`, or all. Raises BadInput for a position that is not there."""
    with db.read() as tx:
        head = ledger.chain_of(tx, study.id).head
        _check_position(at, head)
        if at is not None:
            head = Head(at, ledger.entry_hash(tx, study.id, at))
        found = Counted(source, study=study.name, head=head, categories=_categories(tx, study.id))
        found.contenders = [record.name for seq, record in content.contenders(tx, study.id) if seq <= head.position]
        cast = (vote for vote in votes.votes(tx, study.id) if vote.seq <= head.position)
        made = changes.changes(tx, study.id, up_to=head.position)
        found.add_cast(cast, made, ledger.reasons(tx, study.id, Kind.EXCLUSION))
        return found


def of_ledger(file: BinaryIO, name: str, source: str, *, at: int | None = None) -> Counted:
    """The votes of an exported ledger, which is checked while it is read. Raises LedgerBroken besides."""
    exported = LedgerFile(file, name)
    history, head = History(), exported.header.head
    for found in exported:
        if at is None or found.entry.seq <= at:
            take(history, found.entry)
            head = Head(found.linked.seq, found.linked.hash)
    _check_position(at, exported.header.head)
    counted = Counted(
        source, study=history.name, head=head, contenders=history.contenders, categories=history.categories
    )
    counted.add_cast(history.votes, history.changes, history.reasons)
    return counted


def of_votes(records: Records, source: str, *, grouped: bool = False) -> Counted:
    """The votes of a file, without any study; `grouped` by the file's column `category`, each needs a question.

    Votes whose column `source` states another source are left out, as in our own exports.
    """
    found = Counted(source)
    with records:
        for located in parse_votes(records, name=records.name, digest=records.digest):
            vote = located.record
            stated = stated_source(vote)
            if stated not in (None, source):
                found.others.add(str(stated))
                continue
            category = json.loads(vote.extra).get("category") if grouped else None
            if grouped and vote.question_id is None:
                raise BadInput(f"{records.name}, {located.where}: --by needs a question_id in every vote")
            if vote.question_id is not None:
                found.categories[vote.question_id] = category if isinstance(category, str) else None
            found.add(vote, vote.question_id)
    return found


def _categories(tx: Transaction, study_id: int) -> dict[str, str | None]:
    return {record.id: record.category for _, record in content.questions(tx, study_id)}


def _check_position(at: int | None, head: Head) -> None:
    if at is not None and not 1 <= at <= head.position:
        raise BadInput(f"--at {at}: the ledger has the positions 1 to {head.position}")
