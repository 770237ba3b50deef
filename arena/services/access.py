"""Who may come in: invitations, sessions, tokens.

Secrets are 256 random bits, shown once and stored as their SHA-256: a hash of that many random bits needs no salt.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta

from arena.domain import payloads
from arena.domain.access import ApiToken, Invitation, Issued, Seat
from arena.domain.canonical import sha256
from arena.domain.ledger import Draft, Kind
from arena.domain.study import Act
from arena.domain.vocabulary import Role
from arena.errors import BadInput, Conflict, NotFound
from arena.services.studies import find, held
from arena.store import access as store
from arena.store import ledger, raters, studies
from arena.store.access import SeatRow
from arena.store.engine import Database, Transaction

_NOT_VALID = "this link is not valid: it has been used already, has expired, or was mistyped; ask for a new one"


def invite(db: Database, study_name: str, *, role: Role, name: str, days: int, now: datetime) -> Issued:
    """Make a seat and a link to it. `name` is kept apart from the pseudonym, in a row that can be deleted.

    Raises Conflict where a person of this name has a seat of this role already.
    """
    _check_name(name)
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.INVITE)
        if _seat_named(tx, study.id, role, name):
            raise Conflict(f"{name} has a seat as {role} in '{study_name}' already; --renew makes a new link to it")
        pseudonym = _pseudonym(role)
        [entry] = ledger.append(tx, None, [Draft(Kind.SEAT, payloads.seat(study.uid, pseudonym, role))], now=now)
        rater_id = raters.add(tx, study.id, pseudonym, "invited") if role is Role.RATER else None
        seat_id = store.add_seat(
            tx, study_id=study.id, role=role, pseudonym=pseudonym, name=name, rater_id=rater_id, seq=entry.seq, now=now
        )
        return _link(tx, seat_id, pseudonym, now, days)


def renew(db: Database, study_name: str, *, role: Role, name: str, days: int, now: datetime) -> Issued:
    """Make a new link to a seat, named by the person's name or pseudonym; links not used so far become worthless."""
    with db.write() as tx:
        study = held(tx, study_name)
        row = _seat_named(tx, study.id, role, name)
        if row is None:
            raise NotFound(f"no {role} called '{name}' has a seat in '{study_name}'; `arena seat list` shows the seats")
        store.revoke_invitations(tx, row.seat.id)
        payload = payloads.seat_event(study.uid, row.seat.pseudonym)
        ledger.append(tx, None, [Draft(Kind.RENEWED, payload)], now=now)
        return _link(tx, row.seat.id, row.seat.pseudonym, now, days)


def seats(db: Database, study_name: str) -> list[SeatRow]:
    """A study's seats."""
    with db.read() as tx:
        return store.seats(tx, find(tx, study_name).id)


def revoke_seat(db: Database, study_name: str, pseudonym: str, *, now: datetime) -> None:
    """Close a seat: its sessions end and its links become worthless. Its votes stay."""
    with db.write() as tx:
        study = held(tx, study_name)
        found = [row for row in store.seats(tx, study.id) if row.seat.pseudonym == pseudonym and not row.is_revoked]
        if not found:
            raise NotFound(f"'{study_name}' has no seat '{pseudonym}'; `arena seat list` shows the seats")
        payload = payloads.seat_event(study.uid, pseudonym)
        ledger.append(tx, None, [Draft(Kind.SEAT_REVOKED, payload)], now=now)
        store.revoke_seat(tx, found[0].seat.id, now=now)


def look_up(db: Database, secret: str, *, now: datetime) -> Invitation:
    """What a link opens, without using it. Raises NotFound, alike for every link that does not work."""
    with db.read() as tx:
        row = store.invitation(tx, sha256(secret), now=now)
        if row is None:
            raise NotFound(_NOT_VALID)
        return Invitation(studies.by_id(tx, row.seat.study_id).title, row.seat.role, row.expires_at)


def redeem(db: Database, secret: str, *, now: datetime, hours: int) -> tuple[str, Seat]:
    """Use a link: a new session of the seat begins, its older ones end. Returns the session's secret."""
    with db.write() as tx:
        # Locks are taken in one order everywhere: the instance's chain, then rows.
        ledger.chain_of(tx, None, lock=True)
        row = store.invitation(tx, sha256(secret), now=now)
        if row is None:
            raise NotFound(_NOT_VALID)
        study = studies.by_id(tx, row.seat.study_id)
        payload = payloads.seat_event(study.uid, row.seat.pseudonym)
        ledger.append(tx, None, [Draft(Kind.REDEEMED, payload, row.seat.pseudonym)], now=now)
        store.redeem(tx, row.id, now=now)
        store.revoke_sessions(tx, row.seat.id, now=now)
        session = _secret()
        store.add_session(tx, row.seat.id, sha256(session), expires_at=now + timedelta(hours=hours))
        return session, row.seat


def seat_of(db: Database, session: str, *, now: datetime) -> Seat | None:
    """The seat of a session that is valid now."""
    with db.read() as tx:
        return store.session_seat(tx, sha256(session), now=now)


def sign_out(db: Database, session: str, *, now: datetime) -> None:
    """End a session."""
    with db.write() as tx:
        store.revoke_session(tx, sha256(session), now=now)


def consent(db: Database, seat: Seat, *, now: datetime) -> Seat:
    """Record that a rater has consented."""
    with db.write() as tx:
        ledger.chain_of(tx, seat.study_id, lock=True)
        if store.consent(tx, seat.id, now=now):
            plan = studies.by_id(tx, seat.study_id).plan
            draft = Draft(Kind.CONSENT, payloads.consent(seat.pseudonym, plan.digest), seat.pseudonym)
            ledger.append(tx, seat.study_id, [draft], now=now)
    return Seat(seat.id, seat.study_id, seat.study_name, seat.role, seat.pseudonym, consented=True)


def create_token(db: Database, *, role: Role, study_name: str | None, label: str, days: int, now: datetime) -> Issued:
    """Make an API token: `role` in one study, or in all where `study_name` is None."""
    if role is Role.RATER:
        raise BadInput("raters vote in a browser; a token is for an analyst, a reviewer or an admin")
    _check_name(label)
    with db.write() as tx:
        study = find(tx, study_name) if study_name is not None else None
        ledger.ensure_instance(tx, now=now)
        name = f"token-{secrets.token_hex(4)}"
        secret, expires_at = _secret(), now + timedelta(days=days)
        payload = payloads.token(study.uid if study else None, name, role, sha256(secret), expires_at)
        [entry] = ledger.append(tx, None, [Draft(Kind.TOKEN, payload)], now=now)
        store.add_token(
            tx,
            study_id=study.id if study else None,
            role=role,
            name=name,
            label=label,
            secret_hash=sha256(secret),
            expires_at=expires_at,
            seq=entry.seq,
        )
        return Issued(secret, name, expires_at)


def token_of(db: Database, secret: str, *, now: datetime) -> ApiToken | None:
    """The token behind a secret, if it is valid now."""
    with db.read() as tx:
        return store.token(tx, sha256(secret), now=now)


def tokens(db: Database, *, now: datetime) -> list[tuple[ApiToken, datetime]]:
    """The tokens that are valid now, each with the moment at which it expires."""
    with db.read() as tx:
        return store.tokens(tx, now=now)


def revoke_token(db: Database, name: str, *, now: datetime) -> None:
    """Make a token worthless."""
    with db.write() as tx:
        found = [token for token, _ in store.tokens(tx, now=now) if token.name == name]
        if not found:
            raise NotFound(f"there is no valid token '{name}'; `arena token list` shows those there are")
        ledger.append(tx, None, [Draft(Kind.TOKEN_REVOKED, {"token": name})], now=now)
        store.revoke_token(tx, found[0].id, now=now)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadInput("a name must be 1 to 200 printable characters")


def _seat_named(tx: Transaction, study_id: int, role: Role, name: str) -> SeatRow | None:
    live = [row for row in store.seats(tx, study_id) if row.seat.role is role and not row.is_revoked]
    return next((row for row in live if name in (row.name, row.seat.pseudonym)), None)


def _link(tx: Transaction, seat_id: int, pseudonym: str, now: datetime, days: int) -> Issued:
    secret, expires_at = _secret(), now + timedelta(days=days)
    store.add_invitation(tx, seat_id, sha256(secret), expires_at=expires_at)
    return Issued(secret, pseudonym, expires_at)


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _pseudonym(role: Role) -> str:
    return f"{role}-{base64.b32encode(secrets.token_bytes(5)).decode().lower()}"
