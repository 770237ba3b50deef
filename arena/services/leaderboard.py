"""Boards: of a study in the database, of a ledger file, or of a file of votes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Literal

from arena.domain.history import History
from arena.domain.ledger import Head, Kind
from arena.domain.reading import take
from arena.domain.records import VoteRecord
from arena.domain.study import Study
from arena.domain.vocabulary import HUMAN
from arena.domain.votes import Vote, VoteChange, as_it_stands
from arena.errors import BadInput, Conflict
from arena.ratings import Board, BothBad, Cluster, Estimand, IntervalMethod, Method, Progress, rate
from arena.reports.tables import Groups
from arena.services.exclusions import tally
from arena.services.files import Records, parse_counts, parse_votes
from arena.services.imports import stated_source
from arena.services.ledgerfile import LedgerFile
from arena.store import changes, content, ledger, votes
from arena.store.engine import Database, Transaction

Field = Literal["category"]
Changes = Mapping[int, Sequence[VoteChange]]
NO_VALUE = "(none)"
"""The group of the questions that have no value in the field that a board is grouped by."""


@dataclass(frozen=True)
class BoardRequest:
    """The settings of a board. `at` is the ledger position whose state is rated; None: the newest."""

    method: Method = "bradley-terry"
    rounds: int = 1000
    seed: int = 0
    level: float = 0.95
    anchor: tuple[str, float] | None = None
    source: str = HUMAN
    both_bad: BothBad = "half"
    by: Field | None = None
    at: int | None = None
    interval: IntervalMethod = "bootstrap"
    cluster: Cluster = "auto"
    estimand: Estimand = "questions-like-these"


@dataclass
class _Ballots:
    """The votes of one source as columns, and what a board says about where they come from."""

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

    def add(self, vote: Vote | VoteRecord, question: str | None) -> None:
        """Take a vote in, where it states a preference or a tie."""
        if (winner := vote.choice.winner) is not None:
            self.model_a.append(vote.model_a)
            self.model_b.append(vote.model_b)
            self.winner.append(winner)
            self.question_id.append(question)
            self.rater.append(vote.rater)
            self.simulated.append(vote.simulated)

    def add_cast(self, source: str, cast: Iterable[Vote], changes: Changes, reasons: Mapping[int, str]) -> None:
        """Take recorded votes in as they stand, where they are of `source`; count what was set aside, and why."""
        changed = []
        for vote in cast:
            if vote.source != source:
                self.others.add(vote.source)
                continue
            made = changes.get(vote.seq, ())
            if made:
                changed.append(made)
            standing = as_it_stands(vote, made)
            if standing is not None:
                self.add(standing, standing.question)
        self.withdrawn, self.excluded = tally(changed, reasons)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the board must know of the votes that it does not count."""
        notes = [
            f"{count} {'vote is' if count == 1 else 'votes are'} excluded: {reason}"
            for reason, count in sorted(self.excluded.items())
        ]
        if self.withdrawn:
            notes.append(f"{self.withdrawn} {'vote was' if self.withdrawn == 1 else 'votes were'} withdrawn by raters.")
        return tuple(notes)


def board(db: Database, study: Study, request: BoardRequest, *, progress: Progress | None = None) -> Board:
    """The board of a study's votes from one source. Raises Conflict where there is no vote, BadInput as `rate`."""
    return _board(_of_study(db, study, request), request, progress)


def grouped(
    db: Database, study: Study, request: BoardRequest, *, progress: Progress | None = None
) -> tuple[Board, Groups]:
    """The same, and one board for each value of `request.by`; in a group without ratings the reason stands instead."""
    return _grouped(_of_study(db, study, request), request, progress)


def of_ledger(
    source: BinaryIO, name: str, request: BoardRequest, *, progress: Progress | None = None
) -> tuple[Board, Groups]:
    """The board of an exported ledger, which is checked while it is read. Raises LedgerBroken besides."""
    file = LedgerFile(source, name)
    history, head = History(), file.header.head
    for found in file:
        if request.at is None or found.entry.seq <= request.at:
            take(history, found.entry)
            head = Head(found.linked.seq, found.linked.hash)
    _check_position(request.at, file.header.head)
    ballots = _Ballots(history.name, head, history.contenders, history.categories)
    ballots.add_cast(request.source, history.votes, history.changes, history.reasons)
    return _grouped(ballots, request, progress)


def of_votes(records: Records, request: BoardRequest, *, progress: Progress | None = None) -> tuple[Board, Groups]:
    """The board of a file of votes, without any study. A column `category` serves for `by`.

    Votes whose column `source` states another source than the request's are left out, as in our own exports.
    """
    if request.at is not None:
        raise BadInput("a file of votes has no ledger positions; leave out --at")
    ballots = _Ballots()
    with records:
        for located in parse_votes(records, name=records.name, digest=records.digest):
            vote = located.record
            stated = stated_source(vote)
            if stated not in (None, request.source):
                ballots.others.add(str(stated))
                continue
            category = json.loads(vote.extra).get("category") if request.by else None
            if request.by and vote.question_id is None:
                raise BadInput(f"{records.name}, {located.where}: --by needs a question_id in every vote")
            if vote.question_id is not None:
                ballots.categories[vote.question_id] = category if isinstance(category, str) else None
            ballots.add(vote, vote.question_id)
    return _grouped(ballots, request, progress)


def of_counts(records: Records, request: BoardRequest, *, progress: Progress | None = None) -> Board:
    """The board of a file of counts, which have no order and belong to no study."""
    if request.at is not None:
        raise BadInput("a file of counts has no ledger positions; leave out --at")
    if request.by is not None:
        raise BadInput("a file of counts has no categories; leave out --by")
    with records:
        columns = parse_counts(records, name=records.name)
    return _settled(columns, request, progress=progress)


def _of_study(db: Database, study: Study, request: BoardRequest) -> _Ballots:
    with db.read() as tx:
        head = ledger.chain_of(tx, study.id).head
        _check_position(request.at, head)
        if request.at is not None:
            head = Head(request.at, ledger.entry_hash(tx, study.id, request.at))
        ballots = _Ballots(study=study.name, head=head, categories=_categories(tx, study.id))
        ballots.contenders = [record.name for seq, record in content.contenders(tx, study.id) if seq <= head.position]
        cast = (vote for vote in votes.votes(tx, study.id) if vote.seq <= head.position)
        made = changes.changes(tx, study.id, up_to=head.position)
        ballots.add_cast(request.source, cast, made, ledger.reasons(tx, study.id, Kind.EXCLUSION))
        return ballots


def _categories(tx: Transaction, study_id: int) -> dict[str, str | None]:
    return {record.id: record.category for _, record in content.questions(tx, study_id)}


def _check_position(at: int | None, head: Head) -> None:
    if at is not None and not 1 <= at <= head.position:
        raise BadInput(f"--at {at}: the ledger has the positions 1 to {head.position}")


def _board(ballots: _Ballots, request: BoardRequest, progress: Progress | None) -> Board:
    if not ballots.winner:
        other = f"; there are votes from {', '.join(sorted(ballots.others))}" if ballots.others else ""
        aside = "".join(f"; {note}" for note in ballots.notes)
        raise Conflict(f"there is no vote to count from '{request.source}' yet{other}{aside}")
    rated = _rate(ballots, request, range(len(ballots.winner)), ballots.contenders, progress)
    return replace(rated, warnings=(*ballots.notes, *rated.warnings))


def _grouped(ballots: _Ballots, request: BoardRequest, progress: Progress | None) -> tuple[Board, Groups]:
    overall = _board(ballots, request, progress)
    if request.by is None:
        return overall, {}
    rows: dict[str, list[int]] = {}
    for row, question in enumerate(ballots.question_id):
        value = ballots.categories.get(question) if question is not None else None
        rows.setdefault(value or NO_VALUE, []).append(row)
    groups: dict[str, Board | str] = {}
    for value in sorted(rows):
        try:
            groups[value] = _rate(ballots, request, rows[value], [], None)
        except BadInput as error:
            groups[value] = str(error)
    return overall, groups


def _rate(
    ballots: _Ballots, request: BoardRequest, rows: Iterable[int], contenders: list[str], progress: Progress | None
) -> Board:
    rows = list(rows)
    names = ("model_a", "model_b", "winner", "question_id", "rater")
    rated = _settled(
        {name: [getattr(ballots, name)[row] for row in rows] for name in names},
        request,
        study=ballots.study,
        ledger={"position": ballots.head.position, "head": ballots.head.hash} if ballots.head else None,
        contenders=contenders,
        progress=progress,
    )
    simulated = sum(ballots.simulated[row] for row in rows)
    note = (f"{simulated} of the {len(rows)} votes are simulated.",) if simulated else ()
    return replace(rated, warnings=(*note, *rated.warnings), settings={**rated.settings, "source": request.source})


def _settled(
    columns: Mapping[str, Sequence[object]],
    request: BoardRequest,
    *,
    study: str | None = None,
    ledger: Mapping[str, object] | None = None,
    contenders: Sequence[str] = (),
    progress: Progress | None,
) -> Board:
    """The board of these columns with the settings of a request."""
    return rate(
        columns,
        method=request.method,
        interval=request.interval,
        cluster=request.cluster,
        estimand=request.estimand,
        rounds=request.rounds,
        seed=request.seed,
        level=request.level,
        anchor=request.anchor,
        both_bad=request.both_bad,
        study=study,
        ledger=ledger,
        contenders=contenders,
        progress=progress,
    )
