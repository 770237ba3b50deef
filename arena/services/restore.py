"""A study rebuilt from its exported ledger, in this database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, TypeVar

from arena.domain import parts, payloads
from arena.domain import plan as plans
from arena.domain.ledger import GENESIS, Draft, Head, Kind, LedgerBroken, Linked, Sealed, moment
from arena.domain.plan import Plan
from arena.domain.records import AnswerRecord, QuestionRecord
from arena.domain.study import Study
from arena.domain.vocabulary import StudyState
from arena.domain.votes import Matchup, Vote
from arena.errors import ArenaError, BadInput, Conflict
from arena.services.ledgerfile import FileEntry, LedgerFile
from arena.store import content, ledger, matchups, pairings, raters, studies, votes
from arena.store.engine import Database, Transaction
from arena.store.ledger import ChainRow

T = TypeVar("T")


@dataclass
class _Replay:
    """What the entries of a ledger add up to."""

    title: str = ""
    created: str = ""
    state: StudyState = StudyState.DRAFT
    plan: Plan = field(default_factory=Plan)
    was_opened: bool = False
    linked: list[Linked] = field(default_factory=list)
    questions: list[tuple[int, QuestionRecord]] = field(default_factory=list)
    contenders: list[tuple[int, str, str]] = field(default_factory=list)
    answers: list[tuple[int, AnswerRecord]] = field(default_factory=list)
    matchups: list[Matchup] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    sealed: list[tuple[int, str, Sealed]] = field(default_factory=list)


def restore(db: Database, source: BinaryIO, name: str, *, now: datetime) -> tuple[Study, bool]:
    """Rebuild the study of a ledger file. Returns it, and whether it is new here.

    The whole file is checked first (LedgerBroken). Raises BadInput where it leaves out questions or answers, Conflict
    where this database has another study of that name, or another state of this one.
    """
    file = LedgerFile(source, name)
    replay = _replayed(file)
    with db.write() as tx:
        there = studies.by_name(tx, file.header.study)
        if there is not None:
            chain = ledger.chain_of(tx, there.id)
            if (chain.uid, chain.head) == (file.header.chain, file.header.head):
                return there, False
            raise Conflict(f"{name}: this database has a study '{there.name}' already, and its ledger differs")
        ledger.ensure_instance(tx, now=now)
        study = _store(tx, file, replay)
        payload: payloads.Payload = {
            "study": study.uid,
            "position": file.header.head.position,
            "head": file.header.head.hash,
        }
        ledger.append(tx, None, [Draft(Kind.STUDY_RESTORED, payload)], now=now)
        return study, True


def _replayed(file: LedgerFile) -> _Replay:
    replay = _Replay()
    for found in file:
        try:
            _apply(replay, found)
        except (KeyError, TypeError, ValueError, BadInput) as error:
            reason = str(error) if isinstance(error, ArenaError) else "its payload is not one of its kind"
            raise LedgerBroken(found.entry.seq, reason) from error
    if not replay.linked:
        raise BadInput("the ledger has no entries")
    return replay


def _apply(replay: _Replay, found: FileEntry) -> None:
    entry, payload = found.entry, found.entry.payload
    replay.linked.append(found.linked)
    replay.sealed.extend((entry.seq, name, text) for name, text in parts.sealed(found.parts).items())
    match entry.kind:
        case Kind.STUDY:
            replay.title, replay.created = str(payload["title"]), entry.time
        case Kind.PLAN:
            replay.plan = plans.from_mapping(payload["plan"])
        case Kind.STATE:
            replay.state = StudyState(payload["to"])
            replay.was_opened = replay.was_opened or replay.state is StudyState.OPEN
        case Kind.QUESTION:
            replay.questions.append((entry.seq, _there(parts.question(found.parts), "question")))
        case Kind.CONTENDER:
            replay.contenders.append((entry.seq, str(payload["contender"]), str(payload["origin"])))
        case Kind.ANSWER:
            replay.answers.append((entry.seq, _there(parts.answer(found.parts), "answer")))
        case Kind.MATCHUP:
            replay.matchups.append(payloads.read_matchup(entry.seq, entry.time, payload))
        case Kind.VOTE:
            replay.votes.append(payloads.read_vote(entry.seq, payload))


def _there(record: T | None, what: str) -> T:
    if record is None:
        raise BadInput(f"its {what} was left out of this file: it can be audited and rated, but not restored")
    return record


def _store(tx: Transaction, file: LedgerFile, replay: _Replay) -> Study:
    header = file.header
    created = moment(replay.created)
    study = studies.add(tx, uid=header.chain, name=header.study, title=replay.title, plan=replay.plan, now=created)
    ledger.create_chain(tx, study.id, header.chain)
    chain = ChainRow(ledger.chain_of(tx, study.id).id, header.chain, study.id, Head(0, GENESIS))
    ledger.store(tx, chain, replay.linked)
    content.add_questions(tx, study.id, replay.questions)
    content.add_contenders(tx, study.id, replay.contenders)
    content.add_answers(tx, study.id, replay.answers)
    if replay.was_opened:
        pairings.make(tx, study.id)
    people = [shown.rater for shown in replay.matchups] + [
        vote.rater for vote in replay.votes if vote.rater is not None
    ]
    raters.add_missing(tx, study.id, people, "restored")
    rows = matchups.restore(tx, study.id, replay.matchups, voted={v.matchup_seq for v in replay.votes if v.matchup_seq})
    votes.add(tx, study.id, replay.votes, matchup_ids=rows)
    ledger.seal(tx, study.id, replay.sealed)
    return studies.update(tx, study.id, state=replay.state)
