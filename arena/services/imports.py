"""Files into a study: all of a file or nothing of it, and the same file twice changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from arena.domain import ledger as chains
from arena.domain import payloads
from arena.domain.ledger import Draft, Kind, Sealed
from arena.domain.records import GENERATED, AnswerRecord, ContenderRecord, Located, QuestionRecord, VoteRecord
from arena.domain.study import Act
from arena.domain.votes import Vote, corrected
from arena.errors import BadInput, BadRecords, Problem
from arena.services.files import Records, parse_answers, parse_questions, parse_votes
from arena.services.studies import held
from arena.store import changes, content, ledger, packing, raters, votes
from arena.store.engine import Database, Transaction

T = TypeVar("T")

PROBLEMS_SHOWN = 10
IMPORTED = "imported"
"""The origin of contenders and raters that came in a file."""
_SOURCE = re.compile(r"human|judge:[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OWN_KEY = re.compile(r"id:((?:file:[0-9a-f]{64}:[0-9]+)|(?:matchup:[0-9a-f]{32}))")


@dataclass(frozen=True)
class Imported:
    """What an import did: how many records were new, how many the study had already."""

    what: str
    new: int
    known: int


def import_questions(db: Database, study_name: str, records: Records, *, now: datetime) -> Imported:
    """Add questions to a draft. Raises BadRecords, naming the records, or Conflict for the study's state."""
    with records:
        parsed = parse_questions(records, name=records.name, limit=PROBLEMS_SHOWN)
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.IMPORT_CONTENT)
        there = {record.id: record for _, record in content.questions(tx, study.id)}

        def known(record: QuestionRecord) -> bool | Problem:
            if record.id not in there:
                return False
            same = replace(record, extra="") == replace(there[record.id], extra="")
            same = same and _plain(record.extra) == _plain(there[record.id].extra)
            return same or Problem("", "id", f"the study has another question '{record.id}'")

        new = _new(parsed, known, records.name)
        if new:
            drafts = [Draft(Kind.QUESTION, payloads.question(record)) for record in new]
            seqs = _append(tx, study.id, "questions", records.digest, drafts, now)
            content.add_questions(tx, study.id, zip(seqs, new, strict=True))
        return Imported("questions", len(new), len(parsed) - len(new))


def import_answers(db: Database, study_name: str, records: Records, *, now: datetime) -> Imported:
    """Add answers to a draft, and the contenders that they name, marked `imported`. Raises as `import_questions`."""
    with records:
        parsed = parse_answers(records, name=records.name, limit=PROBLEMS_SHOWN)
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.IMPORT_CONTENT)
        questions = content.question_ids(tx, study.id)
        there = {(record.question_id, record.contender): record for _, record, _ in content.answers(tx, study.id)}
        made_here = {record.name for _, record in content.contenders(tx, study.id) if record.origin == GENERATED}

        def known(record: AnswerRecord) -> bool | Problem:
            if record.question_id not in questions:
                return Problem("", "question_id", f"the study has no question '{record.question_id}'")
            if record.contender in made_here and (record.question_id, record.contender) not in there:
                return Problem("", "contender", f"the answers of '{record.contender}' are made here (arena generate)")
            earlier = there.get((record.question_id, record.contender))
            if earlier is None:
                return False
            if earlier.text == record.text and _plain(earlier.provenance) == _plain(record.provenance):
                return True
            what = f"'{record.contender}' on the question '{record.question_id}'"
            return Problem("", "text", f"the study has another answer of {what}")

        new = _new(parsed, known, records.name)
        if new:
            names = sorted({record.contender for record in new} - content.contender_ids(tx, study.id).keys())
            contenders = [ContenderRecord(name, IMPORTED) for name in names]
            drafts = [Draft(Kind.CONTENDER, payloads.contender(record)) for record in contenders]
            drafts += [Draft(Kind.ANSWER, payloads.answer(record)) for record in new]
            seqs = _append(tx, study.id, "answers", records.digest, drafts, now)
            content.add_contenders(tx, study.id, zip(seqs, contenders, strict=False))
            content.add_answers(tx, study.id, zip(seqs[len(names) :], new, strict=True))
        return Imported("answers", len(new), len(parsed) - len(new))


def import_votes(db: Database, study_name: str, records: Records, *, source: str, now: datetime) -> Imported:
    """Add votes that were cast elsewhere, as `human` or `judge:NAME`. Raises as `import_questions`."""
    check_source(source)
    with records:
        parsed = parse_votes(records, name=records.name, digest=records.digest, limit=PROBLEMS_SHOWN)
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.IMPORT_VOTES)
        check = _VoteCheck(tx, study.id, source)
        new = _new(parsed, check.known, records.name)
        if new:
            cast = [check.vote(record) for record in new]
            sealed = [_sealed(record) for record in new]
            drafts = [
                Draft(Kind.VOTE, payloads.recorded_vote(vote, chains.nonce(), texts))
                for vote, texts in zip(cast, sealed, strict=True)
            ]
            seqs = _append(tx, study.id, "votes", records.digest, drafts, now)
            raters.add_missing(tx, study.id, {vote.rater for vote in cast if vote.rater is not None}, IMPORTED)
            votes.add(tx, study.id, [replace(vote, seq=seq) for vote, seq in zip(cast, seqs, strict=True)])
            named = ((seq, name, text) for seq, texts in zip(seqs, sealed, strict=True) for name, text in texts.items())
            ledger.seal(tx, study.id, named)
            packing.pack(tx, study.id, source)
        return Imported("votes", len(new), len(parsed) - len(new))


def check_source(source: str) -> None:
    """Raises BadInput for what is neither `human` nor `judge:NAME`."""
    if not _SOURCE.fullmatch(source):
        raise BadInput(f"'{source}' is not a source of votes: use human, or judge:NAME with a name of a-z, 0-9, . _ -")


def stated_source(record: VoteRecord) -> str | None:
    """The source that a vote's own field `source` states, as in our exports; None where there is none of that form."""
    return _source_in(record.extra)


@lru_cache
def _source_in(extra: str) -> str | None:
    """The same few further fields come in record after record."""
    stated = json.loads(extra).get("source")
    return stated if isinstance(stated, str) and _SOURCE.fullmatch(stated) else None


class _VoteCheck:
    """Whether a vote fits the study's questions and answers, and whether the study has it already."""

    def __init__(self, tx: Transaction, study_id: int, source: str) -> None:
        self.source = source
        self.questions = content.question_ids(tx, study_id)
        self.contenders = content.contender_ids(tx, study_id)
        self.answered = content.answered(tx, study_id)
        self.invited = raters.invited(tx, study_id)
        self.withdrawn = changes.withdrawals(tx, study_id)
        made = changes.changes(tx, study_id)
        self.there = {
            vote.key: (payloads.vote(vote), payloads.vote(corrected(vote, made.get(vote.seq, ()))))
            for vote in votes.votes(tx, study_id)
        }

    def known(self, record: VoteRecord) -> bool | Problem:
        stated = stated_source(record)
        if stated not in (None, self.source):
            return Problem("", "source", f"is {stated}, and these votes are imported as {self.source}; see --as")
        return self._misfit(record) or self._stored(record)

    def vote(self, record: VoteRecord) -> Vote:
        # An id of our own making is that of the vote it came from, where the study has that vote.
        own = _OWN_KEY.fullmatch(record.key)
        return Vote(
            seq=0,
            key=own[1] if own and own[1] in self.there else record.key,
            matchup_seq=None,
            question=record.question_id,
            model_a=record.model_a,
            model_b=record.model_b,
            answer_a=self._answer(record.question_id, record.model_a),
            answer_b=self._answer(record.question_id, record.model_b),
            choice=record.choice,
            reason=record.reason,
            source=self.source,
            rater=record.rater,
            simulated=record.simulated,
            voted_at=record.voted_at,
        )

    def _answer(self, question: str | None, contender: str) -> str | None:
        return None if question is None else self.answered[question, contender][1]

    def _misfit(self, record: VoteRecord) -> Problem | None:
        if record.question_id is not None and record.question_id not in self.questions:
            return Problem("", "question_id", f"the study has no question '{record.question_id}'")
        for side, name in (("model_a", record.model_a), ("model_b", record.model_b)):
            if name not in self.contenders:
                return Problem("", side, f"the study has no contender '{name}'; import its answers first")
            if record.question_id is not None and (record.question_id, name) not in self.answered:
                return Problem("", side, f"'{name}' has no answer to the question '{record.question_id}'")
        return None

    def _stored(self, record: VoteRecord) -> bool | Problem:
        vote = payloads.vote(self.vote(record))
        earlier = self.there.get(str(vote["vote"]))
        if earlier is None:
            if record.rater in self.withdrawn:
                return Problem("", "judge", f"'{record.rater}' has withdrawn from this study")
            if record.rater in self.invited:
                return Problem("", "judge", f"'{record.rater}' has a seat in this study and votes here")
            return False
        # A vote cast here comes back from our own export without its matchup, as it was cast or as it was corrected.
        return vote in [one | {"matchup": None} for one in earlier] or Problem(
            "", "id", "the study has another vote with this id"
        )


def _new(parsed: Sequence[Located[T]], known: Callable[[T], bool | Problem], name: str) -> list[T]:
    """The records that the study does not know yet. Raises BadRecords with those that do not fit."""
    new: list[T] = []
    problems: list[Problem] = []
    for located in parsed:
        found = known(located.record)
        if isinstance(found, Problem):
            problems.append(Problem(located.where, found.field, found.reason))
        elif not found:
            new.append(located.record)
        if len(problems) == PROBLEMS_SHOWN:
            break
    if problems:
        raise BadRecords(name, problems)
    return new


def _plain(extra: str) -> dict[str, str]:
    """Further fields as CSV can hold them, where `1` and "1" are the same and null is nothing."""
    fields = json.loads(extra).items()
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields if value is not None}


def _append(tx: Transaction, study_id: int, what: str, digest: str, drafts: list[Draft], now: datetime) -> list[int]:
    """Append the import's entry and those of its records; returns the numbers of the latter."""
    head = Draft(Kind.IMPORT, payloads.imported(what, digest, len(drafts)))
    return [entry.seq for entry in ledger.append(tx, study_id, [head, *drafts], now=now)[1:]]


def _sealed(record: VoteRecord) -> dict[str, Sealed]:
    texts = {"comment": record.comment, "extra": None if record.extra == "{}" else record.extra}
    return {name: chains.seal(text) for name, text in texts.items() if text is not None}
