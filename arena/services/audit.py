"""Does the record still say what it said? The chains are recomputed, and every row is compared with its entry.

What no entry governs is not audited: the moments and hashes of sessions and invitations, raters' names, and which open
places are held.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from arena.domain import payloads
from arena.domain.canonical import Json, digest
from arena.domain.history import History
from arena.domain.ledger import GENESIS, Entry, Head, Kind, LedgerBroken, Linked, check_link, timestamp
from arena.domain.pairing import pairs
from arena.domain.reading import take
from arena.domain.study import Study
from arena.domain.vocabulary import StudyState
from arena.errors import BadInput
from arena.services.ledgerfile import LedgerFile
from arena.store import access, changes, content, ledger, matchups, packing, pairings, studies, votes
from arena.store.engine import Database, Transaction

INSTANCE = "instance"

Row = tuple[str, Mapping[str, Json]]
"""The kind that a row's entry should have, and what its payload should hold."""


@dataclass(frozen=True)
class Audited:
    """A ledger that passed: whose it is, its head, how many rows (of a file: parts) were compared with their entries.

    Of the sealed texts, `texts_erased` are gone by an entry that says so; `texts_missing` just are not there.
    """

    name: str
    head: Head
    compared: int
    texts_missing: int = 0
    texts_erased: int = 0


def audit_study(db: Database, study_id: int, *, head: Head | None = None) -> Audited:
    """Check a study's chain and rows, and that `head` lies on the chain.

    Raises LedgerBroken with the position of the first bad entry.
    """
    with db.read() as tx, _readable():
        study, history, rows = studies.by_id(tx, study_id), History(), _Rows()
        rows.expect(_study_rows(tx, study_id))
        compared = len(rows.left)

        def visit(entry: Entry) -> None:
            take(history, entry)
            rows.compare(entry)

        end = _check_chain(tx, study_id, visit, head)
        rows.finish()
        _check_study_row(study, history)
        _check_pairings(tx, study, history)
        _check_claims(tx, study_id, history)
        _check_consents(tx, study_id, history)
        compared += _check_changes(tx, study_id, history)
        _check_packed(tx, study_id)
        kept = _check_sealed(tx, study_id, history)
        return _audited(study.name, end, compared, history, kept)


@contextmanager
def _readable() -> Iterator[None]:
    """A row that cannot even be read, because somebody wrote into it what it never holds, is a fault of the record."""
    try:
        yield
    except LedgerBroken:
        raise
    except (ValueError, TypeError, LookupError, BadInput) as error:
        raise LedgerBroken(0, f"a row of the database cannot be read: {error}") from error


def audit_instance(db: Database, *, head: Head | None = None) -> Audited:
    """Check the instance's own chain, and the seats and tokens that it governs. Raises as `audit_study`."""
    with db.read() as tx, _readable():
        rows, revoked, forgotten = _Rows(), set[str](), set[str]()
        rows.expect(access.governed(tx))
        compared = len(rows.left)

        def visit(entry: Entry) -> None:
            rows.compare(entry)
            if entry.kind in (Kind.SEAT_REVOKED, Kind.TOKEN_REVOKED):
                revoked.add(str(entry.payload.get("seat") or entry.payload.get("token")))
            if entry.kind == Kind.IDENTITY_ERASED:
                forgotten.add(str(entry.payload.get("seat")))

        end = _check_chain(tx, None, visit, head)
        rows.finish()
        for name in sorted(revoked ^ access.revoked(tx)):
            raise LedgerBroken(0, f"'{name}' is revoked in the database or by the ledger, and not in the other")
        for name in sorted(forgotten & access.named(tx)):
            raise LedgerBroken(0, f"who '{name}' is was erased by the ledger, and is still there")
        return Audited(INSTANCE, end, compared)


def audit_file(source: BinaryIO, name: str, *, head: Head | None = None) -> Audited:
    """Check an exported ledger, and the parts that it carries. Raises LedgerBroken; BadInput where it is no ledger."""
    file = LedgerFile(source, name)
    history, hashes, carried, kept = History(), {0: GENESIS}, 0, dict[int, set[str]]()
    for found in file:
        take(history, found.entry)
        hashes[found.linked.seq] = found.linked.hash
        carried += len(found.parts)
        if history.sealed.get(found.entry.seq):
            kept[found.entry.seq] = set(found.parts)
    _check_head(hashes, head)
    history.check_erased(kept)
    return _audited(file.header.study, file.header.head, carried, history, kept)


def _audited(name: str, head: Head, compared: int, history: History, kept: Mapping[int, Collection[str]]) -> Audited:
    """`kept`: the names of the sealed texts that are there, by entry."""
    gone = sum(len(names.keys() - set(kept.get(seq, ()))) for seq, names in history.sealed.items())
    erased = sum(map(len, history.erased.values()))
    return Audited(name, head, compared, texts_missing=gone - erased, texts_erased=erased)


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
    end = max(hashes)
    if head.position > end:
        raise LedgerBroken(
            head.position, f"the head given is of it, and this ledger ends at {end}: cut off, or another one"
        )
    if head.position:
        if hashes.get(head.position) != head.hash:
            raise LedgerBroken(head.position, "it is not the one of the head given: the past was changed since")
    elif head.hash not in hashes.values():
        raise LedgerBroken(end, "no entry has the head given: the past was changed since, or it is another ledger")


def _study_rows(tx: Transaction, study_id: int) -> Iterable[tuple[int, Row]]:
    """What every row of a study should have as the payload of its entry, by the entry's number."""
    for seq, question in content.questions(tx, study_id):
        yield seq, (Kind.QUESTION, payloads.question(question))
    for seq, contender in content.contenders(tx, study_id):
        yield seq, (Kind.CONTENDER, payloads.contender(contender))
    for seq, answer, stored in content.answers(tx, study_id):
        # The digest that matchups and votes are joined by must be that of the text.
        yield seq, (Kind.ANSWER, payloads.answer(answer) | {"digest": _same(stored, payloads.answer_record(answer))})
    for shown, pairing in matchups.matchups(tx, study_id):
        fits = {shown.answer_a, shown.answer_b} == pairing
        # A chance that the row has lost must be missed, too: an entry has none where its contenders were not drawn.
        row = {"chance": None} | payloads.matchup(shown) | ({} if fits else {"pairing": "of other answers"})
        yield shown.seq, (Kind.MATCHUP, row | {_TIME: timestamp(shown.issued_at)})
    for vote in votes.votes(tx, study_id):
        yield vote.seq, (Kind.VOTE, payloads.vote(vote))


_WITH_ROW = {Kind.QUESTION, Kind.CONTENDER, Kind.ANSWER, Kind.MATCHUP, Kind.VOTE, Kind.SEAT, Kind.TOKEN}
_TIME = "time"
"""Stands for the entry's own time among the members that a row is compared with."""


def _same(stored: str, record: payloads.Payload) -> str:
    return stored if stored == digest(record) else f"{stored} is stored"


class _Rows:
    """The rows of the database that wait for their entry."""

    def __init__(self) -> None:
        self.left: dict[int, Row] = {}
        self.double: dict[int, str] = {}

    def expect(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Take rows in."""
        for seq, row in rows:
            if seq in self.left:
                self.double[seq] = f"the database has both a {self.left[seq][0]} and a {row[0]} for it"
            self.left[seq] = row

    def compare(self, entry: Entry) -> None:
        """Raise LedgerBroken where the entry and its row differ, or it has a row too many."""
        if entry.seq in self.double:
            raise LedgerBroken(entry.seq, self.double[entry.seq])
        kind, row = self.left.pop(entry.seq, ("", {}))
        if kind and kind != entry.kind:
            raise LedgerBroken(entry.seq, f"the database has a {kind} for it, and it records a {entry.kind}")
        if not kind and entry.kind in _WITH_ROW:
            raise LedgerBroken(entry.seq, f"the {entry.kind} that it records is not in the database")
        for name, value in row.items():
            said = entry.time if name == _TIME else entry.payload.get(name)
            if said != value:
                raise LedgerBroken(entry.seq, f"the {entry.kind} in the database differs from it in '{name}'")

    def finish(self) -> None:
        """Raise where a row is left that no entry recorded."""
        for seq, (kind, _) in sorted(self.left.items()):
            raise LedgerBroken(seq, f"the database has a {kind} for this number that the ledger does not record")


def _check_study_row(study: Study, history: History) -> None:
    if (study.name, study.title) != (history.name, history.title):
        raise LedgerBroken(1, "the study's name or title in the database differs from it")
    if study.state is not history.state:
        raise LedgerBroken(0, f"the study is '{study.state}' in the database, and '{history.state}' by its ledger")
    if history.plan is not None and history.plan != study.plan:
        raise LedgerBroken(0, "the study's plan in the database is not the one of its ledger")


def _check_pairings(tx: Transaction, study: Study, history: History) -> None:
    if study.state is StudyState.DRAFT:
        return
    of_question: dict[str, list[str]] = {}
    for question, contender in history.answers:
        of_question.setdefault(question, []).append(contender)
    planned = sorted(
        (question, low, high, history.answers[question, low], history.answers[question, high])
        for question, names in of_question.items()
        for low, high in pairs(sorted(names))
    )
    if pairings.listed(tx, study.id) != planned:
        raise LedgerBroken(0, "the pairings in the database are not those of the study's answers")


def _check_claims(tx: Transaction, study_id: int, history: History) -> None:
    """Every vote on a matchup holds a place of its pairing for good, and nothing else does."""
    for seq in sorted(history.holding ^ matchups.settled(tx, study_id)):
        raise LedgerBroken(seq, "the place that the vote on this matchup takes is not as it was in the database")


def _check_consents(tx: Transaction, study_id: int, history: History) -> None:
    for pseudonym in sorted(access.consented(tx, study_id) - history.consented):
        raise LedgerBroken(0, f"'{pseudonym}' has consented by the database, and not by the ledger")


def _check_changes(tx: Transaction, study_id: int, history: History) -> int:
    """Compare the changes of votes, and the withdrawals, with their entries; returns how many rows there are."""
    stored = Counter(change for made in changes.changes(tx, study_id).values() for change in made)
    told = Counter(change for made in history.changes.values() for change in made)
    for change in sorted((stored - told) + (told - stored), key=lambda change: (change.seq, change.vote)):
        raise LedgerBroken(change.seq, f"what it made of the vote of entry {change.vote} differs in the database")
    if (stray := changes.stray(tx, study_id)) is not None:
        raise LedgerBroken(stray, "a row of the database lets it change a vote of another study")
    left = changes.withdrawals(tx, study_id)
    for rater, seq in sorted(left.items() ^ history.withdrawn.items(), key=lambda pair: pair[1]):
        raise LedgerBroken(seq, f"the withdrawal of '{rater}' is not as it was in the database")
    return stored.total() + len(left)


def _check_packed(tx: Transaction, study_id: int) -> None:
    """Compare the packed copies of votes with the votes, which were compared with their entries."""
    if (found := packing.differing(tx, study_id)) is not None:
        seq, source = found
        raise LedgerBroken(seq, f"the packed copy of the votes from '{source}' differs from them")


def _check_sealed(tx: Transaction, study_id: int, history: History) -> Mapping[int, Collection[str]]:
    """Compare the sealed texts with their commitments; returns the names of those that are there, by entry."""
    kept = ledger.sealed_texts(tx, study_id)
    for seq in sorted(kept):
        for name, text in kept[seq].items():
            if history.sealed.get(seq, {}).get(name) != text.commitment:
                raise LedgerBroken(seq, f"its {name} in the database is not the one that it commits to")
    history.check_erased(kept)
    return kept
