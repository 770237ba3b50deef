"""Rate limits of sessions and addresses: the generic cell rate algorithm (GCRA; ITU-T I.371, annex A).

One moment is kept for each session and address: the one until which its allowance is spent (the theoretical arrival
time). A request moves it on by one step, and is refused where that would lead beyond a window from now. So a window's
worth may come at once, a step refills one request, and how long to wait is known to the microsecond.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from arena.domain.canonical import sha256
from arena.store import access as access_store
from arena.store import limits as store
from arena.store.engine import Database, Transaction

SKEW = timedelta(minutes=1)
"""What the clocks of servers on one database may differ by."""


@dataclass(frozen=True)
class Rate:
    """Requests a minute in the long run, half of which may come at once."""

    per_minute: int

    @property
    def step(self) -> timedelta:
        """What one request costs."""
        return timedelta(minutes=1) / self.per_minute

    @property
    def window(self) -> timedelta:
        """What may be spent ahead: half a minute's requests, and one at least."""
        return self.step * math.ceil(self.per_minute / 2)

    def spent(self, until: datetime | None, now: datetime) -> datetime:
        """The stored moment as it counts now: not in the past.

        Nor so far ahead that no request can have led there: then a clock was set back, which must shut nobody out.
        """
        return now if until is None or until > now + self.window + SKEW else max(until, now)

    def wait(self, until: datetime | None, now: datetime) -> timedelta:
        """How long until one more request is allowed; zero or less where it is allowed now."""
        return self.spent(until, now) + self.step - self.window - now


@dataclass(frozen=True)
class Rates:
    """The rate of one session or token, and of one address for what comes without either."""

    session: Rate
    address: Rate


@dataclass(frozen=True)
class Asker:
    """Who asks: the secrets that the request carries, valid or not, and the address it comes from."""

    sessions: Sequence[str]
    token: str | None
    address: str

    @property
    def has_secret(self) -> bool:
        """Whether there is a secret at all, valid or not."""
        return bool(self.sessions or self.token is not None)


@dataclass(frozen=True)
class Account:
    """Whose allowance a request is charged to, and until when that was spent when it was looked at."""

    key: str
    rate: Rate
    until: datetime | None
    is_session: bool


@dataclass(frozen=True)
class Refusal:
    """A request too many: the whole seconds after which one more is allowed, and whose allowance is used up."""

    seconds: int
    is_session: bool


def account(db: Database, asker: Asker, rates: Rates, *, now: datetime) -> Account:
    """Whom to charge: the first valid one of the token and the sessions; where none is valid, the address.

    So guessing secrets costs the address, while those who are signed in share nothing with their neighbours.
    """
    with db.read() as tx:
        session = _valid(tx, asker, now)
        key = f"session:{sha256(session)}" if session else f"address:{sha256(f'{store.salt(tx)} {asker.address}')}"
        rate = rates.session if session else rates.address
        return Account(key, rate, store.until(tx, key), is_session=session is not None)


def charge(db: Database, to: Account, *, clock: Callable[[], datetime]) -> Refusal | None:
    """Count one request, or refuse it and count nothing. Servers on one database share the count.

    The clock is read when the account is held, however long that took: who waited for the database is not late.
    """
    # Looked at before it is held: a flood that is refused takes no turn among those who write.
    wait = to.rate.wait(to.until, clock())
    if wait <= timedelta():
        wait = _spend(db, to, clock)
    return Refusal(math.ceil(wait.total_seconds()), to.is_session) if wait > timedelta() else None


def _spend(db: Database, to: Account, clock: Callable[[], datetime]) -> timedelta:
    """Count one request, unless others came first. Returns how long to wait, as `Rate.wait` does."""
    with db.write() as tx:
        until = store.hold(tx, to.key, now=clock())
        now = clock()
        wait = to.rate.wait(until, now)
        if wait <= timedelta():
            store.spend(tx, to.key, to.rate.spent(until, now) + to.rate.step)
            if until <= now:
                store.forget(tx, now=now)
        return wait


def _valid(tx: Transaction, asker: Asker, now: datetime) -> str | None:
    """The hash of the first secret that is valid now."""
    if asker.token is not None and access_store.token(tx, sha256(asker.token), now=now):
        return sha256(asker.token)
    hashes = (sha256(session) for session in asker.sessions)
    return next((found for found in hashes if access_store.session_seat(tx, found, now=now)), None)
