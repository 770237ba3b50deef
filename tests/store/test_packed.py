"""Packed copies of the votes: the same votes as the rows, whoever packs them and when, and never needed."""

from __future__ import annotations

import io
import threading
import tracemalloc
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, func, insert, select, text, update

from arena.domain.ledger import LedgerBroken
from arena.reports import tables as written
from arena.services import audit, counted, exports, leaderboard, restore, studies
from arena.services.counted import Counted
from arena.services.leaderboard import BoardRequest
from arena.store import packed, packing
from arena.store.engine import Database, open_database
from arena.store.tables import PackedVotes, Vote
from tests.conftest import MakeDatabase
from tests.services.eventful import eventful
from tests.studies import NOW, cast_elsewhere, draft

SOURCES = ("human", "judge:one")


@pytest.fixture(autouse=True)
def _of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SIZE", 3)
    monkeypatch.setattr(packed, "_AT_ONCE", 2)
    monkeypatch.setattr(packed, "_PAGE", 2)


@pytest.fixture
def full(db: Database) -> Database:
    """A study to which everything has happened, with votes of a judge among those of people, and without copies."""
    eventful(db)
    for turn in range(5):
        row: dict[str, object] = {
            "question_id": f"q{turn % 3}",
            "model_a": "alpha",
            "model_b": ("beta", "gamma")[turn % 2],
        }
        votes = [row | {"winner": "tie", "judge": "j", "simulated": bool(turn % 2)}, row | {"winner": "model_b"}]
        cast_elsewhere(db, "s", votes, "judge:one")
        cast_elsewhere(db, "s", [{**row, "question_id": None, "winner": "both_bad", "judge": f"p{turn}"}])
    forget(db)
    return db


def forget(db: Database) -> None:
    """Delete all copies."""
    with db.write() as tx:
        tx.execute(delete(PackedVotes))


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def kept(db: Database, source: str = "human") -> bool:
    """Have the votes packed, as a command does."""
    return packing.keep(db, studies.get(db, "s").id, source, report=silent)


def copies(db: Database, source: str = "human") -> list[packed.Stretch]:
    """The copies that are read."""
    with db.read() as tx:
        return packed.copies(tx, studies.get(db, "s").id, source)


def told(found: Counted) -> dict[str, object]:
    """All that is counted, in plain values."""
    columns: dict[str, object] = {name: column.tolist() for name, column in found.columns().items()}
    return columns | {
        "simulated": found.simulated.tolist(),
        "notes": found.notes,
        "head": found.head,
        "contenders": list(found.contenders),
        "categories": [found.category(row) for row in range(len(found))],
    }


def of_study(db: Database, source: str = "human", at: int | None = None) -> dict[str, object]:
    """What is counted of the study."""
    return told(counted.of_study(db, studies.get(db, "s"), source, at=at))


def exported(db: Database) -> bytes:
    """The study's ledger."""
    target = io.BytesIO()
    exports.export(db, studies.get(db, "s"), "ledger", target, "jsonl")
    return target.getvalue()


def test_copies_count_as_the_ledger_tells_at_any_position(full: Database) -> None:
    """The ledger is read vote by vote, without the tables: corrections, exclusions and withdrawals among them."""
    ledger, head = exported(full), studies.overview(full, studies.get(full, "s")).head
    for source in SOURCES:
        assert kept(full, source)
        assert len(copies(full, source)) >= 3
        for at in (None, *range(1, head.position + 1, 5)):
            told_by_ledger = told(counted.of_ledger(io.BytesIO(ledger), "s", source, at=at))
            assert of_study(full, source, at) == told_by_ledger, at


def test_boards_are_the_same_bytes_without_copies(full: Database) -> None:
    def board() -> str:
        request = BoardRequest(rounds=20, by="category")
        overall, groups = leaderboard.grouped(full, studies.get(full, "s"), request)
        return written.document(overall, groups, by="category", file_format="json")

    without = board()
    kept(full)
    assert board() == without
    forget(full)
    assert board() == without


def test_a_board_packs_nothing(full: Database) -> None:
    """It is what a GET computes too."""
    leaderboard.board(full, studies.get(full, "s"), BoardRequest(rounds=20))
    with full.read() as tx:
        assert tx.scalar(select(func.count()).select_from(PackedVotes)) == 0


def test_an_import_packs_what_is_enough(full: Database) -> None:
    cast_elsewhere(full, "s", [{"model_a": "alpha", "model_b": "beta", "winner": "tie"}] * 2)
    assert sum(copy.votes for copy in copies(full)) >= 3
    assert copies(full, "judge:one") == []


def test_a_restored_ledger_is_packed(full: Database, make_db: MakeDatabase) -> None:
    other = make_db("sqlite")
    restore.restore(other, io.BytesIO(exported(full)), "s.jsonl", now=NOW)
    assert all(copies(other, source) for source in SOURCES)
    assert of_study(other)["model_a"] == of_study(full)["model_a"]


def test_copies_of_another_size_go_on_where_those_before_ended(full: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    without = of_study(full)
    monkeypatch.setattr(packing, "SIZE", 2)
    kept(full)
    cast_elsewhere(full, "s", [{"model_a": "alpha", "model_b": "beta", "winner": "tie"}])
    monkeypatch.setattr(packing, "SIZE", 1)
    kept(full)
    assert {copy.votes for copy in copies(full)} == {1, 2}
    assert len(of_study(full)["winner"]) == len(without["winner"]) + 1  # type: ignore[arg-type]


@pytest.mark.parametrize("spoilt", ["gone", "cut"])
def test_what_a_missing_or_cut_copy_held_is_read_from_the_votes(full: Database, spoilt: str) -> None:
    without = of_study(full)
    kept(full)
    first, second, *_ = copies(full)
    with full.write() as tx:
        where = PackedVotes.after_seq == second.after
        tx.execute(
            delete(PackedVotes).where(where) if spoilt == "gone" else update(PackedVotes).where(where).values(body=b"x")
        )
    assert copies(full) == [first]
    assert of_study(full) == without
    kept(full)
    assert copies(full)[:2] == [first, second]
    check_alone(full)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Behind which entries those who pack read votes from their rows."""
    read, rows = list[int](), packed.rows

    def watched(*args: Any, after: int, last: int) -> packed.Table:
        read.append(after)
        return rows(*args, after=after, last=last)

    monkeypatch.setattr(packing, "rows", watched)
    return read


def test_a_cut_copy_is_made_again_and_those_behind_it_are_not(full: Database, read: list[int]) -> None:
    kept(full)
    made, said = copies(full), list[tuple[int, int]]()
    assert len(made) > 3
    cut(full, made[0], b"")
    assert copies(full) == []
    read.clear()
    assert packing.keep(full, studies.get(full, "s").id, "human", report=lambda *done: said.append(done))
    assert copies(full) == made
    assert read == [made[0].after, made[1].after], "the second is read before it is known to be there"
    assert said[-1] == (sum(copy.votes for copy in made),) * 2
    read.clear()
    assert kept(full)
    assert read == []
    check_alone(full)


def test_an_import_leaves_a_cut_copy_and_repeats_no_work(full: Database, read: list[int]) -> None:
    kept(full)
    made = copies(full)
    cut(full, made[0], b"x")
    read.clear()
    cast_elsewhere(full, "s", [{"model_a": "alpha", "model_b": "beta", "winner": "tie"}])
    assert read == [made[0].after]
    assert copies(full) == []


def cut(db: Database, copy: packed.Stretch, body: bytes) -> None:
    """Leave another body than was stored."""
    with db.write() as tx:
        where = (PackedVotes.after_seq == copy.after, PackedVotes.source == "human")
        tx.execute(update(PackedVotes).where(*where).values(body=body))


def test_of_many_who_pack_at_once_none_fails_and_nothing_is_double(full: Database) -> None:
    start, done = threading.Barrier(4), list[bool]()

    def pack() -> None:
        start.wait(timeout=30)
        done.append(kept(full))

    threads = [threading.Thread(target=pack) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert done == [True] * 4
    check_alone(full)


def test_who_comes_second_finds_it_done(full: Database) -> None:
    """Both have read which copies there are before either stores one."""
    study_id = studies.get(full, "s").id
    with full.read() as tx:
        first = packing._next(tx, study_id, "human", 0)
        assert first is not None
        ours = [first, packing._next(tx, study_id, "human", first["last_seq"])]
    kept(full)
    with full.write() as tx:
        for values in ours:
            assert values is not None
            assert not packing._stored(tx, values, may_replace=True)
    check_alone(full)


def check_alone(db: Database) -> None:
    """Every copy is read, and every vote that can be packed is, once."""
    made = copies(db)
    with db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(PackedVotes)) == len(made)
        votes = tx.scalar(select(func.count()).select_from(Vote).where(Vote.source == "human")) or 0
    assert sum(copy.votes for copy in made) == votes - votes % packing.SIZE
    audit.audit_study(db, studies.get(db, "s").id)


def test_while_another_process_writes_the_board_does_without(full: Database) -> None:
    """On PostgreSQL, who packs in a long transaction of an import."""
    without = of_study(full)
    db = open_database(full.engine.url.render_as_string(hide_password=False))
    with pytest.MonkeyPatch.context() as patch, full.write() as tx:
        patch.setattr(packing, "_PATIENCE", 50)
        packing.pack(tx, studies.get(full, "s").id, "human")
        assert not kept(db)
        assert of_study(db) == without
    assert kept(db)
    db.close()


def test_who_may_only_read_gets_the_board_all_the_same(make_db: MakeDatabase, read: list[int]) -> None:
    db, role = make_db("postgresql"), f"reads_{uuid.uuid4().hex}"
    eventful(db)
    forget(db)
    with db.write() as tx:
        tx.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
        tx.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    reader = open_database(db.engine.url.set(username=role, password="x").render_as_string(hide_password=False))
    try:
        assert not kept(reader)
        assert of_study(reader) == of_study(db)
        with db.write() as tx:
            tx.execute(text(f"GRANT INSERT ON packed_votes TO {role}"))
        assert kept(reader), "the control: the right to insert is all that was wanting"
        cut(db, copies(db)[0], b"x")
        read.clear()
        assert not kept(reader), "to delete the cut copy is another right"
        assert read == [0]
        assert of_study(reader) == of_study(db)
        with db.write() as tx:
            tx.execute(text(f"GRANT DELETE ON packed_votes TO {role}"))
        assert kept(reader)
        check_alone(db)
    finally:
        reader.close()
        with db.write() as tx:
            tx.execute(text(f"DROP OWNED BY {role}"))
            tx.execute(text(f"DROP ROLE {role}"))


def test_progress_is_told_to_its_end(full: Database) -> None:
    said: list[tuple[int, int]] = []
    packing.keep(full, studies.get(full, "s").id, "human", report=lambda *done: said.append(done))
    assert said[-1][0] == said[-1][1] == sum(copy.votes for copy in copies(full))


def spoil(body: bytes) -> Iterator[tuple[bytes, int]]:
    """A copy changed in one vote, or by one, and the place of the first vote that differs."""
    width = packed.COLUMNS.itemsize
    for place in range(len(body) // width):
        for name in packed.COLUMNS.names or ():
            votes = np.frombuffer(body, packed.COLUMNS).copy()
            votes[name][place] = not votes[name][place] if name == "simulated" else votes[name][place] + 1
            yield votes.tobytes(), place
    yield body[:-width], len(body) // width - 1


def test_an_audit_names_the_first_vote_that_a_copy_holds_otherwise(full: Database) -> None:
    study_id = studies.get(full, "s").id
    kept(full)
    second = copies(full)[1]
    where = (PackedVotes.after_seq == second.after, PackedVotes.source == "human")
    with full.read() as tx:
        body = tx.scalar(select(PackedVotes.body).where(*where)) or b""
        seqs = packed.rows(tx, study_id, "human", after=second.after, last=second.last)["seq"].tolist()
    assert len(seqs) == packing.SIZE
    for changed, place in spoil(body):
        with full.write() as tx:
            tx.execute(update(PackedVotes).where(*where).values(body=changed))
        with pytest.raises(LedgerBroken, match="packed copy of the votes from 'human'") as found:
            audit.audit_study(full, study_id)
        assert found.value.position == seqs[place]
    with full.write() as tx:
        tx.execute(update(PackedVotes).where(*where).values(body=body))
    audit.audit_study(full, study_id)


def test_an_audit_finds_a_copy_of_votes_that_are_not_there(full: Database) -> None:
    kept(full)
    draft(full, "t")
    audit.audit_study(full, studies.get(full, "t").id)
    with full.write() as tx:
        row = tx.execute(select(PackedVotes.__table__)).mappings().first()
        assert row is not None
        tx.execute(insert(PackedVotes).values({**row, "study_id": studies.get(full, "t").id}))
    with pytest.raises(LedgerBroken, match="packed copy"):
        audit.audit_study(full, studies.get(full, "t").id)


def changed(body: bytes, place: int, **fields: int) -> bytes:
    """A copy with other numbers in one vote."""
    numbers = np.frombuffer(body, np.uint8).copy()
    vote = numbers.view(packed.COLUMNS)[place : place + 1]
    for name, number in fields.items():
        if name == "simulated":  # a byte, which NumPy would make 1
            numbers[(place + 1) * packed.COLUMNS.itemsize - 1] = number
        else:
            vote[name] = number
    return numbers.tobytes()


TAMPERED: list[dict[str, Any]] = [
    {"body": {"place": 0, "choice": 99}},
    {"body": {"place": 1, "choice": len(packed.CHOICES)}},
    {"body": {"place": 1, "simulated": 2}},
    {"body": {"place": 0, "seq": 2**62}},
    {"body": {"place": 0, "seq": 0}},
    {"body": {"place": 2, "seq": 2**62}},
    {"body": {"place": 0, "question": 4_000_000_000}},
    {"body": {"place": 0, "a": 9999}},
    {"body": {"place": 2, "b": 0}},
    {"body": {"place": 1, "a": 2**32 - 1}},
    {"body": {"place": 1, "rater": 9999}},
    {"last_seq": 2**62},
]


def test_no_board_is_made_of_a_copy_that_holds_what_no_vote_can(full: Database) -> None:
    without = of_study(full, "judge:one")
    kept(full, "judge:one")
    assert of_study(full, "judge:one") == without
    first = update(PackedVotes).where(PackedVotes.after_seq == 0)
    with full.read() as tx:
        stored = tx.execute(select(PackedVotes.__table__).where(PackedVotes.after_seq == 0)).mappings().one()
    for tampered in TAMPERED:
        values = {"body": changed(stored["body"], **tampered["body"])} if "body" in tampered else tampered
        with full.write() as tx:
            tx.execute(first.values({**stored, **values}))
        with pytest.raises(LedgerBroken, match=r"`arena audit` tells more; .* may be deleted"):
            pytest.fail(f"a board of {tampered}: {of_study(full, 'judge:one')}")
    forget(full)
    assert of_study(full, "judge:one") == without


def test_a_vote_that_names_nothing_known_is_told_by_its_entry(full: Database) -> None:
    kept(full, "judge:one")
    with full.write() as tx:
        body = tx.scalar(select(PackedVotes.body)) or b""
        tx.execute(update(PackedVotes).where(PackedVotes.after_seq == 0).values(body=changed(body, 1, a=9999)))
    with pytest.raises(LedgerBroken, match="for a contender that the study does not have") as found:
        of_study(full, "judge:one")
    assert found.value.position == np.frombuffer(body, packed.COLUMNS)["seq"][1]


@pytest.mark.parametrize("column", ["body", "last_seq"])
def test_text_where_sqlite_should_keep_numbers_is_no_copy(make_db: MakeDatabase, column: str) -> None:
    db = make_db("sqlite")
    eventful(db)
    forget(db)
    kept(db)
    with db.write() as tx:
        words = "x" * 3 * packed.COLUMNS.itemsize
        tx.execute(text(f"UPDATE packed_votes SET {column} = :words WHERE after_seq = 0"), {"words": words})
    with pytest.raises(LedgerBroken, match="`arena audit` tells more"):
        of_study(db)
    with pytest.raises(LedgerBroken):
        audit.audit_study(db, studies.get(db, "s").id)


def test_votes_read_from_their_rows_take_no_more_room_than_in_a_copy(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_PAGE", 100)
    db, number = make_db("sqlite"), 20_000
    eventful(db)
    with db.write() as tx:
        vote = dict(tx.execute(select(Vote.__table__)).mappings().first() or {})
        vote |= {"source": "many", "matchup_id": None}
        seqs = range(10_000, 10_000 + number)
        tx.execute(insert(Vote), [vote | {"id": seq, "seq": seq, "key": f"key {seq}"} for seq in seqs])
    with db.read() as tx:
        packed.ballots(tx, vote["study_id"], "human")  # statements are made once
        tracemalloc.start()
        try:
            found = packed.ballots(tx, vote["study_id"], "many")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert found["seq"].tolist() == list(seqs)
    assert most < 1.5 * number * packed.COLUMNS.itemsize


def test_a_choice_that_is_none_is_not_taken_for_one(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    eventful(db)
    forget(db)
    with db.write() as tx:
        tx.execute(text("DROP TRIGGER vote_no_update"))
        seq = tx.scalar(select(func.min(Vote.seq)).where(Vote.source == "human"))
        tx.execute(update(Vote).where(Vote.seq == seq).values(choice="best"))
    assert not kept(db)
    with pytest.raises(LedgerBroken, match="none of a_much_better") as found:
        of_study(db)
    assert found.value.position == seq
