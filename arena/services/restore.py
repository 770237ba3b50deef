"""A study rebuilt from its exported ledger, in this database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, TypeVar

from arena.domain import parts, payloads
from arena.domain.history import History
from arena.domain.ledger import Draft, Kind, LedgerBroken, Linked, Sealed, moment
from arena.domain.plan import Plan
from arena.domain.reading import take
from arena.domain.records import AnswerRecord, ContenderRecord, QuestionRecord
from arena.domain.study import Study
from arena.domain.vocabulary import StudyState
from arena.errors import Conflict
from arena.services.files import Limits
from arena.services.ledgerfile import LedgerFile
from arena.store import changes, content, ledger, matchups, packing, pairings, raters, studies, votes
from arena.store.engine import Database, Transaction, fitting

T = TypeVar("T")


@dataclass
class _Contents:
    """What a ledger file brings beside its history."""

    linked: list[Linked] = field(default_factory=list)
    questions: list[tuple[int, QuestionRecord]] = field(default_factory=list)
    contenders: list[tuple[int, ContenderRecord]] = field(default_factory=list)
    answers: list[tuple[int, AnswerRecord]] = field(default_factory=list)
    sealed: list[tuple[int, str, Sealed]] = field(default_factory=list)


def restore(
    db: Database, source: BinaryIO, name: str, *, now: datetime, limits: Limits | None = None
) -> tuple[Study, bool]:
    """Rebuild the study of a ledger file. Returns it, and whether it is new here.

    The whole file is checked first: LedgerBroken names the entry that is bad, or whose record was left out. Raises
    Conflict where this database has another study of that name, another state of this one, or a record of the file's.
    """
    file = LedgerFile(source, name, limits=limits)
    history, contents = _read(file)
    with db.write() as tx:
        there = studies.by_name(tx, file.header.study)
        if there is not None:
            chain = ledger.chain_of(tx, there.id)
            if (chain.uid, chain.head) == (file.header.chain, file.header.head):
                return there, False
            raise Conflict(f"{name}: this database has a study '{there.name}' already, and its ledger differs")
        if ledger.is_known(tx, file.header.chain):
            raise Conflict(f"{name}: this database has this study already, under another name")
        ledger.ensure_instance(tx, now=now)
        with fitting(f"{name}: nothing was stored: the database refuses a record of it, or has it already"):
            study = _store(tx, file, history, contents)
        payload: payloads.Payload = {
            "study": study.uid,
            "position": file.header.head.position,
            "head": file.header.head.hash,
        }
        ledger.append(tx, None, [Draft(Kind.STUDY_RESTORED, payload)], now=now)
        return study, True


def _read(file: LedgerFile) -> tuple[History, _Contents]:
    history, contents = History(), _Contents()
    for found in file:
        take(history, found.entry)
        contents.linked.append(found.linked)
        seq, given = found.entry.seq, found.parts
        contents.sealed.extend((seq, name, text) for name, text in parts.sealed(given).items())
        match found.entry.kind:
            case Kind.QUESTION:
                contents.questions.append((seq, _there(seq, parts.question(given))))
            case Kind.CONTENDER:
                contents.contenders.append((seq, _there(seq, parts.contender(given))))
            case Kind.ANSWER:
                contents.answers.append((seq, _there(seq, parts.answer(given))))
    kept: dict[int, set[str]] = {}
    for seq, name, _ in contents.sealed:
        kept.setdefault(seq, set()).add(name)
    history.check_erased(kept)
    return history, contents


def _there(seq: int, record: T | None) -> T:
    if record is None:
        reason = "its record was left out of this file: it can be audited and rated, but not restored"
        raise LedgerBroken(seq, reason)
    return record


def _store(tx: Transaction, file: LedgerFile, history: History, contents: _Contents) -> Study:
    uid, plan = file.header.chain, history.plan or Plan()
    study = studies.add(tx, uid=uid, name=history.name, title=history.title, plan=plan, now=moment(history.created))
    ledger.create_chain(tx, study.id, uid)
    ledger.store(tx, ledger.chain_of(tx, study.id), contents.linked)
    content.add_questions(tx, study.id, contents.questions)
    content.add_contenders(tx, study.id, contents.contenders)
    content.add_answers(tx, study.id, contents.answers)
    if history.state is not StudyState.DRAFT:
        pairings.make(tx, study.id)
    people = {shown.rater for shown in history.matchups.values()}
    people |= {vote.rater for vote in history.votes if vote.rater is not None} | history.withdrawn.keys()
    raters.add_missing(tx, study.id, people, "restored")
    rows = matchups.restore(tx, study.id, history.matchups.values(), voted=history.holding)
    votes.add(tx, study.id, history.votes, matchup_ids=rows)
    for source in sorted({vote.source for vote in history.votes}):
        packing.pack(tx, study.id, source)
    changes.add(tx, study.id, (change for made in history.changes.values() for change in made))
    changes.restore_withdrawals(tx, study.id, history.withdrawn)
    ledger.seal(tx, study.id, contents.sealed)
    return studies.update(tx, study.id, state=history.state)
