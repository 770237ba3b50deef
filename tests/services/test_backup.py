"""A backup holds everything, from either kind of database into either kind; what is not whole is refused."""

from __future__ import annotations

import io
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from arena import assets
from arena.domain.blinding import Ballot
from arena.domain.ledger import Head
from arena.domain.vocabulary import Choice, Role
from arena.errors import ArenaError, BadInput, Conflict, Incomplete, NotFound
from arena.reports import tables
from arena.services import access, backup, exports, leaderboard, studies, voting
from arena.services.leaderboard import BoardRequest
from arena.store import schema
from arena.store.engine import Database, open_database
from tests.conftest import MakeDatabase
from tests.studies import NOW, later, opened, seated

MIGRATIONS = assets.path("migrations")
KINDS = ("sqlite", "postgresql")
COMMENT = "the second answer forgets the allergy"


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def filled(db: Database, *, questions: int = 4) -> str:
    """A study with votes, people, a token and a draft study beside it; returns a rater's session."""
    opened(db, questions=questions)
    studies.create(db, name="empty", title="Nothing yet", plan=studies.get(db, "s").plan, now=NOW)
    issued = access.invite(db, "s", role=Role.RATER, name="Dr Ä. O'Neill", days=1, now=NOW)
    session, seat = access.redeem(db, issued.secret, now=NOW, hours=1)
    seat = access.consent(db, seat, now=NOW)
    for choice in (Choice.A_BETTER, Choice.TIE_BAD):
        matchup = voting.next_matchup(db, seat, now=later(1))
        assert matchup is not None
        voting.cast_vote(db, seat, Ballot(matchup.token, choice, comment=COMMENT), now=later(2))
    assert voting.next_matchup(db, seat, now=later(3)) is not None, "one is left open"
    access.create_token(db, role=Role.ANALYST, study_name=None, label="api", days=1, now=NOW)
    return session


def backed_up(db: Database, file: Path) -> dict[str, Head]:
    """Back up; returns each ledger's head."""
    return {one.name: one.head for one in backup.back_up(db, file, migrations=MIGRATIONS, report=silent)}


def restored(db: Database, file: Path) -> dict[str, Head]:
    """Restore; returns each ledger's head."""
    return {
        one.name: one.head for one in backup.restore(db, file, migrations=MIGRATIONS, report=silent, keep_sessions=True)
    }


def heads(db: Database) -> dict[str, Head]:
    """Each ledger's head, by the audit of the database itself."""
    return {one.name: one.head for one in backup.audited(db)}


def ledger_of(db: Database) -> bytes:
    """The study's exported ledger, with all its parts."""
    stream = io.BytesIO()
    exports.export(db, studies.get(db, "s"), "ledger", stream, "jsonl")
    return stream.getvalue()


def board_of(db: Database) -> str:
    """The study's board."""
    return tables.board_json(leaderboard.board(db, studies.get(db, "s"), BoardRequest(rounds=20)))


@pytest.mark.parametrize("after", KINDS)
@pytest.mark.parametrize("before", KINDS)
def test_a_restored_database_goes_on_where_the_other_stood(
    before: str, after: str, make_db: MakeDatabase, tmp_path: Path
) -> None:
    source, target, file = make_db(before), make_db(after), tmp_path / "a b?#%.db"
    session = filled(source)
    written = backed_up(source, file)
    assert set(written) == {"instance", "s", "empty"}
    assert written == heads(source) == restored(target, file) == heads(target)
    assert ledger_of(target) == ledger_of(source)
    assert board_of(target) == board_of(source)
    assert [seat.name for seat in access.seats(target, "s")] == ["Dr Ä. O'Neill"]
    assert len(access.tokens(target, now=NOW)) == 1

    seat, there = access.seat_of(target, session, now=later(4)), access.seat_of(source, session, now=later(4))
    assert seat is not None
    assert seat == there
    matchup = voting.sitting(target, seat).matchup
    assert matchup is not None
    assert voting.sitting(target, seat) == voting.sitting(source, seat)
    voting.cast_vote(target, seat, Ballot(matchup.token, Choice.B_BETTER), now=later(5))
    # What is new gets numbers behind those that were copied.
    opened(target, "another")
    assert seated(target, "Dr B").pseudonym != seat.pseudonym
    grown = {name: head.position - written[name].position for name, head in heads(target).items() if name in written}
    assert grown == {"instance": 2, "s": 2, "empty": 0}


def test_a_backup_is_one_private_file_that_can_be_audited_as_it_is(db: Database, tmp_path: Path) -> None:
    filled(db)
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "today.db"
    written = backed_up(db, file)
    assert [path.name for path in folder.iterdir()] == ["today.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    backup.check_backup(file, migrations=MIGRATIONS)
    assert [path.name for path in folder.iterdir()] == ["today.db"], "reading leaves nothing beside it"
    assert file.read_bytes() == content
    copy = open_database(f"sqlite:///{shutil.copy(file, tmp_path / 'copy.db')}")
    assert heads(copy) == written
    copy.close()


def test_the_rows_of_a_backup_are_of_one_moment(db: Database, tmp_path: Path) -> None:
    """Votes that are cast while the tables are copied are in it wholly or, as here, not at all."""
    filled(db)
    before = heads(db)
    seat = seated(db, "Dr B")
    before["instance"] = heads(db)["instance"]
    before["s"] = heads(db)["s"]
    progress: list[tuple[int, int]] = []

    def vote(done: int, total: int) -> None:
        progress.append((done, total))
        if len(progress) in (1, 5, 9):
            matchup = voting.next_matchup(db, seat, now=later(3))
            assert matchup is not None
            voting.cast_vote(db, seat, Ballot(matchup.token, Choice.B_BETTER), now=later(3))

    file = tmp_path / "b.db"
    written = {one.name: one.head for one in backup.back_up(db, file, migrations=MIGRATIONS, report=vote)}
    assert written == before
    assert heads(db)["s"].position == before["s"].position + 6
    assert progress == sorted(progress)
    assert progress[-1][0] == progress[-1][1]


def test_what_was_erased_is_not_in_a_backup(make_db: MakeDatabase, tmp_path: Path) -> None:
    """A copy of the file, page by page, may hold it still: freed bytes stay until they are written over."""
    db = make_db("sqlite")
    filled(db)
    live = Path(db.engine.url.database or "")
    raw = sqlite3.connect(live)
    raw.execute("PRAGMA secure_delete = OFF")
    assert raw.execute("DELETE FROM sealed_text WHERE seq > 0").rowcount == 2
    raw.commit()
    pages = sqlite3.connect(tmp_path / "pages.db")
    raw.backup(pages)
    pages.close()
    raw.close()
    assert COMMENT.encode() in (tmp_path / "pages.db").read_bytes()
    backup.back_up(db, tmp_path / "rows.db", migrations=MIGRATIONS, report=silent)
    assert COMMENT.encode() not in (tmp_path / "rows.db").read_bytes()


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.fixture(scope="module")
def made_once(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup, to be copied."""
    folder = tmp_path_factory.mktemp("backup")
    db = open_database(f"sqlite:///{shutil.copy(sqlite_template, folder / 'arena.db')}")
    filled(db)
    backed_up(db, folder / "good.db")
    db.close()
    return folder / "good.db"


@pytest.fixture
def whole(made_once: Path, tmp_path: Path) -> Path:
    """A good backup, in a folder where others can be made of it."""
    return Path(shutil.copy(made_once, tmp_path))


def refused(db: Database, file: Path, kind: type[ArenaError], *, exit_code: int) -> str:
    """Restoring `file` must fail, and leave nothing; returns what was said."""
    with pytest.raises(kind) as caught:
        restored(db, file)
    assert caught.value.exit_code == exit_code
    assert studies.listed(db) == []
    with pytest.raises(Incomplete, match="nothing to back up"):
        backed_up(db, file.with_name("of-nothing.db"))
    return str(caught.value)


def changed(file: Path, *statements: str) -> Path:
    """A copy of a backup into which somebody has written."""
    bad = Path(shutil.copy(file, file.with_name("bad.db")))
    raw = sqlite3.connect(bad)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f'DROP TRIGGER "{name}"')
    for statement in statements:
        assert raw.execute(statement).rowcount, "the change did something"
    raw.commit()
    raw.close()
    return bad


def test_dropping_the_triggers_alone_changes_nothing(db: Database, whole: Path) -> None:
    """The control of the next test: it is the changed rows that are found."""
    assert "s" in restored(db, changed(whole))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE vote SET choice = 'b_better' WHERE id = 1", "differs from it in 'choice'"),
        ("DELETE FROM vote WHERE id = 2", "s: ledger entry"),
        ("UPDATE answer SET text = text || '.' WHERE id = 3", "s: ledger entry"),
        ("UPDATE ledger_entry SET hash = lower(hex(zeroblob(32))) WHERE seq = 5", "ledger entry 5"),
        ("UPDATE chain SET head_seq = head_seq - 1 WHERE name = 'instance'", "instance: ledger"),
        ("UPDATE api_token SET role = 'admin'", "instance: ledger entry"),
        ("UPDATE sealed_text SET text = 'all is well' WHERE seq = (SELECT min(seq) FROM sealed_text)", "comment"),
        ("UPDATE study SET state = 'published' WHERE name = 's'", "s: ledger"),
    ],
)
def test_a_backup_with_one_row_changed_is_refused(
    statement: str, told: str, make_db: MakeDatabase, whole: Path
) -> None:
    assert told in refused(make_db("sqlite"), changed(whole, statement), Incomplete, exit_code=1)


def test_nothing_of_a_refused_backup_stays_in_postgresql(make_db: MakeDatabase, whole: Path) -> None:
    bad = changed(whole, "DELETE FROM vote WHERE id = 2")
    assert "s: ledger entry" in refused(make_db("postgresql"), bad, Incomplete, exit_code=1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seat SET created_at = 'yesterday'",
        "UPDATE vote SET rater_id = 99",
        "UPDATE vote SET id = 99, question_id = 'x' WHERE id = 1",
        "DROP TABLE sealed_text",
        "ALTER TABLE vote DROP COLUMN simulated",
        "UPDATE alembic_version SET version_num = '9999'",
        "DELETE FROM alembic_version",
    ],
)
def test_rows_that_fit_no_table_are_refused(statement: str, db: Database, whole: Path) -> None:
    refused(db, changed(whole, statement), BadInput, exit_code=2)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def overwritten(content: bytes) -> bytes:
    return content[:8192] + bytes(range(256)) * 16 + content[12288:]


DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: b"no database at all\n" * 100,
    cut,
    overwritten,
    lambda content: content[:100],
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(damage: Callable[[bytes], bytes], make_db: MakeDatabase, whole: Path) -> None:
    bad = whole.with_name("bad.db")
    bad.write_bytes(damage(whole.read_bytes()))
    refused(make_db("sqlite"), bad, BadInput, exit_code=2)


def test_a_missing_file_or_a_directory_is_refused(db: Database, tmp_path: Path) -> None:
    assert "No such file" in refused(db, tmp_path / "none.db", BadInput, exit_code=2)
    assert "directory" in refused(db, tmp_path, BadInput, exit_code=2)
    assert not (tmp_path / "none.db").exists()


def test_an_older_backup_is_restored_by_way_of_an_upgraded_copy(db: Database, whole: Path) -> None:
    old = whole.with_name("old.db")
    older = open_database(f"sqlite:///{old}")
    schema.upgrade(older, MIGRATIONS, revision="0001")
    older.close()
    assert "arena db upgrade" in refused(db, old, Incomplete, exit_code=1)


def test_a_database_that_holds_something_is_not_restored_into(db: Database, whole: Path) -> None:
    access.create_token(db, role=Role.ADMIN, study_name=None, label="api", days=1, now=NOW)
    before = heads(db)
    with pytest.raises(Conflict, match="an empty one"):
        restored(db, whole)
    assert heads(db) == before


def test_a_file_is_not_overwritten(db: Database, tmp_path: Path) -> None:
    filled(db)
    there = tmp_path / "there.db"
    there.write_text("mine")
    (tmp_path / "link.db").symlink_to(tmp_path / "nowhere")
    for file in (there, tmp_path, tmp_path / "link.db"):
        with pytest.raises(Conflict, match="choose another name"):
            backed_up(db, file)
    assert there.read_text() == "mine"


def test_a_database_that_fails_its_audit_gives_no_backup(make_db: MakeDatabase, tmp_path: Path) -> None:
    db = make_db("sqlite")
    filled(db)
    raw = sqlite3.connect(db.engine.url.database or "")
    raw.execute("UPDATE answer SET text = 'better' WHERE id = 1")
    raw.commit()
    raw.close()
    with pytest.raises(Incomplete, match=r"was not written: s: ledger entry \d+: the answer"):
        backed_up(db, tmp_path / "the-copy.db")
    assert not list(tmp_path.glob("*the-copy.db*"))


def test_a_folder_that_is_not_there_is_told(db: Database, tmp_path: Path) -> None:
    filled(db)
    with pytest.raises(BadInput, match="cannot be written"):
        backed_up(db, tmp_path / "no" / "b.db")


def test_a_restore_signs_everybody_out_unless_asked_not_to(make_db: MakeDatabase, tmp_path: Path) -> None:
    """Somebody may have been signed out or revoked since; a link that nobody used may have been withdrawn."""
    db, file = make_db("sqlite"), tmp_path / "b.db"
    opened(db)
    used = access.invite(db, "s", role=Role.RATER, name="ann", days=1, now=NOW)
    session, _ = access.redeem(db, used.secret, now=NOW, hours=1)
    unused = access.invite(db, "s", role=Role.ADMIN, name="bob", days=1, now=NOW).secret
    backup.back_up(db, file, migrations=MIGRATIONS, report=silent)
    for keeps in (False, True):
        new = make_db("sqlite")
        backup.restore(new, file, migrations=MIGRATIONS, report=silent, keep_sessions=keeps)
        assert (access.seat_of(new, session, now=NOW) is not None) == keeps
        if keeps:
            assert access.look_up(new, unused, now=NOW).role is Role.ADMIN
        else:
            with pytest.raises(NotFound):
                access.look_up(new, unused, now=NOW)
        assert len(access.seats(new, "s")) == 2


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
VIEW = f"""CREATE VIEW invitation AS {ENDLESS}
SELECT i AS id, 1 AS seat_id, 'h' || i AS secret_hash, '2030-01-01' AS expires_at, NULL AS redeemed_at FROM n"""
QUOTED = VIEW.replace("'", "''")
LIE = f"""PRAGMA writable_schema = ON;
DELETE FROM sqlite_master WHERE tbl_name = 'invitation' AND type = 'index';
UPDATE sqlite_master SET sql = '{QUOTED}' WHERE name = 'invitation'"""
"""A view that the schema's own list calls a table."""
VIRTUAL = """CREATE VIRTUAL TABLE v USING fts5(id, seat_id, secret_hash, expires_at, redeemed_at);
ALTER TABLE invitation RENAME TO other; ALTER TABLE v RENAME TO invitation"""


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (f"ALTER TABLE invitation RENAME TO other; {VIEW}", "there is no table invitation in it"),
        (
            f"DROP TABLE alembic_version; CREATE VIEW alembic_version AS {ENDLESS} SELECT i AS version_num FROM n",
            "there is no table alembic_version in it",
        ),
        (LIE, "is no backup"),
        (VIRTUAL, "there is no table invitation in it"),
        ("UPDATE identity SET name = x'00ff'", "table identity holds bytes"),
        ("UPDATE sealed_text SET text = CAST(text AS BLOB)", "table sealed_text holds bytes"),
        ("UPDATE claim SET place = 'first'", "table claim holds bytes, text"),
        ("UPDATE claim SET is_open = 'yes'", "table claim holds bytes, text"),
        ("UPDATE seat SET created_at = 2030", "table seat holds bytes, text or a number"),
        ("UPDATE identity SET name = CAST(x'ff' AS TEXT)", "decode"),
    ],
)
def test_a_file_made_to_do_harm_is_refused(damage: str, words: str, db: Database, whole: Path) -> None:
    raw = sqlite3.connect(whole)
    raw.executescript(damage)
    raw.close()

    def enough(done: int, _total: int) -> None:
        assert done < 10_000, "rows without end"

    with pytest.raises((BadInput, Incomplete), match=words):
        backup.restore(db, whole, migrations=MIGRATIONS, report=enough)
    assert studies.listed(db) == []
