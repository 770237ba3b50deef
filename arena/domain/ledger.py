"""The ledger's format: hash-chained entries in canonical bytes. docs/ledger.md is its specification.

Pure functions: nothing here reads a clock, a database or a file.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from arena.domain.canonical import Json, canonical, sha256
from arena.errors import BadInput, Incomplete

FORMAT_VERSION = 1
HASH_PREFIX = b"clinical-arena ledger v1\n"
GENESIS = "0" * 64
OPERATOR = "operator"
"""The actor of what is done at the command line."""


class Kind(StrEnum):
    """What an entry records. A study's chain begins with `study`, the instance's with `instance`."""

    STUDY = "study"
    PLAN = "plan"
    STATE = "state"
    IMPORT = "import"
    QUESTION = "question"
    CONTENDER = "contender"
    ANSWER = "answer"
    CONSENT = "consent"
    MATCHUP = "matchup"
    VOTE = "vote"
    CORRECTION = "correction"
    EXCLUSION = "exclusion"
    READMISSION = "readmission"
    WITHDRAWAL = "withdrawal"
    ERASED = "erased"

    INSTANCE = "instance"
    SEAT = "seat"
    RENEWED = "renewed"
    REDEEMED = "redeemed"
    SEAT_REVOKED = "seat_revoked"
    IDENTITY_ERASED = "identity_erased"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    STUDY_RESTORED = "study_restored"


@dataclass(frozen=True)
class Draft:
    """An entry that has no place in a chain yet."""

    kind: Kind
    payload: Mapping[str, Json]
    actor: str = OPERATOR


@dataclass(frozen=True)
class Entry:
    """One entry of a chain: its canonical bytes are `body`, and `hash` stands for them and for all before them."""

    chain: str
    seq: int
    prev: str
    time: str
    kind: str
    actor: str
    payload: Mapping[str, Any]

    @property
    def body(self) -> str:
        """The canonical text that is hashed."""
        return canonical(self.fields())

    def fields(self) -> dict[str, Json]:
        """The entry as a JSON object."""
        return {
            "v": FORMAT_VERSION,
            "chain": self.chain,
            "seq": self.seq,
            "prev": self.prev,
            "time": self.time,
            "kind": self.kind,
            "actor": self.actor,
            "payload": self.payload,
        }


@dataclass(frozen=True)
class Head:
    """A ledger's position and the hash there. Kept elsewhere, it makes every later change of the past visible."""

    position: int
    hash: str


class LedgerBroken(Incomplete):
    """A check of a ledger failed. `position` is the first bad entry (0: the ledger as a whole)."""

    def __init__(self, position: int, reason: str) -> None:
        self.position = position
        self.reason = reason
        super().__init__(f"ledger entry {position}: {reason}" if position else f"ledger: {reason}")


def entry_hash(body: str) -> str:
    """The SHA-256 of an entry's canonical text behind the format's prefix, in hex."""
    return hashlib.sha256(HASH_PREFIX + body.encode()).hexdigest()


@dataclass(frozen=True)
class Linked:
    """An entry in its place: its number, its canonical text, and the hash that stands for it and all before it."""

    seq: int
    kind: str
    body: str
    hash: str


def link(chain: str, head: Head, drafts: Iterable[Draft], now: datetime) -> Iterator[Linked]:
    """Chain `drafts` behind `head`."""
    time = timestamp(now)
    for draft in drafts:
        entry = Entry(chain, head.position + 1, head.hash, time, draft.kind, draft.actor, draft.payload)
        body = entry.body
        head = Head(entry.seq, entry_hash(body))
        yield Linked(entry.seq, entry.kind, body, head.hash)


def check_link(fields: object, hash_: str, chain: str | None, head: Head) -> Entry:
    """Check that one entry follows `head` and hashes to `hash_`; `chain` None takes the chain from the first entry.

    Raises LedgerBroken with the position at which the entry was expected.
    """
    position = head.position + 1
    entry = parse(fields, position)
    if chain is not None and entry.chain != chain:
        raise LedgerBroken(position, f"it belongs to the chain {entry.chain}, not to {chain}")
    if entry.seq != position:
        raise LedgerBroken(position, f"the entry found here says it is number {entry.seq}")
    if entry.prev != head.hash:
        raise LedgerBroken(position, "it does not follow the entry before it (previous hash differs)")
    if entry_hash(entry.body) != hash_:
        raise LedgerBroken(position, "its content does not match its hash")
    return entry


def parse(fields: object, position: int) -> Entry:
    """Read an entry from a JSON object. Raises LedgerBroken where it has not the fields of one."""
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        raise LedgerBroken(position, f"it must have exactly the fields {', '.join(sorted(_FIELDS))}")
    # `type`, because true == 1 in Python and not in the ledger.
    if type(fields["v"]) is not int or fields["v"] != FORMAT_VERSION:
        raise LedgerBroken(position, f"format version {fields['v']!r} is not {FORMAT_VERSION}")
    texts = ("chain", "prev", "time", "kind", "actor")
    is_typed = all(isinstance(fields[name], str) for name in texts) and type(fields["seq"]) is int
    if not is_typed or not isinstance(fields["payload"], dict):
        raise LedgerBroken(position, "a field has the wrong type")
    entry = Entry(**{name: fields[name] for name in _FIELDS if name != "v"})
    try:
        entry.body.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LedgerBroken(position, f"it has no canonical form: {error}") from error
    return entry


_FIELDS = {"v", "chain", "seq", "prev", "time", "kind", "actor", "payload"}


def timestamp(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, microseconds, `2026-01-31T08:15:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read what `timestamp` wrote. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


W = TypeVar("W", bound=StrEnum)


def known(words: type[W], value: str, seq: int) -> W:
    """The word of a vocabulary that the row of entry `seq` has. Raises LedgerBroken where it is none of them."""
    try:
        return words(value)
    except ValueError:
        raise LedgerBroken(
            seq, f"its row in the database says '{value}', which is none of {', '.join(words)}"
        ) from None


@dataclass(frozen=True)
class Sealed:
    """A text that the ledger holds only as a salted commitment, so that it can be erased later."""

    text: str
    salt: str

    @property
    def commitment(self) -> str:
        """What the ledger holds: the SHA-256 of salt and text."""
        return sha256(f"clinical-arena sealed v1\n{self.salt}\n{self.text}")


def seal(text: str) -> Sealed:
    """Seal `text` under a fresh 128-bit salt."""
    return Sealed(text, secrets.token_hex(16))


def nonce() -> str:
    """128 random bits, in hex, for payloads that must not be guessed from their hash."""
    return secrets.token_hex(16)


def read_head(text: str) -> Head:
    """Read a head as a person gives it: `HASH` or `POSITION:HASH`. Raises BadInput."""
    position, colon, hash_ = text.strip().rpartition(":")
    wrong = (
        len(position) > 18
        or len(hash_) != 64
        or set(hash_) - set("0123456789abcdef")
        or (colon and not position.isdecimal())
    )
    if wrong:
        raise BadInput(f"'{text}' is not a ledger head: give 64 hex digits, or POSITION:HASH as a board prints it")
    return Head(int(position) if colon else 0, hash_)
