"""Does the record still say what it said? The chains are recomputed, and every row is compared with its entry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from arena.domain import payloads
from arena.domain.canonical import Json
from arena.domain.ledger import GENESIS, Entry, Head, Kind, LedgerBroken, Linked, check_link
from arena.domain.pairing import pairs
from arena.domain.study import Study
from arena.domain.vocabulary import StudyState
from arena.domain.votes import Matchup
from arena.services.ledgerfile import LedgerFile
from arena.store import access, content, ledger, matchups, pairings, votes
from arena.store.engine import Database, Transaction

INSTANCE = "instance"


@dataclass(frozen=True)
class Audited:
    """A ledger that passed: whose it is, its head, and how many rows were compared with their entries."""

    name: str
    head: Head
    rows: int


def audit_study(db: Database, study: Study, *, head: Head | None = None) -> Audited:
    """Check a study's chain and rows, and that `head` lies on the chain.

    Raises LedgerBroken with the position of the first bad entry.
    """
    with db.read() as tx:
        rows = dict(_study_rows(tx, study.id))
        compared = len(rows)
        walk = _Walk(rows)
        end = _check_chain(tx, study.id, walk.visit, head)
        walk.finish()
        _check_study_row(study, walk)
        _check_pairings(tx, study)
        _check_sealed(tx, study.id, walk)
        return Audited(study.name, end, compared)


def audit_instance(db: Database, *, head: Head | None = None) -> Audited:
    """Check the instance's own chain, and the seats and tokens that it governs. Raises as `audit_study`."""
    with db.read() as tx:
        rows = dict(access.governed(tx))
        compared = len(rows)
        walk = _Walk(rows)
        end = _check_chain(tx, None, walk.visit, head)
        walk.finish()
        return Audited(INSTANCE, end, compared)


def audit_file(source: BinaryIO, name: str, *, head: Head | None = None) -> Audited:
    """Check an exported ledger, and the parts that it carries. Raises LedgerBroken; BadInput where it is no ledger."""
    file = LedgerFile(source, name)
    hashes = {0: GENESIS}
    carried = 0
    for found in file:
        _parse(found.entry)
        hashes[found.linked.seq] = found.linked.hash
        carried += len(found.parts)
    _check_head(hashes, head)
    return Audited(file.header.study, file.header.head, carried)


def _check_chain(tx: Transaction, study_id: int | None, visit: Callable[[Entry], None], head: Head | None) -> Head:
    """Walk a chain in the database; `visit` may raise for the entry that it is given."""
    chain = ledger.chain_of(tx, study_id)
    end = Head(0, GENESIS)
    hashes = {0: GENESIS}
    for linked in ledger.entries(tx, study_id):
        visit(_checked(linked, chain.uid, end))
        end = Head(linked.seq, linked.hash)
        hashes[end.position] = end.hash
    if end.position < chain.head.position:
        raise LedgerBroken(end.position + 1, f"it is missing; the ledger ended at {chain.head.position}")
    if end != chain.head:
        raise LedgerBroken(end.position, "the ledger ended with another entry")
    _check_head(hashes, head)
    return end


def _checked(linked: Linked, chain: str, head: Head) -> Entry:
    position = head.position + 1
    try:
        fields = json.loads(linked.body)
    except (ValueError, RecursionError):
        raise LedgerBroken(position, "its content is not JSON") from None
    entry = check_link(fields, linked.hash, chain, head)
    if entry.body != linked.body or entry.seq != linked.seq or entry.kind != linked.kind:
        raise LedgerBroken(position, "its row is not as it was written")
    return entry


def _check_head(hashes: Mapping[int, str], head: Head | None) -> None:
    """Raise where the ledger does not hold the remembered `head`."""
    if head is None:
        return
    if head.position:
        if hashes.get(head.position) != head.hash:
            raise LedgerBroken(head.position, "it is not the one of the head given: the past was changed since")
    elif head.hash not in hashes.values():
        raise LedgerBroken(
            max(hashes), "no entry has the head given: the past was changed since, or it is another ledger"
        )


def _study_rows(tx: Transaction, study_id: int) -> Iterator[tuple[int, tuple[str, Mapping[str, Json]]]]:
    """What every row of a study should have as the payload of its entry, by the entry's number."""
    for seq, question in content.questions(tx, study_id):
        yield seq, (Kind.QUESTION, payloads.question(question))
    for seq, name, origin in content.contenders(tx, study_id):
        yield seq, (Kind.CONTENDER, payloads.contender(name, origin))
    for seq, answer, _ in content.answers(tx, study_id):
        yield seq, (Kind.ANSWER, payloads.answer(answer))
    for shown in matchups.matchups(tx, study_id):
        yield shown.seq, (Kind.MATCHUP, payloads.matchup(shown))
    for vote in votes.votes(tx, study_id):
        yield vote.seq, (Kind.VOTE, payloads.vote(vote))


_WITH_ROW = {Kind.QUESTION, Kind.CONTENDER, Kind.ANSWER, Kind.MATCHUP, Kind.VOTE, Kind.SEAT, Kind.TOKEN}


class _Walk:
    """Compares entries with the rows that belong to them, and remembers what the study row must say."""

    def __init__(self, rows: dict[int, tuple[str, Mapping[str, Json]]]) -> None:
        self.rows = rows
        self.shown: dict[int, Matchup] = {}
        self.sealed: dict[int, Mapping[str, str]] = {}
        self.last: dict[str, Mapping[str, Any]] = {}

    def visit(self, entry: Entry) -> None:
        """Raise LedgerBroken where the entry and its row differ."""
        parsed = _parse(entry)
        self.last[entry.kind] = entry.payload
        if isinstance(parsed, Matchup):
            self.shown[entry.seq] = parsed
        if entry.kind == Kind.VOTE:
            _check_answers_matchup(entry, self.shown)
            self.sealed[entry.seq] = entry.payload["sealed"]
        if entry.kind in _WITH_ROW:
            self._compare(entry)

    def _compare(self, entry: Entry) -> None:
        kind, row = self.rows.pop(entry.seq, ("", {}))
        if kind != entry.kind:
            raise LedgerBroken(entry.seq, f"the {entry.kind} that it records is not in the database")
        for name, value in row.items():
            if entry.payload.get(name) != value:
                raise LedgerBroken(entry.seq, f"the {entry.kind} in the database differs from it in '{name}'")

    def finish(self) -> None:
        """Raise where a row is left that no entry recorded."""
        for seq, (kind, _) in sorted(self.rows.items()):
            raise LedgerBroken(seq, f"the database has a {kind} for this number that the ledger does not record")


def _parse(entry: Entry) -> object:
    """Read the payloads that must be readable. Raises LedgerBroken."""
    try:
        if entry.kind == Kind.VOTE:
            return payloads.read_vote(entry.seq, entry.payload)
        if entry.kind == Kind.MATCHUP:
            return payloads.read_matchup(entry.seq, entry.time, entry.payload)
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerBroken(entry.seq, f"its payload is not one of a {entry.kind}") from error
    return None


def _check_answers_matchup(entry: Entry, shown: Mapping[int, Matchup]) -> None:
    """A vote on a matchup must be by the rater, on the question and with the sides that were shown."""
    vote = payloads.read_vote(entry.seq, entry.payload)
    if vote.matchup_seq is None:
        return
    matchup = shown.get(vote.matchup_seq)
    if matchup is None:
        raise LedgerBroken(entry.seq, f"it votes on entry {vote.matchup_seq}, which is no matchup before it")
    said = (vote.rater, vote.question, vote.model_a, vote.model_b, vote.key)
    if said != (matchup.rater, matchup.question, matchup.model_a, matchup.model_b, payloads.matchup_key(matchup.token)):
        raise LedgerBroken(entry.seq, f"it differs from the matchup of entry {vote.matchup_seq}")


def _check_study_row(study: Study, walk: _Walk) -> None:
    first = walk.last.get(Kind.STUDY, {})
    if (first.get("study"), first.get("title")) != (study.name, study.title):
        raise LedgerBroken(1, "the study's name or title in the database differs from it")
    state = walk.last.get(Kind.STATE, {}).get("to", StudyState.DRAFT)
    if state != study.state:
        raise LedgerBroken(0, f"the study is '{study.state}' in the database, and '{state}' by its ledger")
    if Kind.PLAN in walk.last and walk.last[Kind.PLAN].get("plan") != study.plan.to_json():
        raise LedgerBroken(0, "the study's plan in the database is not the one of its ledger")


def _check_pairings(tx: Transaction, study: Study) -> None:
    if study.state is StudyState.DRAFT:
        return
    of_question: dict[str, list[str]] = {}
    for question, contender in content.answered(tx, study.id):
        of_question.setdefault(question, []).append(contender)
    planned = sorted((q, *pair) for q, names in of_question.items() for pair in pairs(sorted(names)))
    if pairings.listed(tx, study.id) != planned:
        raise LedgerBroken(0, "the pairings in the database are not those of the study's answers")


def _check_sealed(tx: Transaction, study_id: int, walk: _Walk) -> None:
    kept = ledger.sealed_texts(tx, study_id)
    for seq in sorted(kept):
        for name, text in kept[seq].items():
            if walk.sealed.get(seq, {}).get(name) != text.commitment:
                raise LedgerBroken(seq, f"its {name} in the database is not the one that it commits to")


def audit_all(db: Database, studies: Iterable[Study]) -> list[Audited]:
    """Check the instance's chain and those of all `studies`."""
    return [audit_instance(db), *(audit_study(db, study) for study in studies)]
