"""The tables. `migrations/` issues the DDL; `arena db upgrade` applies it.

`vote`, `vote_change`, `withdrawal`, `matchup` and `ledger_entry` are append-only: triggers refuse UPDATE and DELETE.
A row that the ledger commits to carries the number of its entry in `seq`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from arena.store.base import Base, row_id


class Chain(Base):
    """One hash chain: a study's, or the instance's (`study_id` null). The row is the lock that serialises appends.

    `name` keeps the instance to one chain; a study's is its uid.
    """

    __tablename__ = "chain"

    id: Mapped[int] = row_id()
    name: Mapped[str] = mapped_column(unique=True)
    uid: Mapped[str] = mapped_column(unique=True)
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"), unique=True)
    head_seq: Mapped[int]
    head_hash: Mapped[str]


class LedgerEntry(Base):
    """One entry of a chain; `body` is its canonical text. Append-only."""

    __tablename__ = "ledger_entry"

    chain_id: Mapped[int] = mapped_column(ForeignKey("chain.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    body: Mapped[str]
    hash: Mapped[str]


class SealedText(Base):
    """A text that the ledger holds only as a commitment: erasing it deletes this row."""

    __tablename__ = "sealed_text"

    chain_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    salt: Mapped[str]


class Study(Base):
    """A protocol with its state and plan."""

    __tablename__ = "study"

    id: Mapped[int] = row_id()
    uid: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    state: Mapped[str]
    plan: Mapped[str]
    created_at: Mapped[datetime]


class Question(Base):
    """One clinical question. `key` is its id in the files; `must_have` and `extra` are canonical JSON."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("study_id", "key"), UniqueConstraint("study_id", "seq"))

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    key: Mapped[str]
    text: Mapped[str]
    context: Mapped[str | None]
    task: Mapped[str | None]
    category: Mapped[str | None]
    language: Mapped[str | None]
    source: Mapped[str | None]
    reference: Mapped[str | None]
    must_have: Mapped[str]
    extra: Mapped[str]
    seq: Mapped[int]


class Contender(Base):
    """One system under test. `origin` says how its answers come: `imported`. `settings` is canonical JSON."""

    __tablename__ = "contender"
    __table_args__ = (UniqueConstraint("study_id", "name"), UniqueConstraint("study_id", "seq"))

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    name: Mapped[str]
    origin: Mapped[str]
    settings: Mapped[str]
    seq: Mapped[int]


class Answer(Base):
    """One text of a contender on a question. `digest` is what the ledger commits to."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("question_id", "contender_id"),
        UniqueConstraint("study_id", "seq"),
        Index(None, "study_id", "contender_id"),
    )

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    contender_id: Mapped[int] = mapped_column(ForeignKey("contender.id"))
    text: Mapped[str]
    provenance: Mapped[str]
    digest: Mapped[str]
    seq: Mapped[int]


class Pairing(Base):
    """A question with two answers, unordered (the lower contender name first): the unit of the plan."""

    __tablename__ = "pairing"
    __table_args__ = (
        UniqueConstraint("answer_low_id", "answer_high_id"),
        Index(None, "study_id", "contender_low_id", "contender_high_id"),
        Index("uq_pairing_contenders", "id", "contender_low_id", "contender_high_id", unique=True),
    )

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    answer_low_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    answer_high_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    contender_low_id: Mapped[int] = mapped_column(ForeignKey("contender.id"))
    contender_high_id: Mapped[int] = mapped_column(ForeignKey("contender.id"))


class Rater(Base):
    """A person who judges, under a pseudonym. `origin`: invited or imported."""

    __tablename__ = "rater"
    __table_args__ = (UniqueConstraint("study_id", "pseudonym"),)

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    pseudonym: Mapped[str]
    origin: Mapped[str]


class Matchup(Base):
    """A pairing shown to one rater, with its sides. Append-only.

    `chance` is that with which its contenders were drawn; null where they were not drawn.
    """

    __tablename__ = "matchup"
    __table_args__ = (
        UniqueConstraint("rater_id", "pairing_id"),
        UniqueConstraint("study_id", "seq"),
        Index(None, "pairing_id"),
    )

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    pairing_id: Mapped[int] = mapped_column(ForeignKey("pairing.id"))
    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"))
    token: Mapped[str] = mapped_column(unique=True)
    answer_a_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    answer_b_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    issued_at: Mapped[datetime]
    seq: Mapped[int]
    chance: Mapped[float | None] = mapped_column(Double)


class Claim(Base):
    """Which matchup holds which of a pairing's places. `is_open` until its vote; one open claim a rater.

    The database itself keeps two raters off one place, and a rater from two open matchups. The contenders are the
    pairing's (a foreign key holds them to it), so that what has been served is counted without looking at pairings.
    """

    __tablename__ = "claim"
    __table_args__ = (
        Index(
            "uq_claim_open_rater",
            "rater_id",
            unique=True,
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
        Index(None, "study_id", "is_open", "expires_at"),
        Index(None, "study_id", "contender_low_id", "contender_high_id"),
        Index(None, "study_id", "place", "pairing_id"),
        Index(None, "rater_id", "pairing_id"),
        ForeignKeyConstraint(
            ["pairing_id", "contender_low_id", "contender_high_id"],
            ["pairing.id", "pairing.contender_low_id", "pairing.contender_high_id"],
            name="fk_claim_pairing_contenders",
        ),
    )

    pairing_id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contender_low_id: Mapped[int]
    contender_high_id: Mapped[int]
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    matchup_id: Mapped[int] = mapped_column(ForeignKey("matchup.id"), unique=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"))
    is_open: Mapped[bool]
    expires_at: Mapped[datetime]


class Vote(Base):
    """One recorded preference. Append-only. `key` is its identity within the study."""

    __tablename__ = "vote"
    __table_args__ = (
        UniqueConstraint("study_id", "key"),
        UniqueConstraint("study_id", "seq"),
        Index(None, "study_id", "source", "seq"),
        Index(None, "rater_id"),
    )

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    seq: Mapped[int]
    key: Mapped[str]
    matchup_id: Mapped[int | None] = mapped_column(ForeignKey("matchup.id"), unique=True)
    question_id: Mapped[int | None] = mapped_column(ForeignKey("question.id"))
    contender_a_id: Mapped[int] = mapped_column(ForeignKey("contender.id"))
    contender_b_id: Mapped[int] = mapped_column(ForeignKey("contender.id"))
    answer_a_id: Mapped[int | None] = mapped_column(ForeignKey("answer.id"))
    answer_b_id: Mapped[int | None] = mapped_column(ForeignKey("answer.id"))
    rater_id: Mapped[int | None] = mapped_column(ForeignKey("rater.id"))
    source: Mapped[str]
    choice: Mapped[str]
    reason: Mapped[str | None]
    simulated: Mapped[bool]
    voted_at: Mapped[datetime | None]


class PackedVotes(Base):
    """A copy of all votes of one source behind the entry `after_seq` up to `last_seq`: see `store.packed`.

    Rows may be deleted at any time; the next command that computes a board makes them anew.
    """

    __tablename__ = "packed_votes"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    after_seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_seq: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class VoteChange(Base):
    """What became of a vote after it was cast: one row for each vote that an entry changes. Append-only.

    `kind` is a `VoteChangeKind`; `choice` and `reason` are a correction's.
    """

    __tablename__ = "vote_change"
    __table_args__ = (UniqueConstraint("vote_id", "seq"), Index(None, "study_id", "seq"))

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    seq: Mapped[int]
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"))
    kind: Mapped[str]
    choice: Mapped[str | None]
    reason: Mapped[str | None]


class Withdrawal(Base):
    """A rater who has withdrawn from a study. Append-only."""

    __tablename__ = "withdrawal"

    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"), primary_key=True, autoincrement=False)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    seq: Mapped[int]


class RateBucket(Base):
    """How much of its allowance a session or an address has used: the moment until which it is spent.

    `key` is a hash; neither the session nor the address can be read from it.
    """

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(index=True)


class Seat(Base):
    """A person's place in a study: a role under a pseudonym; raters' seats lead to their rater row."""

    __tablename__ = "seat"
    __table_args__ = (UniqueConstraint("study_id", "pseudonym"),)

    id: Mapped[int] = row_id()
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    role: Mapped[str]
    pseudonym: Mapped[str]
    rater_id: Mapped[int | None] = mapped_column(ForeignKey("rater.id"), unique=True)
    created_at: Mapped[datetime]
    consented_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    seq: Mapped[int] = mapped_column(unique=True)


class SeatIdentity(Base):
    """Who sits on a seat: the only table with a person's name. Its rows can be deleted."""

    __tablename__ = "identity"

    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"), primary_key=True)
    name: Mapped[str]


class Invitation(Base):
    """A link that has been handed out: the hash of its secret only."""

    __tablename__ = "invitation"

    id: Mapped[int] = row_id()
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]


class BrowserSession(Base):
    """A signed-in browser: the hash of its cookie's random value."""

    __tablename__ = "browser_session"

    id: Mapped[int] = row_id()
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiToken(Base):
    """A token for the API: a role in one study, or in all (`study_id` null)."""

    __tablename__ = "api_token"

    id: Mapped[int] = row_id()
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"))
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    label: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    seq: Mapped[int] = mapped_column(unique=True)
