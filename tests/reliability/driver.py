"""One vote in a process of its own, for a tracer to break: it says when it is ready, and what it was promised."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, Receipt
from arena.errors import ArenaError
from arena.services import voting
from arena.store import votes
from arena.store.engine import Database, Transaction, open_database
from tests.studies import later

ANY_TRACER = 0x59616D61, ctypes.c_ulong(-1)
Cast = Callable[[Database, Seat, Ballot], Receipt]


def honest(db: Database, seat: Seat, ballot: Ballot) -> Receipt:
    """The vote as the server casts it, with the next pair issued."""
    return voting.cast_and_go_on(db, seat, ballot, now=later(5))


def in_two_transactions(db: Database, seat: Seat, ballot: Ballot) -> Receipt:
    """A control: the entry is committed first, and its row afterwards."""
    kept: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def put_off(_tx: Transaction, *args: Any, **named: Any) -> None:
        kept.append((args, named))

    with patch.object(votes, "add_cast", put_off):
        receipt = honest(db, seat, ballot)
    with db.write() as tx:
        for args, named in kept:
            votes.add_cast(tx, *args, **named)
    return receipt


def drive(url: str, seat: Seat, ballot: Ballot, cast: Cast, keeps: bool, early: bool, pipe: Connection) -> None:
    """Wait for the tracer, vote, and say how it went: `acknowledged`, or what a person would be told.

    With `keeps` the connection to the database is there before the tracer is. With `early` (a control) the
    acknowledgement comes before the vote.
    """
    logging.disable()  # what libraries say of a broken connection is no news here
    ctypes.CDLL(None).prctl(*ANY_TRACER, 0, 0, 0)
    db = open_database(url)
    backend = 0
    if keeps:
        with db.read() as tx:
            backend = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    pipe.send((os.getpid(), backend))
    pipe.recv()
    if early:
        pipe.send("acknowledged")
    try:
        cast(db, seat, ballot)
    except ArenaError as error:
        pipe.send(f"error: {error}")
    else:
        if not early:
            pipe.send("acknowledged")
    db.close()
