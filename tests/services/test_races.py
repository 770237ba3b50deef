"""Two at once: what one of them must see of the other, and that neither leaves anything half done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy import text

from arena import assets
from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.errors import ArenaError, Conflict, NotFound
from arena.services import access, audit, imports, studies
from arena.store import schema
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.studies import NOW, cast_elsewhere, draft, records

T = TypeVar("T")


def at_once(*work: Callable[[], T]) -> list[T | ArenaError]:
    """Start all at the same moment; an error for people is a result."""
    start = threading.Barrier(len(work))

    def run(one: Callable[[], T]) -> T | ArenaError:
        start.wait()
        try:
            return one()
        except ArenaError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def test_an_instance_has_one_chain_however_many_begin_it(db: Database) -> None:
    made = at_once(*[lambda n=n: studies.create(db, name=f"s{n}", title="S", plan=Plan(), now=NOW) for n in range(6)])
    assert not [one for one in made if isinstance(one, ArenaError)]
    audit.audit_instance(db)


def test_a_name_is_given_to_one_of_those_who_want_it(db: Database) -> None:
    made = at_once(*[lambda: studies.create(db, name="s", title="S", plan=Plan(), now=NOW)] * 6)
    assert sum(isinstance(one, Conflict) for one in made) == 5


def test_the_same_file_at_once_is_imported_once(db: Database) -> None:
    draft(db)
    rows = [{"model_a": "alpha", "model_b": "beta", "winner": "tie"}] * 50
    done = at_once(*[lambda: cast_elsewhere(db, "s", rows).new] * 4)
    assert sorted(done, key=str) == [0, 0, 0, 50]
    questions = [{"id": f"n{n}", "text": "?"} for n in range(50)]
    fresh = at_once(*[lambda: imports.import_questions(db, "s", records(questions), now=NOW).new] * 4)
    assert sorted(fresh, key=str) == [0, 0, 0, 50]
    audit.audit_study(db, studies.get(db, "s").id)


def test_a_link_is_redeemed_once_and_a_revoked_seat_not_at_all(db: Database) -> None:
    draft(db)
    link = access.invite(db, "s", role=Role.RATER, name="alice", days=1, now=NOW)
    done = at_once(
        *[lambda: access.redeem(db, link.secret, now=NOW, hours=1)] * 4,
        lambda: access.revoke_seat(db, "s", link.pseudonym, now=NOW),
    )
    assert sum(isinstance(one, tuple) for one in done) <= 1
    assert all(isinstance(one, NotFound | tuple | type(None)) for one in done)
    audit.audit_instance(db)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_new_database_is_upgraded_by_one_of_two(make_db: MakeDatabase, kind: str) -> None:
    db = make_db(kind)
    migrations = assets.path("migrations")
    schema.downgrade(db, migrations, "base")
    done = at_once(*[lambda: schema.upgrade(db, migrations)] * 3)
    assert not [one for one in done if isinstance(one, ArenaError)]
    schema.check(db, migrations)
    with db.read() as tx:
        assert tx.scalar(text("SELECT count(*) FROM study")) == 0
