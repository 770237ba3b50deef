"""Databases and ledgers that released versions wrote (tests/golden): upgraded, read, restored and gone on with."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from arena import assets
from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.domain.ledger import Head, LedgerBroken
from arena.domain.vocabulary import Choice, Role
from arena.services import access, audit, erasure, exclusions, exports, record, restore, studies, voting
from arena.services.against import Export, study_extends
from arena.services.backup import audited
from arena.store import schema
from arena.store.engine import Database
from docs.verify_ledger import verify
from tests.conftest import MakeDatabase
from tests.services.eventful import eventful
from tests.studies import later

GOLDEN = Path(__file__).parents[1] / "golden"
DATABASES = sorted(GOLDEN.glob("*.gz"))
LEDGERS = sorted(GOLDEN.glob("*.jsonl"))
MIGRATIONS = assets.path("migrations")
FIRST = "0001"
_LATER = 10_000
"""Minutes after which all kept studies go on: behind everything that happened in them."""


@dataclass(frozen=True)
class Kept:
    """A database of an earlier version, as it was written, and the ledgers that it exported, by study."""

    db: Database
    ledgers: Mapping[str, bytes]


def _version(path: Path) -> str:
    return path.name.removesuffix(".gz")


@pytest.fixture(params=DATABASES, ids=_version)
def kept(request: pytest.FixtureRequest, make_db: MakeDatabase) -> Kept:
    """Every kept database in turn, not upgraded."""
    version, kind = request.param.name.removesuffix(".gz").removesuffix(".sql").rsplit(".", 1)
    found = [path.read_bytes() for path in LEDGERS if path.name.startswith(f"{version}-{kind}-")]
    db, content = make_db(kind), gzip.decompress(request.param.read_bytes())
    (_load_sqlite if kind == "sqlite" else _load_postgresql)(db, content)
    return Kept(db, {json.loads(data.splitlines()[0])["study"]: data for data in found})


def _load_sqlite(db: Database, content: bytes) -> None:
    db.close()
    path = Path(str(db.engine.url.database))
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()
    path.write_bytes(content)


def _load_postgresql(db: Database, content: bytes) -> None:
    # Backslash lines are psql's own; an older server does not know every setting of the one that was dumped.
    unknown = ("\\restrict", "\\unrestrict", "SET transaction_timeout")
    lines = [line for line in content.decode().splitlines(keepends=True) if not line.startswith(unknown)]
    server = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("".join(lines).encode())


def exported(db: Database, study: str) -> bytes:
    """The ledger of a study."""
    buffer = io.BytesIO()
    exports.export(db, studies.get(db, study), "ledger", buffer, "jsonl")
    return buffer.getvalue()


def head_of(ledger: bytes) -> Head:
    """The head that a ledger's first line names."""
    header = json.loads(ledger.splitlines()[0])
    return Head(header["position"], header["head"])


def test_there_is_a_database_of_each_kind_with_a_ledger_of_every_version() -> None:
    kinds = {(p.name.split(".sqlite")[0].split(".postgresql")[0], "sqlite" in p.name) for p in DATABASES}
    versions = {version for version, _ in kinds}
    assert "0.1.0" in versions
    assert kinds == {(version, is_sqlite) for version in versions for is_sqlite in (True, False)}
    for version in versions:
        assert {p.name.split("-")[1] for p in LEDGERS if p.name.startswith(f"{version}-")} == {"sqlite", "postgresql"}


def test_an_upgraded_database_says_to_the_byte_what_it_said(kept: Kept) -> None:
    schema.upgrade(kept.db, MIGRATIONS)
    schema.check(kept.db, MIGRATIONS)
    schema.require_current(kept.db, MIGRATIONS)
    assert kept.ledgers
    heads = {one.name: one.head for one in audited(kept.db)}
    for study, ledger in kept.ledgers.items():
        assert heads[study] == head_of(ledger)
        assert exported(kept.db, study) == ledger


def test_raters_go_on_in_an_upgraded_database_and_old_votes_can_be_corrected_excluded_and_withdrawn(kept: Kept) -> None:
    schema.upgrade(kept.db, MIGRATIONS)
    for study, ledger in kept.ledgers.items():
        seats = [row.seat for row in access.seats(kept.db, study) if not row.is_revoked]
        cast = sum(_goes_on(kept.db, seat) for seat in seats if seat.role is Role.RATER and seat.consented)
        assert cast
        first, *_ = [seat for seat in seats if seat.role is Role.RATER and record.own_votes(kept.db, seat)]
        old = record.own_votes(kept.db, first)[-1].receipt
        exclusions.exclude(kept.db, study, entries=[old.position], reason="a trial", now=later(_LATER))
        done = erasure.withdraw(kept.db, study, first.pseudonym, now=later(_LATER))
        assert done.name
        assert done.votes
        grown = study_extends(kept.db, studies.get(kept.db, study).id, Export("old", io.BytesIO(ledger)))
        assert grown.added >= cast + 3
        assert grown.audited.texts_missing == 0
    audited(kept.db)


def _goes_on(db: Database, seat: Seat) -> bool:
    """Whether a rater could vote again; the pair that was open is the one that is given. Corrects the oldest vote."""
    before = record.own_votes(db, seat)
    assert all(vote.intact for vote in before)
    if before:
        receipt = record.correct(db, seat, Ballot(before[-1].token, Choice.TIE_GOOD, None, "on"), now=later(_LATER))
        assert record.own_votes(db, seat)[-1].corrected == receipt
    was_open = voting.sitting(db, seat).matchup
    shown = voting.next_matchup(db, seat, now=later(_LATER))
    if shown is None:
        return False
    assert was_open in (None, shown)
    voting.cast_vote(db, seat, Ballot(shown.token, Choice.B_BETTER), now=later(_LATER))
    return len(record.own_votes(db, seat)) == len(before) + 1


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda path: path.stem)
def test_a_kept_ledger_is_verified_by_both_verifiers_and_restored(ledger: Path, db: Database) -> None:
    data = ledger.read_bytes()
    head = head_of(data)
    assert verify(data) == f"{head.position}:{head.hash}"
    assert audit.audit_file(io.BytesIO(data), "k").head == head
    study, is_new = restore.restore(db, io.BytesIO(data), "k", now=later(_LATER))
    assert is_new
    assert audit.audit_study(db, study.id, head=head).head == head
    assert exported(db, study.name) == data


_SAMPLES = text(
    "SELECT attname FROM pg_stats WHERE (tablename, attname) IN "
    "(('sealed_text', 'text'), ('sealed_text', 'salt'), ('identity', 'name'))"
)


@pytest.mark.parametrize("kept", [p for p in DATABASES if "postgresql" in p.name], ids=_version, indirect=True)
def test_an_upgraded_postgresql_holds_no_samples_of_erasable_texts(kept: Kept) -> None:
    found = []
    for upgrade in (lambda: None, lambda: schema.upgrade(kept.db, MIGRATIONS)):
        with kept.db.outside() as connection:
            connection.execute(text("ANALYZE"))
        upgrade()
        with kept.db.outside() as connection:
            found.append(set(connection.scalars(_SAMPLES)))
            connection.execute(text("ANALYZE"))
            found.append(set(connection.scalars(_SAMPLES)))
    sampled = {"text", "salt", "name"}
    assert found == [sampled, sampled, set(), set()]


def columns(db: Database) -> dict[str, list[str]]:
    """The columns of every table, but for the revision's own."""
    found = inspect(db.engine)
    return {
        table: [column["name"] for column in found.get_columns(table)]
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def fingerprints(db: Database, named: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A digest of what all rows hold in the columns that are named, by table."""
    with db.engine.connect() as connection:
        rows = {
            table: sorted(map(repr, connection.execute(text(f"SELECT {', '.join(names)} FROM {table}"))))
            for table, names in named.items()
        }
    return {table: hashlib.sha256("\n".join(lines).encode()).hexdigest() for table, lines in rows.items()}


def assert_guarded(db: Database) -> None:
    """The triggers are there: what is append-only refuses changes."""
    for table in ("vote", "matchup", "ledger_entry"):
        for statement in (f"UPDATE {table} SET seq = seq", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="append-only"), db.write() as tx:
                tx.execute(text(statement))


def test_rows_are_the_same_after_upgrading_going_back_and_upgrading_again(kept: Kept) -> None:
    db = kept.db
    old = columns(db)
    before, revision = fingerprints(db, old), schema.current(db)
    assert revision is not None
    assert_guarded(db)
    for _ in range(2):
        schema.upgrade(db, MIGRATIONS)
        assert fingerprints(db, old) == before
        assert_guarded(db)
        audited(db)
        schema.downgrade(db, MIGRATIONS, revision)
        assert columns(db) == old
        assert fingerprints(db, old) == before
        assert_guarded(db)
    schema.downgrade(db, MIGRATIONS, "base")
    assert columns(db) == {}
    schema.upgrade(db, MIGRATIONS)
    schema.check(db, MIGRATIONS)
    for study, ledger in kept.ledgers.items():
        restore.restore(db, io.BytesIO(ledger), study, now=later(_LATER))
    assert_guarded(db)
    assert exported(db, study) == ledger


def test_what_going_back_loses_is_found_by_the_audit(db: Database) -> None:
    """The first version has no place for corrections and withdrawals; the ledger still tells of them."""
    eventful(db)
    ledger = exported(db, "s")
    schema.downgrade(db, MIGRATIONS, FIRST)
    assert exported(db, "s") == ledger
    schema.upgrade(db, MIGRATIONS)
    with pytest.raises(LedgerBroken, match="differs in the database"):
        audit.audit_study(db, studies.get(db, "s").id)
