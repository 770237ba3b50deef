"""Seats, identities, invitations, sessions and tokens in the database. Secrets are stored as hashes only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update

from arena.domain import payloads
from arena.domain.access import ApiToken, Seat
from arena.domain.canonical import Json
from arena.domain.ledger import Kind
from arena.domain.vocabulary import Role
from arena.store import tables
from arena.store.base import table_of
from arena.store.engine import Transaction


@dataclass(frozen=True)
class SeatRow:
    """A seat as its study's admins see it, with the name behind the pseudonym unless that was erased."""

    seat: Seat
    name: str | None
    rater_id: int | None
    created_at: datetime
    is_revoked: bool
    has_withdrawn: bool

    @property
    def state(self) -> str:
        """The seat's state in a word. Of whoever withdrew, that the seat is closed would say less."""
        if self.has_withdrawn:
            return "withdrawn"
        return "revoked" if self.is_revoked else "consented" if self.seat.consented else "invited"


@dataclass(frozen=True)
class InvitationRow:
    """An invitation that can still be redeemed."""

    id: int
    seat: Seat
    expires_at: datetime


def add_seat(
    tx: Transaction,
    *,
    study_id: int,
    role: Role,
    pseudonym: str,
    name: str,
    rater_id: int | None,
    seq: int,
    now: datetime,
) -> int:
    """Store a seat and, apart from it, who sits on it."""
    values = {"study_id": study_id, "role": role, "pseudonym": pseudonym, "rater_id": rater_id, "seq": seq}
    seat_id = tx.scalars(insert(tables.Seat).values(**values, created_at=now).returning(tables.Seat.id)).one()
    tx.execute(insert(tables.SeatIdentity).values(seat_id=seat_id, name=name))
    return seat_id


def seats(tx: Transaction, study_id: int) -> list[SeatRow]:
    """A study's seats in the order in which they were made."""
    query = _seats().add_columns(
        tables.SeatIdentity.name,
        tables.Seat.rater_id,
        tables.Seat.created_at,
        tables.Seat.revoked_at,
        tables.Withdrawal.seq,
    )
    query = query.outerjoin(tables.SeatIdentity, tables.SeatIdentity.seat_id == tables.Seat.id)
    query = query.outerjoin(tables.Withdrawal, tables.Withdrawal.rater_id == tables.Seat.rater_id)
    query = query.where(tables.Seat.study_id == study_id).order_by(tables.Seat.id)
    return [
        SeatRow(_seat(row), name, rater_id, created_at, revoked_at is not None, withdrawn is not None)
        for *row, name, rater_id, created_at, revoked_at, withdrawn in tx.execute(query)
    ]


def rater_of(tx: Transaction, seat_id: int) -> int | None:
    """The rater who sits on a seat; None for the other roles, and where the seat was revoked."""
    return tx.scalar(_rater_of(), {"seat": seat_id})


@cache
def _rater_of() -> Select[int | None]:
    seat = tables.Seat
    return select(seat.rater_id).where(seat.id == bindparam("seat"), seat.revoked_at.is_(None))


def consent(tx: Transaction, seat_id: int, *, now: datetime) -> bool:
    """Record that the person on the seat has consented; False where that is recorded already, or the seat revoked."""
    seat = tables.Seat
    query = update(seat).where(seat.id == seat_id, seat.consented_at.is_(None), seat.revoked_at.is_(None))
    return tx.scalar(query.values(consented_at=now).returning(tables.Seat.id)) is not None


def erase_identity(tx: Transaction, seat_id: int) -> bool:
    """Delete who sits on a seat; False where that is not known any more."""
    query = delete(tables.SeatIdentity).where(tables.SeatIdentity.seat_id == seat_id)
    return tx.scalar(query.returning(tables.SeatIdentity.seat_id)) is not None


def named(tx: Transaction, *, study_id: int | None = None) -> set[str]:
    """The pseudonyms of the seats (of one study, or of all) whose person is known."""
    query = select(tables.Seat.pseudonym).join(tables.SeatIdentity, tables.SeatIdentity.seat_id == tables.Seat.id)
    return set(tx.scalars(query if study_id is None else query.where(tables.Seat.study_id == study_id)))


def revoke_seat(tx: Transaction, seat_id: int, *, now: datetime) -> None:
    """Close a seat, its sessions and its unused invitations."""
    tx.execute(update(tables.Seat).where(tables.Seat.id == seat_id).values(revoked_at=now))
    revoke_sessions(tx, seat_id, now=now)
    revoke_invitations(tx, seat_id)


def add_invitation(tx: Transaction, seat_id: int, secret_hash: str, *, expires_at: datetime) -> None:
    """Store a link that is about to be handed out."""
    tx.execute(insert(tables.Invitation).values(seat_id=seat_id, secret_hash=secret_hash, expires_at=expires_at))


def revoke_invitations(tx: Transaction, seat_id: int) -> None:
    """Make a seat's links that were not used worthless."""
    links = tables.Invitation
    tx.execute(delete(links).where(links.seat_id == seat_id, links.redeemed_at.is_(None)))


def invitation(tx: Transaction, secret_hash: str, *, now: datetime) -> InvitationRow | None:
    """The invitation behind a secret, if it can still be redeemed."""
    links = tables.Invitation
    query = _seats().add_columns(links.id, links.expires_at).join(links, links.seat_id == tables.Seat.id)
    query = query.where(links.secret_hash == secret_hash, links.redeemed_at.is_(None), links.expires_at > now)
    query = query.where(tables.Seat.revoked_at.is_(None))
    row = tx.execute(query).one_or_none()
    return InvitationRow(row[-2], _seat(row[:-2]), row[-1]) if row else None


def redeem(tx: Transaction, invitation_id: int, *, now: datetime) -> None:
    """Mark an invitation as used."""
    links = tables.Invitation
    tx.execute(update(links).where(links.id == invitation_id).values(redeemed_at=now))


def add_session(tx: Transaction, seat_id: int, secret_hash: str, *, expires_at: datetime) -> None:
    """Store a session that begins."""
    tx.execute(insert(tables.BrowserSession).values(seat_id=seat_id, secret_hash=secret_hash, expires_at=expires_at))


def session_seat(tx: Transaction, secret_hash: str, *, now: datetime) -> Seat | None:
    """The seat of a session that is valid now."""
    row = tx.execute(_session_seat(), {"secret": secret_hash, "now": now}).one_or_none()
    return _seat(row) if row else None


# What every request asks is built once: a statement costs more to build than to run.
@cache
def _session_seat() -> Select[*tuple[Any, ...]]:
    session = tables.BrowserSession
    query = _seats().join(session, session.seat_id == tables.Seat.id).where(session.secret_hash == bindparam("secret"))
    query = query.where(session.revoked_at.is_(None), session.expires_at > bindparam("now"))
    return query.where(tables.Seat.revoked_at.is_(None))


def revoke_session(tx: Transaction, secret_hash: str, *, now: datetime) -> None:
    """End one session."""
    session = tables.BrowserSession
    tx.execute(update(session).where(session.secret_hash == secret_hash).values(revoked_at=now))


def revoke_sessions(tx: Transaction, seat_id: int, *, now: datetime) -> None:
    """End all sessions of a seat."""
    session = tables.BrowserSession
    tx.execute(update(session).where(session.seat_id == seat_id, session.revoked_at.is_(None)).values(revoked_at=now))


def end_all(tx: Transaction) -> None:
    """Forget every session, and every link that was not used."""
    tx.execute(delete(tables.BrowserSession))
    tx.execute(delete(tables.Invitation).where(tables.Invitation.redeemed_at.is_(None)))


def add_token(
    tx: Transaction,
    *,
    study_id: int | None,
    role: Role,
    name: str,
    label: str,
    secret_hash: str,
    expires_at: datetime,
    seq: int,
) -> None:
    """Store an API token."""
    values = {"study_id": study_id, "role": role, "name": name, "label": label, "secret_hash": secret_hash, "seq": seq}
    tx.execute(insert(tables.ApiToken).values(**values, expires_at=expires_at))


def token(tx: Transaction, secret_hash: str, *, now: datetime) -> ApiToken | None:
    """The token behind a secret, if it is valid now."""
    query = _live_tokens(now).where(tables.ApiToken.secret_hash == secret_hash)
    row = tx.execute(query).one_or_none()
    return _token(row) if row else None


def tokens(tx: Transaction, *, now: datetime) -> list[tuple[ApiToken, datetime]]:
    """All tokens that are valid now, with the moment at which each expires."""
    return [(_token(row), row.expires_at) for row in tx.execute(_live_tokens(now).order_by(tables.ApiToken.id))]


def revoke_token(tx: Transaction, token_id: int, *, now: datetime) -> None:
    """Make a token worthless."""
    tx.execute(update(tables.ApiToken).where(tables.ApiToken.id == token_id).values(revoked_at=now))


def _live_tokens(now: datetime) -> Select[*tuple[Any, ...]]:
    return select(*table_of(tables.ApiToken).columns).where(
        tables.ApiToken.revoked_at.is_(None), tables.ApiToken.expires_at > now
    )


def _token(row: Row[*tuple[Any, ...]]) -> ApiToken:
    return ApiToken(row.id, row.name, Role(row.role), row.study_id, row.label)


def _seats() -> Select[*tuple[Any, ...]]:
    seat = tables.Seat
    columns = (seat.id, seat.study_id, tables.Study.name, seat.role, seat.pseudonym, seat.consented_at)
    return select(*columns).join(tables.Study, tables.Study.id == seat.study_id)


def _seat(row: Sequence[Any]) -> Seat:
    id_, study_id, study_name, role, pseudonym, consented_at = row
    return Seat(id_, study_id, study_name, Role(role), pseudonym, consented_at is not None)


def consented(tx: Transaction, study_id: int) -> set[str]:
    """The pseudonyms of those who have consented."""
    seat = tables.Seat
    return set(tx.scalars(select(seat.pseudonym).where(seat.study_id == study_id, seat.consented_at.is_not(None))))


def governed(tx: Transaction) -> Iterator[tuple[int, tuple[str, Mapping[str, Json]]]]:
    """What every seat and token should have as the payload of its entry in the instance's chain, by its number."""
    seat, token, study, rater = tables.Seat, tables.ApiToken, tables.Study, tables.Rater
    seats_ = (
        select(seat.seq, study.uid, seat.pseudonym, seat.role, rater.pseudonym)
        .join(study, study.id == seat.study_id)
        .outerjoin(rater, rater.id == seat.rater_id)
    )
    for seq, uid, pseudonym, role, votes_as in tx.execute(seats_):
        wrong = {} if votes_as == (pseudonym if role == Role.RATER else None) else {"rater": votes_as or "nobody"}
        yield seq, (Kind.SEAT, payloads.seat(uid, pseudonym, role) | wrong)
    tokens_ = select(*table_of(token).columns, study.uid).outerjoin(study, study.id == token.study_id)
    for row in tx.execute(tokens_):
        yield row.seq, (Kind.TOKEN, payloads.token(row.uid, row.name, row.role, row.secret_hash, row.expires_at))


def revoked(tx: Transaction) -> set[str]:
    """The pseudonyms of revoked seats and the names of revoked tokens."""
    seats_ = select(tables.Seat.pseudonym).where(tables.Seat.revoked_at.is_not(None))
    tokens_ = select(tables.ApiToken.name).where(tables.ApiToken.revoked_at.is_not(None))
    return {*tx.scalars(seats_), *tx.scalars(tokens_)}
