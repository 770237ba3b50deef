"""Backups taken while 32 raters vote: each is whole, restores elsewhere, and lies on the ledger as it went on."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena import assets
from arena.domain.ledger import Head
from arena.services import backup, studies
from arena.store import ledger
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.reliability.crowd import Crowd, sessions, stored
from tests.reliability.server import listener, running
from tests.scale import scaled

TIMES = scaled(3, 20)
MIGRATIONS = assets.path("migrations")
OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def live_hash(db: Database, name: str, position: int) -> str:
    """The hash that the ledger `name` has at a position now."""
    study_id = None if name == "instance" else studies.get(db, name).id
    with db.read() as tx:
        return next(one.hash for one in ledger.entries(tx, study_id, up_to=position) if one.seq == position)


@pytest.mark.reliability
def test_a_backup_among_32_raters_is_a_beginning_of_what_is_live(
    db: Database, make_db: MakeDatabase, tmp_path: Path
) -> None:
    seats = sessions(db, questions=scaled(15, 60))
    kinds = [OTHER[db.kind], db.kind]
    taken: list[tuple[Path, dict[str, Head]]] = []
    promised: list[set[tuple[str, str]]] = []
    with listener() as socket, running(db, on=socket):
        crowd = Crowd(socket.getsockname()[1], seats, seed=7)
        with crowd.voting():
            crowd.wait_for(5)
            for number in range(TIMES):
                promised.append(set(crowd.promised))
                file = tmp_path / f"{number}.db"
                done = backup.back_up(db, file, migrations=MIGRATIONS, report=silent)
                taken.append((file, {one.name: one.head for one in done}))
                crowd.wait_for(1)
            crowd.rest()
    for number, (file, heads) in enumerate(taken):
        new = make_db(kinds[number % 2])
        restored = {
            one.name: one.head
            for one in backup.restore(new, file, migrations=MIGRATIONS, report=silent, keep_sessions=True)
        }
        assert restored == heads
        assert {one.name: one.head for one in backup.audited(new)} == heads
        for name, head in heads.items():
            assert live_hash(db, name, head.position) == head.hash
        votes = stored(new)
        assert promised[number] <= {(vote.token, vote.choice) for vote in votes}, "what was promised before is in it"
        assert set(votes) < set(stored(db))
