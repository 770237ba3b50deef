"""Agreement of all raters, people and judges, of a study in the database or of files of votes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from arena.domain.records import VoteRecord
from arena.domain.study import Study
from arena.domain.vocabulary import HUMAN
from arena.errors import Conflict
from arena.ratings import Progress
from arena.ratings.agreement.comparing import agreement
from arena.ratings.agreement.labels import BothBadLabel, Even
from arena.ratings.agreement.result import Agreement
from arena.services import counted
from arena.services.counted import Counted
from arena.services.files import Records, parse_votes
from arena.services.imports import check_source, stated_source
from arena.services.leaderboard import NO_VALUE
from arena.store import votes
from arena.store.engine import Database

Field = Literal["category"]


@dataclass(frozen=True)
class AgreementRequest:
    """The settings of `arena.ratings.agreement.comparing.agreement`; axes are told of wherever votes state them."""

    by: Field | None = None
    both_bad: BothBadLabel = "tie"
    rounds: int = 1000
    level: float = 0.95
    seed: int = 0


@dataclass
class _Columns:
    """The votes of all sources as columns of one length, and what is to be said about them."""

    model_a: list[str] = field(default_factory=list)
    model_b: list[str] = field(default_factory=list)
    winner: list[str] = field(default_factory=list)
    question_id: list[str | None] = field(default_factory=list)
    rater: list[str | None] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    axis: list[str | None] = field(default_factory=list)
    categories: dict[str, str] = field(default_factory=dict)
    simulated: int = 0
    notes: list[str] = field(default_factory=list)

    def add_counted(self, found: Counted) -> None:
        """Take in all votes of one source of a study."""
        columns = found.columns()
        for name, column in columns.items():
            getattr(self, name).extend(column)
        added = len(columns["winner"])
        self.source.extend([found.source] * added)
        self.axis.extend([None] * added)
        self.categories.update({key: value for key, value in found.categories.items() if value is not None})
        self.simulated += int(sum(found.simulated))
        self.notes.extend(f"{found.source}: {note}" for note in found.notes)

    def add_record(self, vote: VoteRecord, source: str) -> None:
        """Take in one vote of a file, where it states a preference or a tie."""
        if (winner := vote.choice.winner) is None:
            return
        extra = json.loads(vote.extra)
        category, axis = extra.get("category"), extra.get("axis")
        self.model_a.append(vote.model_a)
        self.model_b.append(vote.model_b)
        self.winner.append(winner)
        self.question_id.append(vote.question_id)
        self.rater.append(vote.rater)
        self.source.append(source)
        self.axis.append(axis if isinstance(axis, str) and axis else None)
        if vote.question_id is not None and isinstance(category, str) and category:
            self.categories.setdefault(vote.question_id, category)
        self.simulated += vote.simulated

    def agreement(
        self, request: AgreementRequest, progress: Progress | None, offered: Collection[Even] | None = None
    ) -> Agreement:
        """The agreement of these votes, with the notes before its own warnings."""
        if not self.winner:
            raise Conflict("; ".join(["there is no vote to compare yet", *self.notes]))
        names = ("model_a", "model_b", "winner", "question_id", "rater", "source", "axis")
        columns: dict[str, Sequence[object]] = {name: getattr(self, name) for name in names}
        by: list[Literal["category", "axis"]] = ["axis"] if any(self.axis) else []
        if request.by is not None:
            by.append(request.by)
            columns["category"] = self._category()
        found = agreement(
            columns,
            by=by,
            both_bad=request.both_bad,
            offered=offered,
            rounds=request.rounds,
            level=request.level,
            seed=request.seed,
            progress=progress,
        )
        notes = [f"{self.simulated} of the {len(self.winner)} votes are simulated."] if self.simulated else []
        return replace(found, warnings=(*self.notes, *notes, *found.warnings))

    def _category(self) -> list[str | None]:
        """The category of each vote's question, whichever file states it; all null where none does."""
        if not self.categories:
            return [None] * len(self.winner)
        return [None if key is None else self.categories.get(key, NO_VALUE) for key in self.question_id]


def of_study(db: Database, study: Study, request: AgreementRequest, *, progress: Progress | None = None) -> Agreement:
    """The agreement of a study's raters of all sources, who are taken to have been offered what the plan offers.

    Raises Conflict without votes, BadInput as `agreement`.
    """
    with db.read() as tx:
        sources = [count.source for count in votes.tallies(tx, study.id)]
    columns, head = _Columns(), None
    for source in sources:  # all at the position of the first: votes may come in meanwhile
        found = counted.of_study(db, study, source, at=None if head is None else head.position)
        head = found.head
        columns.add_counted(found)
    winners = {choice.winner for choice in study.plan.choices}
    told = columns.agreement(request, progress, [even for even in get_args(Even) if even in winners])
    ledger = None if head is None else {"position": head.position, "head": head.hash}
    return replace(told, study=study.name, ledger=ledger)


def of_votes(
    files: Iterable[tuple[str | None, Records]], request: AgreementRequest, *, progress: Progress | None = None
) -> Agreement:
    """The agreement of raters in files of votes, each with the source that its votes are from.

    None: what each vote's column `source` states, or else people. Where a source is given, votes that state another are
    left out. Columns `category` and `axis` are taken where a vote has them.
    """
    columns = _Columns()
    for source, records in files:
        if source is not None:
            check_source(source)
        with records:
            parsed = parse_votes(records, name=records.name, digest=records.digest)
        left_out = 0
        for located in parsed:
            stated = stated_source(located.record)
            if source is not None and stated not in (None, source):
                left_out += 1
            else:
                columns.add_record(located.record, source or stated or HUMAN)
        if left_out:
            columns.notes.append(f"{records.name}: {left_out} of its votes state another source and are left out.")
    return columns.agreement(request, progress)
