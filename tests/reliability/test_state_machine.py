"""Whatever is done to a study in whatever order, its record says what a small model of it says."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from arena.domain.access import Seat
from arena.domain.blinding import Ballot, Receipt
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import Vote, VoteChange
from arena.errors import ArenaError
from arena.services import record, voting
from arena.store import changes, ledger
from arena.store.engine import Database, Transaction
from tests.reliability.record_machine import RecordMachine
from tests.scale import IS_LONG, scaled
from tests.studies import NOW

STEPS = scaled(30, 50)


@dataclass
class Copies:
    """Databases copied from the templates, one after another."""

    request: pytest.FixtureRequest
    directory: Path

    def path(self) -> Path:
        """A file that is not there yet."""
        return self.directory / f"{uuid.uuid4().hex}.db"

    def make(self, kind: str) -> str:
        """The URL of an empty, migrated database."""
        if kind == "sqlite":
            path = self.path()
            shutil.copy(self.request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        name, template = f"test_{uuid.uuid4().hex}", self.request.getfixturevalue("postgres_template")
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        server = make_url(self.request.getfixturevalue("postgres_url")).set(drivername="postgresql", database=name)
        return server.render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Delete a database that `make` made."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            self._admin(f'DROP DATABASE "{parsed.database}" WITH (FORCE)')
            return
        path = Path(str(parsed.database))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.request.getfixturevalue("postgres_url"), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def copies(request: pytest.FixtureRequest, database_folder: Path) -> Copies:
    """Where the machines of one test get their databases."""
    return Copies(request, database_folder)


def run(kind: str, copies: Copies, runs: int, steps: int = STEPS, *, shrinks: bool = True) -> None:
    """Run the machine; raises what it finds, with the shortest steps that lead there."""
    machine = type("Machine", (RecordMachine,), {"kind": kind, "databases": copies})
    how = settings(
        max_examples=runs,
        stateful_step_count=steps,
        derandomize=not IS_LONG,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
    )
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.reliability
def test_the_record_of_a_study_is_what_was_done_to_it_on_sqlite(copies: Copies) -> None:
    run("sqlite", copies, scaled(6, 150))


@pytest.mark.reliability
def test_the_record_of_a_study_is_what_was_done_to_it_on_postgresql(copies: Copies) -> None:
    run("postgresql", copies, scaled(2, 50))


# Controls: services that are broken on purpose


def a_correction_without_an_entry(tx: Transaction, seat: Seat, vote: Vote, ballot: Ballot, now: datetime) -> Receipt:
    """In place of `record._record`: the row only."""
    head = ledger.chain_of(tx, seat.study_id).head
    change = VoteChange(head.position + 1, vote.seq, VoteChangeKind.CORRECTED, ballot.choice, ballot.reason)
    changes.add(tx, seat.study_id, [change])
    return Receipt(change.seq, head.hash, now)


def any_repetition_is_the_same(tx: Transaction, study_id: int, earlier: Vote, _: Ballot) -> Receipt:
    """In place of `voting._same`: another choice gets the receipt of the first."""
    return Receipt(earlier.seq, ledger.entry_hash(tx, study_id, earlier.seq), NOW)


@contextmanager
def what_failed_is_kept(db: Database, study_id: int | None = None) -> Iterator[Transaction]:
    """In place of `Database.write`: committed whatever happens."""
    options = {"arena_write": True}
    with db.engine.connect().execution_options(**options) as connection:
        try:
            yield connection
        finally:
            connection.commit()


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (record, "_record", a_correction_without_an_entry),
        (voting, "_same", any_repetition_is_the_same),
        (Database, "write", what_failed_is_kept),
    ],
)
def test_a_broken_service_is_found(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: object
) -> None:
    monkeypatch.setattr(module, name, broken)
    with pytest.raises((AssertionError, ArenaError, SQLAlchemyError)):
        run("sqlite", copies, 100, 30, shrinks=False)
