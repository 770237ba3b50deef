"""Was only appended since? A ledger beside an older export of it: what stood there must stand there still."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import chain, repeat
from typing import BinaryIO

from arena.domain.ledger import Head, LedgerBroken
from arena.errors import BadInput, Incomplete
from arena.services.audit import Audited, audit_file, audit_study
from arena.services.ledgerfile import LedgerFile
from arena.store import ledger
from arena.store.engine import Database

Place = tuple[str, Set[str]]
"""The hash of an entry, and the names of the parts that are there with it."""


@dataclass(frozen=True)
class Extension:
    """A ledger that passed its audit and extends an older export: by how many entries, and how many parts of the
    export are not there any more (erased since, or left out)."""

    audited: Audited
    added: int
    parts_gone: int


@dataclass(frozen=True)
class Export:
    """An older export: its name for messages, and its file, which is read twice."""

    name: str
    file: BinaryIO


def study_extends(db: Database, study_id: int, old: Export, *, head: Head | None = None) -> Extension:
    """Audit the older export and a study of the database, then compare the two entry by entry.

    Raises LedgerBroken with the position of the study's first bad or differing entry, Incomplete where the export
    itself is broken, BadInput where it is no ledger or cannot be read twice.
    """
    _audit(old)
    audited = audit_study(db, study_id, head=head)
    with db.read() as tx:
        texts = ledger.sealed_texts(tx, study_id)
        # That the record of every question, contender and answer is there, the audit has found.
        places = ((e.hash, {"record", *texts.get(e.seq, ())}) for e in ledger.entries(tx, study_id))
        return _compare(audited, ledger.chain_of(tx, study_id).uid, places, old)


def file_extends(new: BinaryIO, name: str, old: Export, *, head: Head | None = None) -> Extension:
    """The same with an exported ledger in the study's place."""
    _audit(old)
    _check_readable_twice(new, name)
    audited = audit_file(new, name, head=head)
    new.seek(0)
    file = LedgerFile(new, name)
    return _compare(audited, file.header.chain, ((e.linked.hash, e.parts.keys()) for e in file), old)


def _audit(old: Export) -> None:
    """Audit the older export, and leave its file at the beginning."""
    _check_readable_twice(old.file, old.name)
    try:
        audit_file(old.file, old.name)
    except LedgerBroken as error:
        raise Incomplete(f"{old.name}: {error}") from error
    old.file.seek(0)


def _check_readable_twice(file: BinaryIO, name: str) -> None:
    if not file.seekable():
        raise BadInput(f"{name}: cannot be read twice, as a comparison has to; save it to a file first")


def _compare(audited: Audited, uid: str, places: Iterable[Place], old: Export) -> Extension:
    """Walk both ledgers side by side, to the end of the older one."""
    before = LedgerFile(old.file, old.name)
    if uid != before.header.chain:
        raise LedgerBroken(0, f"it is not the ledger of {old.name} but another: its chain has another name")
    gone = 0
    for then, now in zip(before, chain(places, repeat(None)), strict=False):
        seq = then.linked.seq
        if now is None:
            raise LedgerBroken(seq, f"it is missing; {old.name} goes on to entry {before.header.head.position}")
        hash_, parts = now
        if hash_ != then.linked.hash:
            raise LedgerBroken(seq, f"it is not the one in {old.name}: the past was changed since")
        gone += len(then.parts.keys() - parts)
    return Extension(audited, audited.head.position - before.header.head.position, gone)
