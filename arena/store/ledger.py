"""Appending to the chains and reading them back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from arena.domain.ledger import GENESIS, Draft, Head, Kind, LedgerBroken, Linked, Sealed, link
from arena.store.base import table_of
from arena.store.engine import PAGE, Transaction, paged
from arena.store.tables import Chain, LedgerEntry, SealedText

INSTANCE = "instance"
"""The name of the instance's own chain."""


@dataclass(frozen=True)
class ChainRow:
    """A chain in the database, and where it stands."""

    id: int
    uid: str
    study_id: int | None
    head: Head


def create_chain(tx: Transaction, study_id: int | None, uid: str) -> None:
    """Begin an empty chain for a study, or for the instance."""
    tx.execute(insert(Chain).values(**_empty(uid, uid, study_id)))


def is_known(tx: Transaction, uid: str) -> bool:
    """Whether there is a chain with this identity."""
    return tx.scalar(select(Chain.id).where(Chain.uid == uid)) is not None


def _empty(name: str, uid: str, study_id: int | None) -> dict[str, object]:
    return {"name": name, "uid": uid, "study_id": study_id, "head_seq": 0, "head_hash": GENESIS}


def chain_of(tx: Transaction, study_id: int | None, *, lock: bool = False) -> ChainRow:
    """The chain of a study (None: of the instance). With `lock` nobody else appends until the transaction ends.

    Raises LedgerBroken where there is none.
    """
    row = tx.execute(_chain(study_id is None, lock), {"study": study_id}).one_or_none()
    if row is None:
        raise LedgerBroken(0, "there is none in the database")
    return ChainRow(row[0], row[1], row[2], Head(row[3], row[4]))


# What every vote asks is built once: a statement costs more to build than to run.
@cache
def _chain(of_instance: bool, lock: bool) -> Select[*tuple[Any, ...]]:
    query = select(Chain.id, Chain.uid, Chain.study_id, Chain.head_seq, Chain.head_hash)
    query = query.where(Chain.name == INSTANCE if of_instance else Chain.study_id == bindparam("study"))
    return query.with_for_update() if lock else query


@cache
def _move_head() -> Update:
    chain = table_of(Chain)
    moved = update(chain).where(chain.c.id == bindparam("chain"))
    return moved.values(head_seq=bindparam("seq"), head_hash=bindparam("hash"))


def append(tx: Transaction, study_id: int | None, drafts: Iterable[Draft], *, now: datetime) -> list[Linked]:
    """Append `drafts` to a chain within the caller's transaction. Returns the entries in their places."""
    chain = chain_of(tx, study_id, lock=True)
    linked = list(link(chain.uid, chain.head, drafts, now))
    store(tx, chain, linked)
    return linked


def store(tx: Transaction, chain: ChainRow, linked: list[Linked]) -> None:
    """Store entries that were linked behind the chain's head."""
    if not linked:
        return
    rows = [{"chain_id": chain.id, "seq": e.seq, "kind": e.kind, "body": e.body, "hash": e.hash} for e in linked]
    tx.execute(insert(table_of(LedgerEntry)), rows)
    tx.execute(_move_head(), {"chain": chain.id, "seq": linked[-1].seq, "hash": linked[-1].hash})


def seal(tx: Transaction, study_id: int, sealed: Iterable[tuple[int, str, Sealed]]) -> None:
    """Keep sealed texts beside their entries: (entry's number, name, text under its salt)."""
    chain = chain_of(tx, study_id)
    rows = [{"chain_id": chain.id, "seq": seq, "name": name, "text": s.text, "salt": s.salt} for seq, name, s in sealed]
    if rows:
        tx.execute(insert(SealedText), rows)


def sealed_text(tx: Transaction, study_id: int, seq: int, name: str) -> Sealed | None:
    """One sealed text, unless there is none or it was erased."""
    return sealed_texts(tx, study_id, only=seq).get(seq, {}).get(name)


def erase(tx: Transaction, study_id: int, seq: int, name: str) -> None:
    """Delete a sealed text and its salt; the entry that says so is the caller's."""
    chain = chain_of(tx, study_id)
    tx.execute(
        delete(SealedText).where(SealedText.chain_id == chain.id, SealedText.seq == seq, SealedText.name == name)
    )


def sealed_texts(tx: Transaction, study_id: int, *, only: int | None = None) -> dict[int, dict[str, Sealed]]:
    """A study's sealed texts (those of `only` one entry) that are not erased, by entry number and name."""
    query = select(SealedText.seq, SealedText.name, SealedText.text, SealedText.salt)
    query = query.where(SealedText.chain_id == chain_of(tx, study_id).id)
    texts: dict[int, dict[str, Sealed]] = {}
    for seq, name, text, salt in tx.execute(query if only is None else query.where(SealedText.seq == only)):
        texts.setdefault(seq, {})[name] = Sealed(text, salt)
    return texts


def sealed_names(tx: Transaction, study_id: int, seqs: Collection[int]) -> list[tuple[int, str]]:
    """Which texts of some entries are there, sorted: entry and name."""
    chain, wanted = chain_of(tx, study_id), set(seqs)
    query = select(SealedText.seq, SealedText.name).where(SealedText.chain_id == chain.id)
    if len(wanted) <= PAGE:  # beyond some tens of thousands a statement takes no more parameters
        query = query.where(SealedText.seq.in_(wanted))
    return sorted((seq, name) for seq, name in tx.execute(query) if seq in wanted)


def entries(tx: Transaction, study_id: int | None, *, up_to: int | None = None) -> Iterator[Linked]:
    """The entries of a chain in order, streamed."""
    query = select(LedgerEntry.seq, LedgerEntry.kind, LedgerEntry.body, LedgerEntry.hash)
    query = query.where(LedgerEntry.chain_id == chain_of(tx, study_id).id)
    if up_to is not None:
        query = query.where(LedgerEntry.seq <= up_to)
    for row in paged(tx, query, LedgerEntry.seq):
        yield Linked(*row)


def at(tx: Transaction, study_id: int, seqs: Collection[int]) -> dict[int, Linked]:
    """Some entries of a chain, by their numbers, as they are stored."""
    query = select(LedgerEntry.seq, LedgerEntry.kind, LedgerEntry.body, LedgerEntry.hash)
    query = query.where(LedgerEntry.chain_id == chain_of(tx, study_id).id)
    wanted = list(seqs)
    pages = (wanted[at : at + PAGE] for at in range(0, len(wanted), PAGE))
    return {row[0]: Linked(*row) for page in pages for row in tx.execute(query.where(LedgerEntry.seq.in_(page)))}


def reasons(tx: Transaction, study_id: int, seqs: Collection[int]) -> dict[int, str]:
    """The reasons that some entries of a chain give, by their numbers."""
    return {seq: str(json.loads(entry.body)["payload"]["reason"]) for seq, entry in at(tx, study_id, seqs).items()}


def entry_hash(tx: Transaction, study_id: int, seq: int) -> str:
    """The stored hash of one entry."""
    return tx.execute(_hash(), {"study": study_id, "seq": seq}).scalar_one()


@cache
def _hash() -> Select[str]:
    query = select(LedgerEntry.hash).join(Chain, Chain.id == LedgerEntry.chain_id)
    return query.where(Chain.study_id == bindparam("study"), LedgerEntry.seq == bindparam("seq"))


def ensure_instance(tx: Transaction, *, now: datetime) -> None:
    """Begin the instance's own chain where it is not there yet. Of two who try at once, one waits and finds it."""
    insert_or_wait = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    new = insert_or_wait(Chain).values(**_empty(INSTANCE, secrets.token_hex(16), None))
    if tx.scalar(new.on_conflict_do_nothing(index_elements=["name"]).returning(Chain.id)) is not None:
        append(tx, None, [Draft(Kind.INSTANCE, {"format": "clinical-arena"})], now=now)
